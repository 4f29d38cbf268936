"""Hand requests to a provider's batch service or to files, and read the replies."""
