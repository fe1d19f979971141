"""The names of `falcon.asgi`."""

from fenrir.falcon.asgi.app import App
from fenrir.falcon.async_request import Request
from fenrir.falcon.async_stream import BoundedStream
from fenrir.falcon.ws import WebSocket, WebSocketOptions
from fenrir.falcon.response import Response
from fenrir.falcon.sse import SSEvent

__all__ = ["App", "BoundedStream", "Request", "Response", "SSEvent", "WebSocket", "WebSocketOptions"]
