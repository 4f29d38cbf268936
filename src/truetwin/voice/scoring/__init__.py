"""Scores of stored answers: accuracy, text metrics, capabilities, leaderboards."""
