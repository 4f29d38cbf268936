"""Results in, files out: prediction tables with their sidecars, pages."""
