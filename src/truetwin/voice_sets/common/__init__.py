"""Parts that all builds share: raw rows, privacy, distractors, release gate, datasheet."""
