"""What all benchmark builds share: rows, privacy, distractors, release gate, datasheet."""
