"""The names of `falcon.asgi`."""

from fenrir.falcon.asgi.app import App
from fenrir.falcon.async_request import Request
from fenrir.falcon.async_response import Response
from fenrir.falcon.async_stream import BoundedStream
from fenrir.falcon.sse import SSEvent
from fenrir.falcon.ws import WebSocket, WebSocketOptions

__all__ = ["App", "BoundedStream", "Request", "Response", "SSEvent", "WebSocket", "WebSocketOptions"]
