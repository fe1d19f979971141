"""What a media handler is: an object from bytes, bytes from an object."""

from __future__ import annotations

import abc
import io
from collections.abc import Callable
from typing import Any, ClassVar

__all__ = ["BaseHandler", "BinaryBaseHandlerWS", "TextBaseHandlerWS"]


class BaseHandler(metaclass=abc.ABCMeta):  # noqa: B024 - each half may be missing, as upstream
    """The base of all handlers.

    Attributes:
        exhaust_stream: read what is left of the body when the handler is done with it.
    """

    exhaust_stream: ClassVar[bool] = False
    _serialize_sync: Callable[[Any], bytes] | None = None
    _deserialize_sync: Callable[[bytes], Any] | None = None

    def serialize(self, media: object, content_type: str) -> bytes:
        """Return an object as bytes."""
        raise NotImplementedError

    async def serialize_async(self, media: object, content_type: str) -> bytes:
        """Return an object as bytes; for async responders."""
        return self.serialize(media, content_type)

    def deserialize(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        """Return the object that a body stands for."""
        raise NotImplementedError

    async def deserialize_async(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
        """Return the object that a body stands for; for async responders."""
        data = await stream.read()
        return self.deserialize(io.BytesIO(data), content_type, len(data))


class TextBaseHandlerWS(metaclass=abc.ABCMeta):  # noqa: B024
    """The base of handlers for text messages."""

    def serialize(self, media: object) -> str:
        """Return an object as text."""
        raise NotImplementedError

    def deserialize(self, payload: str) -> object:
        """Return the object that a message stands for."""
        raise NotImplementedError


class BinaryBaseHandlerWS(metaclass=abc.ABCMeta):  # noqa: B024
    """The base of handlers for binary messages."""

    def serialize(self, media: object) -> bytes | bytearray | memoryview:
        """Return an object as bytes."""
        raise NotImplementedError

    def deserialize(self, payload: bytes) -> object:
        """Return the object that a message stands for."""
        raise NotImplementedError
