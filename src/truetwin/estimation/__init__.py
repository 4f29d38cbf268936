"""Estimates: what a population answers to new items, by group and with intervals that hold."""
