"""Shares, paired tests and bootstrap intervals when items of one persona are no independent evidence."""
