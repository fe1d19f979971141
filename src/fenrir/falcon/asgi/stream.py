"""The names of `falcon.asgi.stream`."""

from fenrir.falcon.async_stream import BoundedStream

__all__ = ["BoundedStream"]
