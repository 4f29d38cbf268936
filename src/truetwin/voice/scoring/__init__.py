"""Score stored answers: accuracy, text metrics, capabilities, leaderboards."""
