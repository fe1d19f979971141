"""`fenrir routes` and `fenrir explain`: what an application answers, and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fenrir.cli.conftest import Fenrir

APPLICATION = """\
from typing import Annotated

from fenrir import Depends, Fenrir

app = Fenrir(__name__, docs_url=None, redoc_url=None, openapi_url=None, static_folder=None)
inner = Fenrir("inner")


def old(environ, start_response): ...


@inner.get("/a/{name}")
def deep(name: str): ...


@app.before_request
def who(): ...


@app.middleware("http")
async def time(request, call_next): ...


def store(): ...


@app.get("/goods/{number:int}")
async def good(number: int, store: Annotated[object, Depends(store)]): ...


@app.post("/goods")
def add(): ...


@app.websocket("/live/{room}")
async def live(ws, room: str): ...


class Health:
    async def on_get(self, req, resp): ...


app.add_route("/health", Health())


@app.fastapi.get("/u/{name}")
def user(name: str): ...


@app.fastapi.get("/u/me")
def me(): ...


@app.get("/goods/{number:int}", name="again")
def again(number: int): ...


app.mount("/inner", inner)
app.mount_wsgi("/old", old)
"""


@pytest.fixture(autouse=True)
def shop(here: Path) -> None:
    (here / "app.py").write_text(APPLICATION)


def line_of(text: str) -> int:
    return APPLICATION[: APPLICATION.index(text)].count("\n") + 1


def test_routes(fenrir: Fenrir) -> None:
    result = fenrir("routes")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [re.sub(" +", " ", line) for line in result.stdout.splitlines()]
    assert lines == [
        "methods path name dialect where",
        f"GET /goods/{{number:int}} good native app.py:{line_of('@app.get')}",
        f"POST /goods add native app.py:{line_of('@app.post')}",
        f"WS /live/{{room}} live fastapi app.py:{line_of('@app.websocket')}",
        f"GET /health falcon app.py:{line_of('app.add_route')}",
        f"GET /u/{{name}} user fastapi app.py:{line_of('@app.fastapi')}",
        f"GET /u/me me fastapi app.py:{line_of('@app.fastapi') + 4}",
        f"GET /goods/{{number:int}} again native app.py:{line_of('name=')}",
        f"ASGI /inner/... native app.py:{line_of('app.mount(')}",
        f"WSGI /old/... native app.py:{line_of('app.mount_wsgi')}",
        f"! GET /u/me (app.py:{line_of('@app.fastapi') + 4}) is more specific than "
        f"GET /u/{{name}} (app.py:{line_of('@app.fastapi')}) and wins; "
        "in its own dialect the earlier one would have hidden it",
        f"! GET /goods/{{number:int}} (app.py:{line_of('name=')}) is never reached: "
        f"GET /goods/{{number:int}} (app.py:{line_of('@app.get')}) has the same path and method",
    ]


def test_explain_a_route(fenrir: Fenrir) -> None:
    result = fenrir("explain", "get", "/goods/7?page=2")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    place = f"app.py:{line_of('@app.get')}"
    assert lines[:3] == [
        "GET /goods/7",
        f"  GET /goods/{{number:int}} {place}: wins: the most specific route that serves the method",
        f"  GET /goods/{{number:int}} app.py:{line_of('name=')}: less specific, or registered later",
    ]
    assert f"route    GET /goods/{{number:int}}  (native, {place})" in lines
    assert "handler  good  (await)" in lines
    assert "value    number = 7" in lines
    hooks = [line for line in lines if line.startswith("hook ")]
    assert [line.split("  (")[0] for line in hooks] == ["hook     wrap: time", "hook     before handler: who"]
    assert hooks[1].endswith(f"(flask, thread, app.py:{line_of('def who') - 1})")
    assert "depends  store  (call, thread)" in lines
    assert "async def plan(c, x, p):" in lines


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("HEAD", "/health", ["(GET answers HEAD)"]),
        ("GET", "/nothing", ["404: no route matches", "no route: the answer is", "home dialect (native)", "who"]),
        ("PATCH", "/goods", ["405: the path serves OPTIONS, POST", "matches, but serves only OPTIONS, POST"]),
        ("BREW", "/goods", ["405: the path serves OPTIONS, POST"]),
        ("OPTIONS", "/goods", ["answered by itself with OPTIONS, POST"]),
        ("GET", "/goods/7/", ["redirect 308 to /goods/7"]),
        ("GET", "/u/caf%C3%A9", ["GET /u/café", "value    name = 'café'"]),
        ("WS", "/live/a", ["/live/{room}", "handler  live  (await)", "value    room = 'a'"]),
        ("WS", "/goods", ["the handshake is refused with 404"]),
        ("WS", "/old/a", ["serves no WebSocket"]),
        ("GET", "/old", ["route    WSGI /old", "is asked for /", "before handler: who", "wrap: time"]),
        ("GET", "/inner/a/b", ["route    ASGI /inner", "inside /inner:", "handler  deep  (thread)", "name = 'b'"]),
    ],
)
def test_explain(fenrir: Fenrir, method: str, path: str, shown: list[str]) -> None:
    result = fenrir("explain", method, path)
    assert (result.exit_code, result.stderr) == (0, "")
    for text in shown:
        assert text in result.stdout
    assert "<websocket>" not in result.stdout


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("/goods", "GET", "Error: 'GET' is no path: it begins with a slash, as in `fenrir explain GET /`\n"),
        ("G(T", "/goods", "Error: 'G(T' is no method; write for example `fenrir explain GET /goods`\n"),
    ],
)
def test_explain_mistakes(fenrir: Fenrir, method: str, path: str, message: str) -> None:
    result = fenrir("explain", method, path)
    assert (result.exit_code, result.stderr) == (2, message)


def test_explain_shows_asgi_middleware(here: Path, fenrir: Fenrir) -> None:
    (here / "wrapped.py").write_text(
        "from fenrir import Fenrir\n\napp = Fenrir(__name__)\n\nclass Around: ...\n\napp.add_middleware(Around)\n"
    )
    assert "around   Around: ASGI middleware  (wrapped.py:7)" in fenrir("explain", "GET", "/", "wrapped").stdout


def test_explain_shows_what_a_route_has_for_itself(here: Path, fenrir: Fenrir) -> None:
    (here / "limited.py").write_text(
        "from fenrir import Fenrir\n\napp = Fenrir(__name__)\n\nasync def around(request, call_next): ...\n\n"
        "@app.get('/', middleware=[around], timeout=2.5, cancel_on_disconnect=True)\ndef root(): ...\n"
    )
    lines = fenrir("explain", "GET", "/", "limited").stdout.splitlines()
    assert "limit    2.5 s, then 504" in lines and "limit    cancelled when the client leaves" in lines
    assert "hook     wrap: around  (fastapi, await, limited.py:7)" in lines


def test_routes_that_are_asgi_applications(here: Path, fenrir: Fenrir) -> None:
    (here / "dropin.py").write_text(
        "from fenrir.fastapi import FastAPI\nfrom fenrir.starlette.routing import Route, WebSocketRoute\n\n"
        "app = FastAPI(docs_url=None, redoc_url=None)\n\nasync def plain(request): ...\n\n"
        "app.router.routes += [Route('/plain', plain), WebSocketRoute('/ws', plain, name='live')]\n"
        "app.mount('/below', FastAPI(), name='inner')\n"
    )
    lines = [re.sub(" +", " ", line) for line in fenrir("routes", "dropin").stdout.splitlines()]
    assert lines[1:] == [
        "GET,HEAD /openapi.json openapi fastapi",
        "GET,HEAD /plain plain fastapi",
        "WS /ws live fastapi",
        "ASGI /below/... inner fastapi",
    ]
    told = fenrir("explain", "GET", "/plain", "dropin").stdout
    assert "GET,HEAD /plain: wins" in told
    assert "route    GET,HEAD /plain  (fastapi)\nhandler  plain  (ASGI)\n" in told
