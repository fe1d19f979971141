<<<<<<< HEAD
"""Starlette's toolkit under its module names: ASGI values, routing, middleware. See PARITY.md for what differs."""
=======
"""Starlette's toolkit: its public names under its module names, standing alone over ASGI, on asyncio and trio."""

__all__: list[str] = []
>>>>>>> integration
