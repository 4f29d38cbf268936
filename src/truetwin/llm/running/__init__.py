"""Carry a task out: pacing, budgets, prices, progress, shards."""
