"""Methods of paper A: fit-and-transfer, matrix completion, synthetic prior, neural network, adaptive transfer."""
