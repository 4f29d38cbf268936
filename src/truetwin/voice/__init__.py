"""How well a model speaks as one given person (paper B): items, protocols, scores, audits."""
