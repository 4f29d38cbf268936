"""Build social and interpersonal items from posts with replies and from logs of messages (paper B, section 4.1)."""
