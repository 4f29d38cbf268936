"""Write results as files: tables, each with a sidecar that says how it was made."""
