"""Benchmark items: one format, the published dimensions, faults, controls."""
