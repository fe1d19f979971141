"""The table of media handlers, asked by content type."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any

from fenrir.falcon.constants import MEDIA_JSON, MEDIA_MULTIPART, MEDIA_URLENCODED
from fenrir.falcon.errors import HTTPUnsupportedMediaType
from fenrir.falcon.media.base import BaseHandler, BinaryBaseHandlerWS
from fenrir.falcon.media.json import JSONHandler
from fenrir.falcon.media.multipart import MultipartFormHandler
from fenrir.falcon.media.urlencoded import URLEncodedFormHandler
from fenrir.http.headers import parse_dict_params
from fenrir.http.media import best_match

__all__ = ["Handlers", "MissingDependencyHandler"]


class MissingDependencyHandler(BinaryBaseHandlerWS):
    """A handler whose library is not there: using it says so."""

    def __init__(self, handler: str, library: str) -> None:
        self._message = f"The {handler} requires the {library} library, which is not installed."

    def serialize(self, media: object) -> bytes:
        raise RuntimeError(self._message)

    def deserialize(self, payload: bytes) -> object:
        raise RuntimeError(self._message)


class Handlers(UserDict[str, BaseHandler]):
    """Media handlers by media type."""

    def __init__(self, initial: Mapping[str, BaseHandler] | None = None) -> None:
        super().__init__(
            initial
            or {
                MEDIA_JSON: JSONHandler(),
                MEDIA_MULTIPART: MultipartFormHandler(),
                MEDIA_URLENCODED: URLEncodedFormHandler(),
            }
        )

    def find(self, media_type: str | None, default: str) -> BaseHandler | None:
        """Return the handler of a media type, None if there is none."""
        if not media_type or media_type == "*/*":
            media_type = default
        handler = self.data.get(media_type)
        if handler is None:
            try:
                known = tuple(self.data)
                # A parameter that the table does not name (a charset, a boundary) is the handler's business.
                matched = best_match(media_type, known) or best_match(parse_dict_params(media_type)[0], known)
            except ValueError:
                return None
            handler = self.data[matched] if matched is not None else None
        return handler

    def resolve(self, media_type: str | None, default: str) -> BaseHandler:
        """Return the handler of a media type.

        Raises:
            HTTPUnsupportedMediaType: there is none.
        """
        handler = self.find(media_type, default)
        if handler is None:
            raise HTTPUnsupportedMediaType(description=f"{media_type or default} is an unsupported media type.")
        return handler

    def _resolve(
        self, media_type: str | None, default: str, raise_not_found: bool = True
    ) -> tuple[BaseHandler | None, Callable[[Any], bytes] | None, Callable[[bytes], Any] | None]:
        handler = self.resolve(media_type, default) if raise_not_found else self.find(media_type, default)
        if handler is None:
            return None, None, None
        return handler, handler._serialize_sync, handler._deserialize_sync

    def copy(self) -> Handlers:
        """Return an independent table of the same class."""
        return type(self)(self.data)
