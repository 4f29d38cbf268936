"""Turn results into files: prediction tables with their sidecars, figures, pages.

A *sidecar* is a JSON file beside a result that says how it was made.
"""
