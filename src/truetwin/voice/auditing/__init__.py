"""Audit a benchmark before a model is asked: telltale options, persona-free guesses, fairer subsets."""
