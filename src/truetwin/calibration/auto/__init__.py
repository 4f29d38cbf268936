"""The default method, ``auto``: it learns from other items and other people, never from the target."""
