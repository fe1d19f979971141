"""MessagePack bodies, when its library is installed."""

from __future__ import annotations

import importlib
from typing import Any

from fenrir.falcon.errors import MediaMalformedError, MediaNotFoundError
from fenrir.falcon.media.base import BaseHandler, BinaryBaseHandlerWS

__all__ = ["MessagePackHandler", "MessagePackHandlerWS"]


class MessagePackHandler(BaseHandler):
    """MessagePack. Raises `ImportError` on construction without the library."""

    def __init__(self) -> None:
        library: Any = importlib.import_module("msgpack")
        self._library = library
        self._pack = library.Packer(autoreset=True, use_bin_type=True).pack
        self._serialize_sync = self._write
        self._deserialize_sync = self._read

    def _read(self, data: bytes) -> Any:
        if not data:
            raise MediaNotFoundError("MessagePack")
        try:
            return self._library.unpackb(data, raw=False)
        except ValueError as exc:
            raise MediaMalformedError("MessagePack") from exc

    def _write(self, media: Any) -> bytes:
        packed: bytes = self._pack(media)
        return packed

    def serialize(self, media: object, content_type: str) -> bytes:
        return self._write(media)

    def deserialize(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        return self._read(stream.read())


class MessagePackHandlerWS(BinaryBaseHandlerWS):
    """MessagePack in binary messages."""

    def __init__(self) -> None:
        library: Any = importlib.import_module("msgpack")
        self._library = library

    def serialize(self, media: object) -> bytes:
        packed: bytes = self._library.packb(media, use_bin_type=True)
        return packed

    def deserialize(self, payload: bytes) -> object:
        return self._library.unpackb(payload, raw=False)
