"""Carry out a task: send its requests at a suitable pace, within a budget, and report progress and cost."""
