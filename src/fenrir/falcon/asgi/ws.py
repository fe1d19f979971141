"""The names of `falcon.asgi.ws`."""

from fenrir.falcon.ws import WebSocket, WebSocketOptions, http_status_to_ws_code

__all__ = ["WebSocket", "WebSocketOptions", "http_status_to_ws_code"]
