"""Starlette's toolkit: its public names under its module names, standing alone over ASGI, on asyncio and trio."""

__all__: list[str] = []

__version__ = "1.10.0"
"""Of the original whose behaviour this is: packages choose their code by it."""
