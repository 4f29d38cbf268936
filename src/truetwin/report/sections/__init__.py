"""Build the sections of a report, each from the result that it is about."""
