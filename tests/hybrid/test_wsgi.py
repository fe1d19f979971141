"""A hybrid application is a WSGI application too: handlers of every dialect, on the loop and in threads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client

from fenrir import Fenrir, StreamingResponse


@pytest.fixture
def client() -> Iterator[Client]:
    app = Fenrir(__name__, secret_key="k", static_folder=None)
    seen: list[str] = []

    @app.get("/loop/{n:int}")
    async def loop(n: int) -> dict[str, int]:
        return {"n": n}

    @app.fastapi.post("/thread")
    def thread(value: dict[str, int]) -> dict[str, int]:
        return value

    @app.flask.get("/flask")
    def of_flask() -> str:
        from fenrir.flask import request

        return f"{request.args['q']} {request.environ['werkzeug.test']}"

    @app.get("/stream")
    async def stream() -> Any:
        async def pieces() -> Any:
            for piece in ("a", "b", "c"):
                yield piece

        return StreamingResponse(pieces())

    @app.before_server_start
    async def begin(*_: Any) -> None:
        seen.append("begun")

    @app.get("/seen")
    def show() -> list[str]:
        return seen

    yield Client(_Told(app))
    app._wsgi.close()


class _Told:
    """Middleware of WSGI: what it writes into the environ is there for Flask's views."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["werkzeug.test"] = "told"
        return self.application(environ, start_response)


def test_all_dialects_answer(client: Client) -> None:
    assert client.get("/loop/7").json == {"n": 7}
    assert client.post("/thread", json={"a": 1}).json == {"a": 1}
    assert client.get("/flask?q=x").text == "x told"
    assert client.get("/stream").text == "abc"
    assert client.get("/nowhere").status_code == 404
    assert client.get("/seen").json == ["begun"]


def test_servers_take_it_for_an_asgi_application() -> None:
    """A server that asks (hypercorn, uvicorn) must see a coroutine function; the call decides by its arguments."""
    app = Fenrir(__name__)
    assert inspect.iscoroutinefunction(app.__call__) and asyncio.iscoroutinefunction(app.__call__)
    assert inspect.iscoroutinefunction(app.flask.__call__)
