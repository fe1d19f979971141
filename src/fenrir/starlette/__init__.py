"""Starlette's toolkit: its public names under its module names, standing alone over ASGI, on asyncio and trio."""

__all__: list[str] = []
