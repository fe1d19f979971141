"""The request, as async responders see it: the body is awaited."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fenrir.falcon import request
from fenrir.falcon.async_stream import BoundedStream
from fenrir.falcon.errors import UnsupportedError
from fenrir.falcon.request import UNSET, _given, _Media

__all__ = ["Request"]


class Request(request.Request):
    """One request, with `await req.get_media()` and `await req.stream.read()`."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers by name in small letters."""
        return self.headers_lower

    @property
    def method(self) -> str:
        """The method, as it arrived; GET for a WebSocket handshake."""
        return "GET" if self.is_websocket else self._c.http.method

    @cached_property
    def _async_stream(self) -> BoundedStream:
        return BoundedStream(self._c)

    @property
    def stream(self) -> BoundedStream:
        """The body, read with `await` or iterated. Raises `UnsupportedError` for a WebSocket."""
        if self.is_websocket:
            raise UnsupportedError("ASGI does not support reading the WebSocket handshake request body.")
        return self._async_stream

    async def get_media(self, default_when_empty: Any = UNSET) -> Any:
        """Return the object that the body stands for, by the handler for its content type; read only once."""
        if self._media is None:
            kind, options = self.content_type, self.options
            handler = options.media_handlers.resolve(kind, options.default_media_type)
            try:
                if handler._deserialize_sync is not None:
                    value = handler._deserialize_sync(await self.stream.read())
                else:
                    value = await handler.deserialize_async(self.stream, kind, self.content_length)
                self._media = self._taken(value)
            except Exception as exc:
                self._media = _Media(None, exc)
        return _given(self._media, default_when_empty)

    @property
    def media(self) -> Any:
        """An awaitable for the object that the body stands for."""
        return self.get_media()
