"""Which error handler wins: the nearest scope, then the nearest class; a number is the class of its status."""

from __future__ import annotations

from typing import Any

import pytest

from fenrir.core.declare import Mode
from fenrir.core.errors import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    StatusError,
    find_error_handler,
    status_of,
)

from .neutral import App, reply


class Missing(NotFound):
    """A user's own 404."""


class Teapot(StatusError):
    """Says its status by instance."""

    def __init__(self, status: int) -> None:
        self.http_status = status


def named(app: App, key: Any, name: str, scope: Any = None) -> None:
    app.on_error(key, scope=scope)(lambda c, exc: reply(200, name.encode()))


def winner(app: App, exc: Exception, scope: Any = None) -> str | None:
    found = find_error_handler(scope or app.engine.scope, exc)
    return None if found is None else found[0].call(None, found[1]).body.decode()


@pytest.mark.parametrize(
    ("keys", "exc", "wins"),
    [
        ([LookupError, KeyError, Exception], KeyError(), "KeyError"),
        ([Exception, LookupError], KeyError(), "LookupError"),
        ([Exception, ValueError], KeyError(), "Exception"),
        ([ValueError], KeyError(), None),
        ([404, Exception], NotFound(), "404"),
        ([404, Missing], Missing(), "Missing"),  # the nearer class
        ([404, StatusError], Missing(), "404"),
        ([NotFound, 404], NotFound(), "404"),  # equal: the later
        ([404, NotFound], NotFound(), "NotFound"),
        ([404, StatusError], Teapot(404), "404"),
        ([404, Teapot], Teapot(404), "404"),  # no class fixes this status
        ([500], KeyError(), "500"),
        ([500, Exception], KeyError(), "Exception"),
        ([500, StatusError], InternalError(KeyError()), "500"),
        ([405], NotFound(), None),
    ],
)
def test_the_nearest_class_wins(app: App, keys: list[Any], exc: Exception, wins: str | None) -> None:
    for key in keys:
        named(app, key, str(key) if isinstance(key, int) else key.__name__)
    assert winner(app, exc) == wins


def test_the_later_of_two_for_one_key_wins(app: App) -> None:
    named(app, KeyError, "first")
    named(app, KeyError, "second")
    assert winner(app, KeyError()) == "second"


def test_the_nearest_scope_wins_over_the_nearest_class(app: App) -> None:
    outer = app.scope("outer")
    inner = app.scope("inner", outer)
    named(app, KeyError, "app")
    named(app, Exception, "outer", outer)
    assert winner(app, KeyError(), inner) == "outer"
    assert winner(app, KeyError()) == "app"


@pytest.mark.parametrize("handler", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
def test_handlers_of_every_mode(app: App, door: str, mode: Mode, handler: Mode) -> None:
    def plain(c: Any, exc: Exception) -> Any:
        if c.exchange.path == "/again":
            raise NotFound("second")
        if c.exchange.path == "/bug":
            raise RuntimeError("in the handler")
        return reply(400, repr(exc).encode())

    async def awaited(c: Any, exc: Exception) -> Any:
        return plain(c, exc)

    app.on_error(KeyError, mode)(awaited if mode is Mode.LOOP else plain)

    def fails() -> None:
        raise KeyError("x")

    async def fails_too() -> None:
        raise KeyError("x")

    for path in ("/", "/again", "/bug"):
        app.route(path, fails_too if handler is Mode.LOOP else fails, mode=handler)
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/").text == "KeyError('x')"
        assert client.get("/again").text == "404 second"
        assert client.get("/bug").status_code == 500


def test_errors_of_the_router_go_to_handlers_of_the_application(app: App, door: str) -> None:
    scope = app.scope("inner")
    named(app, 404, "inner", scope)
    named(app, NotFound, "app")
    app.on_error(405)(lambda c, exc: reply(405, ",".join(exc.allowed).encode()))
    app.route("/", dict, scope=scope, methods=["GET", "PUT"])
    with app.client(door) as client:
        assert client.get("/nowhere").text == "app"
        assert client.post("/").text == "GET,HEAD,OPTIONS,PUT"


def test_what_errors_say() -> None:
    assert BadRequest().http_detail == "Bad Request" and BadRequest("x").http_detail == "x"
    assert MethodNotAllowed(["PUT", "GET"]).http_headers == [("allow", "GET, PUT")]
    assert PayloadTooLarge.http_status == 413
    original = KeyError()
    assert InternalError(original).original is original
    assert [status_of(exc) for exc in (NotFound(), KeyError())] == [404, 500]
