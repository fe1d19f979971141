"""Applications written once and built from either package, and the comparison of their answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fenrir.testing import Client

DOORS = ("direct", "asgi")


class Package(NamedTuple):
    """The modules that an application is written against."""

    main: Any
    responses: Any
    exceptions: Any
    security: Any
    sse: Any
    http_exception: Any


def package(name: str) -> Package:
    """Import upstream ("fastapi") or ours ("fenrir.fastapi")."""
    main, responses, exceptions, security, sse = (
        importlib.import_module(name + part) for part in ("", ".responses", ".exceptions", ".security", ".sse")
    )
    if name == "fastapi":
        base = importlib.import_module("starlette.exceptions").HTTPException
    else:
        base = exceptions.StarletteHTTPException
    return Package(main, responses, exceptions, security, sse, base)


class Sent(NamedTuple):
    """One request."""

    method: str
    path: str
    options: Mapping[str, Any] = {}


def get(path: str, **options: Any) -> Sent:
    return Sent("GET", path, options)


def post(path: str, **options: Any) -> Sent:
    return Sent("POST", path, options)


HEADERS = (
    "content-type",
    "location",
    "allow",
    "www-authenticate",
    "cache-control",
    "x-a",
    "set-cookie",
    "content-disposition",
)


def answers(app: Any, requests: Sequence[Sent], door: str) -> list[Any]:
    """Return what an application answers: status, body and the headers that matter."""
    found: list[Any] = []
    with Client(app, door=door, raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        for sent in requests:
            response = client.request(sent.method, sent.path, **sent.options)
            kind = response.headers.get("content-type") or ""
            body = (
                response.json() if kind.partition(";")[0] == "application/json" and response.content else response.text
            )
            headers = {name: response.headers.get(name) for name in HEADERS}
            if headers["set-cookie"] is not None:
                headers["set-cookie"] = headers["set-cookie"].lower()  # SameSite=Lax and SameSite=lax are the same
            found.append((sent, response.status_code, body, headers))
    return found


def quiet(app: Any) -> Callable[..., Any]:
    """Swallow what upstream raises after it has answered, for servers to log."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        started = False

        async def watched(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, watched)
        except Exception:
            if not started:
                raise

    return call


def compare(build: Callable[[Package], Any], requests: Sequence[Sent], door: str, ignore: Sequence[str] = ()) -> None:
    """Assert that both packages' applications answer alike."""
    expected = answers(quiet(build(package("fastapi"))), requests, "asgi")
    actual = answers(build(package("fenrir.fastapi")), requests, door)
    for theirs, ours in zip(expected, actual, strict=True):
        for name in ignore:
            theirs[3].pop(name, None)
            ours[3].pop(name, None)
        assert ours == theirs, f"\nours:   {ours}\ntheirs: {theirs}"
