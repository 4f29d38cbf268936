"""The default method: it learns from other items and people, never from the target."""
