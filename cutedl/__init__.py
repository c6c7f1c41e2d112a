"""cutedl: a deep-learning mini-framework in NumPy."""

__version__ = "0.1.0"
