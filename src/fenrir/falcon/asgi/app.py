"""`falcon.asgi.App`."""

from __future__ import annotations

from fenrir.falcon import app
from fenrir.falcon.async_response import Response

__all__ = ["App"]


class App(app.App):
    """An application whose responders are usually `async def`; plain ones run in worker threads."""

    _response_type = Response
