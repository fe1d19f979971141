"""The work as a bare WSGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from work import BIG, HELLO, MESSAGE, User

Start = Callable[[str, list[tuple[str, str]]], object]


def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    kind = "application/json"
    if path == "/":
        kind, body = "text/plain; charset=utf-8", HELLO
    elif path in ("/json", "/sync"):
        body = json.dumps(MESSAGE).encode()
    elif path.startswith("/items/"):
        query = parse_qs(environ["QUERY_STRING"])
        values = {"item_id": int(path[7:]), "q": query["q"][0], "limit": int(query["limit"][0])}
        body = json.dumps(values).encode()
    elif path == "/users":
        sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        body = User.model_validate_json(sent).model_dump_json().encode()
    elif path == "/download":
        kind, body = "application/octet-stream", BIG
    elif path == "/upload":
        size = 0
        while chunk := environ["wsgi.input"].read(65536):
            size += len(chunk)
        body = json.dumps({"size": size}).encode()
    else:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
