"""The access log's line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from asteri.exchange import Connection
from asteri.worker.access import access_line


def exchange(**changes: Any) -> Any:
    values: dict[str, Any] = {"method": "GET", "raw_path": b"/a", "query": b"b=1", "status": 200, "sent": 12}
    values["connection"] = Connection(client=("10.0.0.1", 4000))
    return SimpleNamespace(**(values | changes))


def test_line() -> None:
    assert access_line(exchange(), 0.25) == '10.0.0.1:4000 - "GET /a?b=1 HTTP/1.1" 200 12 0.250000'


def test_a_client_can_not_forge_a_line() -> None:
    line = access_line(exchange(raw_path=b'/\x1b[2J" 200\xff', query=b"", connection=Connection()), 0)
    assert line == 'unix - "GET /\\x1b[2J%22 200\\xff HTTP/1.1" 200 12 0.000000'
