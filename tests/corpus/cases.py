"""The corpus as values; see the package for the format of its files."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asteri.wire.limits import Limits

__all__ = ["FOLDER", "KINDS", "LIMITS", "Case", "Request", "load", "parse"]

FOLDER = Path(__file__).parent
KINDS = ("valid", "invalid", "truncated")
LIMITS = Limits(body=100_000)


@dataclass(frozen=True, slots=True)
class Request:
    """What the application must see of one request."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes of a connection and what must become of them.

    Attributes:
        name: kind, topic and rule, as its file is named.
        requests: those that are read completely.
        status: of the answer that refuses what follows them, or None.
    """

    name: str
    rule: str
    row: int | None
    why: str
    data: bytes
    requests: tuple[Request, ...]
    status: int | None
    reason: str | None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return self.name.partition("/")[0]


@functools.cache
def load(kind: str) -> tuple[Case, ...]:
    """Return the cases of one kind in the order of their names."""
    paths = sorted((FOLDER / kind).rglob("*.toml"))
    return tuple(parse(path.relative_to(FOLDER).with_suffix("").as_posix(), path.read_bytes()) for path in paths)


def parse(name: str, text: bytes) -> Case:
    """Read one file.

    Raises:
        ValueError: it is not what the package describes.
    """
    document = tomllib.loads(text.decode())
    refused = document.pop("refused", {})
    try:
        case = Case(
            name=name,
            rule=document.pop("rule"),
            row=document.pop("row", None),
            why=document.pop("why"),
            data=_bytes(document.pop("request")),
            requests=tuple(_request(table) for table in document.pop("requests", ())),
            status=refused.pop("status", None),
            reason=refused.pop("reason", None),
        )
    except KeyError as error:
        raise ValueError(f"{name}: {error} is missing") from None
    if document or refused:
        raise ValueError(f"{name}: what is {', '.join([*document, *refused])}?")
    return case


def _request(table: dict[str, Any]) -> Request:
    request = Request(
        method=table.pop("method"),
        path=_bytes(table.pop("path")).decode("utf-8", "surrogateescape"),
        query=_bytes(table.pop("query", "")),
        headers=tuple(pair for line in table.pop("headers") for pair in _fields(*line)),
        body=_bytes(table.pop("body", "")),
        keep_alive=table.pop("keep_alive", True),
    )
    if table:
        raise ValueError(f"what is {', '.join(table)}?")
    return request


def _fields(name: str, value: Any, times: int = 1) -> list[tuple[bytes, bytes]]:
    return [(_bytes(name), _bytes(value))] * times


def _bytes(piece: Any) -> bytes:
    """Return a string, a repetition or a list of them as bytes."""
    if isinstance(piece, str):
        return piece.encode("latin-1")
    if isinstance(piece, dict):
        return _bytes(piece["repeat"]) * int(piece["times"])
    return b"".join(map(_bytes, piece))
