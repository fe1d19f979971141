"""A Flask door beside another dialect on one engine: one session, one notebook, hooks around both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fenrir.fastapi import FastAPI
from fenrir.flask import (
    FlaskDoor,
    after_this_request,
    current_app,
    flash,
    g,
    render_template_string,
    request,
    session,
    url_for,
)
from fenrir.testing import Client


@pytest.fixture(params=["direct", "asgi"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    api = FastAPI()
    door = FlaskDoor(api.engine, api.engine.scope, "mixed")
    door.secret_key = "k"
    _register(api, door)
    with Client(api, door=request.param, raise_server_exceptions=False) as made:
        yield made


def _register(api: Any, door: FlaskDoor) -> None:
    ended: list[str] = []

    @door.before_request
    async def before() -> None:
        await asyncio.sleep(0)
        g.x = 1

    @door.after_request
    async def after(response: Any) -> Any:
        await asyncio.sleep(0)
        response.headers["X-After"] = "1"
        return response

    @door.teardown_request
    async def teardown(exc: BaseException | None) -> None:
        ended.append(repr(exc))

    @door.errorhandler(KeyError)
    async def handle(error: Exception) -> Any:
        return f"handled {error!r}", 400

    @door.context_processor
    async def processor() -> dict[str, Any]:
        return {"z": 5}

    @api.get("/api")  # type: ignore[untyped-decorator, unused-ignore]
    def of_api() -> Any:
        session["n"] = session.get("n", 0) + 1
        flash("hello")

        @after_this_request
        def add(response: Any) -> Any:
            response.headers["X-This"] = "1"
            return response

        return [session["n"], g.x, request.endpoint, url_for("web"), current_app.name]

    @api.get("/api/loop")  # type: ignore[untyped-decorator, unused-ignore]
    async def of_api_on_the_loop() -> Any:
        return [g.x, session["n"], request.path]

    @api.get("/api/key")  # type: ignore[untyped-decorator, unused-ignore]
    def key() -> Any:
        raise KeyError("x")

    @door.get("/web")
    def web() -> str:
        return render_template_string("{{ z }} {{ session.n }} {{ get_flashed_messages() }}")

    @door.get("/web/loop")
    async def web_on_the_loop() -> str:
        return url_for("of_api")

    @door.get("/boom")
    async def boom() -> str:
        raise ValueError("x")

    @door.get("/ended")
    def show() -> list[str]:
        return ended


def test_both_dialects_share_the_request(client: Client) -> None:
    first = client.get("/api")
    assert first.json() == [1, 1, "of_api", "/web", "mixed"]
    assert [first.headers.get(name) for name in ("x-after", "x-this", "vary")] == ["1", "1", "Cookie"]
    assert client.get("/api/loop").json() == [1, 1, "/api/loop"]
    assert client.get("/web").text == "5 1 [&#39;hello&#39;]"
    assert client.get("/web/loop").text == "/api"
    assert "x-this" not in client.get("/web/loop").headers


def test_errors_of_both(client: Client) -> None:
    handled = client.get("/api/key")
    assert (handled.status_code, handled.text) == (400, "handled KeyError('x')")
    assert client.get("/boom").status_code == 500
    assert "<h1>Internal Server Error</h1>" in client.get("/boom").text
    assert client.get("/nowhere").json() == {"detail": "Not Found"}
    assert client.get("/ended").json() == ["None", "ValueError('x')", "ValueError('x')", "None"]


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/%09/evil.example", "//evil.example/%2e%2e"])
def test_the_redirect_for_a_slash_stays_here(client: Client, path: str) -> None:
    door: Any = client.app.engine.extensions["fenrir.flask"]
    door.add_url_rule("/<path:rest>/", "folders", lambda rest: rest)
    answer = client.get(path) if not path.startswith("//") else client.get(f"http://testserver{path}")
    location = answer.headers.get("location")
    assert location is None or (location.startswith("/") and not location.startswith(("//", "/\\")))
