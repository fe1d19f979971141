"""`falcon.asgi.App`."""

from __future__ import annotations

from fenrir.falcon import app

__all__ = ["App"]


class App(app.App):
    """An application whose responders are usually `async def`; plain ones run in worker threads."""
