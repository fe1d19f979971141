"""URL-encoded bodies."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fenrir.falcon.errors import MediaMalformedError
from fenrir.falcon.media.base import BaseHandler
from fenrir.falcon.uri import parse_query_string

__all__ = ["URLEncodedFormHandler"]


class URLEncodedFormHandler(BaseHandler):
    """Forms as dicts; a repeated name gives a list."""

    def __init__(self, keep_blank: bool = True, csv: bool = False) -> None:
        self._keep_blank = keep_blank
        self._csv = csv
        if type(self) is URLEncodedFormHandler:
            self._serialize_sync = self._write
            self._deserialize_sync = self._read

    def _read(self, body: bytes) -> dict[str, str | list[str]]:
        try:
            return parse_query_string(body.decode("ascii"), keep_blank=self._keep_blank, csv=self._csv)
        except ValueError as exc:
            raise MediaMalformedError("URL-encoded") from exc

    def _write(self, media: Any) -> bytes:
        return urlencode(media, doseq=True).encode()

    def serialize(self, media: Any, content_type: str | None = None) -> bytes:
        return self._write(media)

    def deserialize(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        return self._read(stream.read())

    async def deserialize_async(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        return self._read(await stream.read())
