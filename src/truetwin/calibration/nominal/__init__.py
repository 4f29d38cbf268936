"""Nominal items: categories without an order, which methods see as one 0/1 indicator a category."""
