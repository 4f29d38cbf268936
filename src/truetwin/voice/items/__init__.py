"""Benchmark items: one format, loaders of the published dimensions, faults, control conditions."""
