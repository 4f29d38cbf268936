"""Build benchmark items from raw material: posts with replies, logs of messages, novels (paper B, section 4.1)."""
