"""One server-sent event."""

from __future__ import annotations

from fenrir.falcon.media.base import BaseHandler
from fenrir.falcon.media.json import DEFAULT_JSON_HANDLER
from fenrir.kit.sse import KEEP_ALIVE

__all__ = ["SSEvent"]

_TYPES = {"data": bytes, "text": str, "event": str, "event_id": str, "comment": str, "retry": int}


class SSEvent:
    """An event; of `data`, `text` and `json` the first that is given is sent.

    Raises:
        TypeError: a field is of the wrong type.
        ValueError: a field that must be one line has several.
    """

    def __init__(
        self,
        data: bytes | None = None,
        text: str | None = None,
        json: object | None = None,
        event: str | None = None,
        event_id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None:
        given = {"data": data, "text": text, "event": event, "event_id": event_id, "comment": comment, "retry": retry}
        for name, value in given.items():
            if value is not None and not isinstance(value, _TYPES[name]):
                raise TypeError(f"{name} must be of type {_TYPES[name].__name__}")
        for line in (event, event_id):
            # SECURITY: a line break would begin a field of its own.
            if line is not None and ("\n" in line or "\r" in line):
                raise ValueError("event and event_id must be single lines")
        self.data = data
        self.text = text
        self.json = json
        self.event = event
        self.event_id = event_id
        self.retry = retry
        self.comment = comment

    def serialize(self, handler: BaseHandler | None = None) -> bytes:
        """Return the event as it is sent; an empty one is a ping."""
        lines: list[str] = []
        if self.comment is not None:
            lines += [f": {line}" for line in _lines(self.comment)]
        for name, value in (("event", self.event), ("id", self.event_id), ("retry", self.retry)):
            if value is not None:
                lines.append(f"{name}: {value}")
        body: str | None = None
        if self.data is not None:
            body = self.data.decode()
        elif self.text is not None:
            body = self.text
        elif self.json is not None:
            body = (handler or DEFAULT_JSON_HANDLER).serialize(self.json, "application/json").decode()
        if body is not None:
            lines += [f"data: {line}" for line in _lines(body)]
        return ("\n".join(lines) + "\n\n").encode() if lines else KEEP_ALIVE


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
