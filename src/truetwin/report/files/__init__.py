"""Results as files: tables with their sidecars."""
