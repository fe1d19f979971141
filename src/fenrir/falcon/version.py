"""The version of the original."""

__all__ = ["__version__"]

__version__ = "4.4.0"
"""Of the original whose behaviour this is: packages choose their code by it."""
