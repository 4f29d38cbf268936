"""Read replies strictly: an answer beyond doubt, or the reason why there is none."""
