"""JSON bodies. Written as upstream writes them (`json.dumps`, a space after each colon), unless told otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from fenrir.falcon.errors import MediaMalformedError, MediaNotFoundError
from fenrir.falcon.media.base import BaseHandler, TextBaseHandlerWS

__all__ = ["DEFAULT_JSON_HANDLER", "JSONHandler", "JSONHandlerWS"]


class JSONHandler(BaseHandler):
    """JSON by the standard library, or by the two functions given."""

    def __init__(
        self, dumps: Callable[[Any], str | bytes] | None = None, loads: Callable[[str], Any] | None = None
    ) -> None:
        self._dumps = dumps or partial(json.dumps, ensure_ascii=False)
        self._loads = loads or json.loads
        self._errors: tuple[type[Exception], ...] = (ValueError,)
        try:
            self._loads("frozenset({1})")  # libraries differ in what they raise
        except Exception as exc:
            if not isinstance(exc, ValueError):
                self._errors += (type(exc),)
        if type(self) is JSONHandler:
            self._serialize_sync = self._write
            self._deserialize_sync = self._read

    def _read(self, data: bytes) -> Any:
        if not data:
            raise MediaNotFoundError("JSON")
        try:
            return self._loads(data.decode())
        except self._errors as exc:
            raise MediaMalformedError("JSON") from exc

    def _write(self, media: Any) -> bytes:
        text = self._dumps(media)
        return text.encode() if isinstance(text, str) else text

    def deserialize(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        return self._read(stream.read())

    async def deserialize_async(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        return self._read(await stream.read())

    def serialize(self, media: Any, content_type: str | None = None) -> bytes:
        return self._write(media)


class JSONHandlerWS(TextBaseHandlerWS):
    """JSON in text messages."""

    def __init__(self, dumps: Callable[[Any], str] | None = None, loads: Callable[[str], Any] | None = None) -> None:
        self._dumps = dumps or partial(json.dumps, ensure_ascii=False)
        self._loads = loads or json.loads

    def serialize(self, media: object) -> str:
        return self._dumps(media)

    def deserialize(self, payload: str) -> object:
        return self._loads(payload)


DEFAULT_JSON_HANDLER = JSONHandler()
