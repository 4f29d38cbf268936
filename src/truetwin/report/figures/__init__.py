"""Draw the figures of every job; each function returns a matplotlib figure."""
