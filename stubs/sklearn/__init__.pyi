"""Types of scikit-learn, which has none of its own; only what a type depends on is described."""

__version__: str
