"""One request, seen over the engine and over the ASGI scope that is made of it."""

from __future__ import annotations

import io
from typing import Any

import anyio
import pytest

from fenrir.fastapi import FastAPI, Request, WebSocket
from fenrir.fastapi import HTTPException as FastAPIHTTPException
from fenrir.starlette.datastructures import UploadFile
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.requests import HTTPConnection, cookie_parser
from fenrir.testing import Client

DOORS = ("direct", "asgi")
both_doors = pytest.mark.parametrize("door", DOORS)


def seen(request: HTTPConnection) -> dict[str, Any]:
    return {
        "url": str(request.url),
        "base": str(request.base_url),
        "query": request.query_params.multi_items(),
        "headers": request.headers.getlist("x-a"),
        "raw": [pair for pair in request.headers.raw if pair[0] == b"x-a"],
        "in": "X-A" in request.headers and "x-b" not in request.headers,
        "cookies": request.cookies,
        "params": request.path_params,
        "client": request.client,
        "state": request.state.note,
        "app": request.app,
        "named": str(request.url_for("look", name="other")),
    }


@both_doors
def test_the_scope_says_the_same(door: Any) -> None:
    app = FastAPI()
    views: list[dict[str, Any]] = []

    @app.get("/look/{name}", name="look")
    async def look(request: Request, name: str) -> str:
        request.state.note = name
        views.append({**seen(request), "method": request.method})
        derived = Request(request.scope, request.receive)
        views.append({**seen(derived), "method": derived.method})
        derived.state.note = "changed"
        assert request.state.note == "changed" and request["state"]["note"] == "changed"
        assert set(request) >= {"type", "path", "headers", "endpoint"} and len(request) == len(request.scope)
        return name

    with Client(app, door=door) as client:
        sent = {"x-a": "1", "cookie": 'a=1; b="x\\054y"; a=2; c'}
        assert client.get("/look/é?q=1&q=2&r=", headers=sent).json() == "é"
    assert views[0] == views[1]
    assert views[0]["cookies"] == {"a": "2", "b": "x,y", "": "c"}
    assert str(views[0]["url"]).endswith("/look/é?q=1&q=2&r=") and views[0]["params"] == {"name": "é"}


@both_doors
def test_changes_of_the_scope_are_seen(door: Any) -> None:
    app = FastAPI()

    @app.get("/")
    async def root(request: Request) -> Any:
        before = request.headers.get("x-new")
        request.scope["headers"].append((b"x-new", b"1"))
        request.scope["path"] = "/other"
        return [before, request.headers.get("x-new"), request.url.path]

    with Client(app, door=door) as client:
        assert client.get("/").json() == [None, "1", "/other"]


@both_doors
def test_a_body_is_read_once_for_all_views(door: Any) -> None:
    app = FastAPI()

    @app.post("/again")
    async def again(request: Request) -> Any:
        whole = await request.body()
        derived = Request(request.scope, request.receive)
        pieces = [piece async for piece in request.stream()]
        return [whole.decode(), (await derived.body()).decode(), b"".join(pieces).decode(), await request.json()]

    @app.post("/consumed")
    async def consumed(request: Request) -> Any:
        pieces = [piece async for piece in request.stream()]
        with pytest.raises(RuntimeError, match="Stream consumed"):
            await request.body()
        return len(b"".join(pieces))

    @app.post("/raw")
    async def raw(request: Request) -> Any:
        body, more = b"", True
        while more:
            message = await request.receive()
            body, more = body + message["body"], message["more_body"]
        return len(body)

    with Client(app, door=door) as client:
        assert client.post("/again", content=b"[1]").json() == ["[1]", "[1]", "[1]", [1]]
        for path in ("/consumed", "/raw"):
            assert client.post(path, content=b"x" * 200_000).json() == 200_000


@both_doors
def test_forms(door: Any) -> None:
    app = FastAPI()
    files: list[io.IOBase] = []

    @app.post("/form")
    async def form(request: Request) -> Any:
        async with request.form(max_fields=2, max_part_size=100) as form:
            upload = form["f"]
            assert isinstance(upload, UploadFile)
            files.append(upload.file)  # type: ignore[arg-type]
            same = await request.form()
            assert same is form
            return [form.getlist("a"), upload.filename, (await upload.read()).decode(), upload.content_type]

    @app.post("/fields")
    async def fields(request: Request) -> Any:
        try:
            return (await request.form(max_fields=2, max_part_size=100)).multi_items()
        except HTTPException as refused:
            assert not isinstance(refused, FastAPIHTTPException)
            raise

    with Client(app, door=door) as client:
        sent = client.post("/form", data={"a": "1"}, files={"f": ("n.txt", b"content", "text/plain")})
        assert sent.json() == [["1"], "n.txt", "content", "text/plain"]
        assert files[0].closed
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/fields", content=b"a=1&a=2", headers=kind).json() == [["a", "1"], ["a", "2"]]
        refused = client.post("/fields", content=b"a=1&a=2&a=3", headers=kind)
        assert (refused.status_code, refused.json()["detail"][:15]) == (400, "Too many fields")
        assert client.post("/fields", content=b"a=1").json() == []


@both_doors
def test_what_middleware_must_install_is_asked_for(door: Any) -> None:
    app = FastAPI()

    @app.get("/")
    async def root(request: Request) -> Any:
        messages = []
        for name in ("session", "auth", "user"):
            with pytest.raises(AssertionError) as error:
                getattr(request, name)
            messages.append(str(error.value))
        return messages

    with Client(app, door=door) as client:
        assert "SessionMiddleware must be installed to access request.session" in client.get("/").json()


def test_a_connection_is_equal_to_itself_only() -> None:
    scope = {"type": "http", "headers": [], "path": "/", "method": "GET", "query_string": b""}
    first, second = Request(scope), Request(scope)
    assert first == first and first != second and len({first, second}) == 2
    with pytest.raises(AssertionError):
        Request({**scope, "type": "websocket"})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;;  ; b", {"a": "1", "": "b"}),
        ('a="\\"x\\134\\054"; b="; c=""', {"a": '"x\\,', "b": '"', "c": ""}),
        ("a=b=c; =d", {"a": "b=c", "": "d"}),
    ],
)
def test_cookies(header: str, expected: dict[str, str]) -> None:
    assert cookie_parser(header) == expected


@both_doors
def test_raw_events_of_a_websocket(door: Any) -> None:
    app = FastAPI()
    ended: list[Any] = []

    @app.websocket("/ws/{n}")
    async def serve(websocket: WebSocket) -> None:
        with pytest.raises(RuntimeError, match='Need to call "accept" first'):
            await websocket.receive_text()
        with pytest.raises(RuntimeError, match=r"websocket\.accept"):
            await websocket.send({"type": "websocket.send", "text": ""})
        assert (await websocket.receive())["type"] == "websocket.connect"
        await websocket.send({"type": "websocket.accept", "subprotocol": None, "headers": [(b"x-a", b"1")]})
        derived = WebSocket(websocket.scope, websocket._receive, websocket._send)
        assert derived.path_params == websocket.path_params == {"n": "1"} and derived.url.scheme == "ws"
        await websocket.send_json([await websocket.receive_text()])
        await websocket.send({"type": "websocket.send", "bytes": (await websocket.receive())["bytes"]})
        ended.append(await websocket.receive())
        with pytest.raises(RuntimeError, match="once a disconnect message has been received"):
            await websocket.receive()

    with Client(app, door=door) as client, client.websocket("/ws/1") as ws:
        ws.send("a")
        assert ws.receive() == '["a"]'
        ws.send(b"b")
        assert ws.receive() == b"b"
        ws.close(4001, "why")
    assert ended == [{"type": "websocket.disconnect", "code": 4001, "reason": "why"}]


def test_middleware_finds_the_route_in_the_scope() -> None:
    """What upstream's router leaves in the server's scope is there when the answer begins, and after it."""
    app = FastAPI()
    seen: list[Any] = []

    class Looking:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            def look() -> Any:
                route = scope.get("route")
                return route and route.path, scope.get("path_params"), scope.get("endpoint"), scope.get("app") is app

            async def watched(message: Any) -> None:
                if message["type"] == "http.response.start":
                    seen.append(look())
                await send(message)

            await self.app(scope, receive, watched)
            if scope["type"] == "http":
                seen.append(look())

    app.add_middleware(Looking)

    @app.get("/items/{n}")
    def item(n: int) -> int:
        return n

    with Client(app, door="asgi") as client:
        assert client.get("/items/3").json() == 3
        assert client.get("/nowhere").status_code == 404
    assert seen == [("/items/{n}", {"n": "3"}, item, True)] * 2 + [(None, None, None, True)] * 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_asking_whether_the_client_left_keeps_the_body(backend: str) -> None:
    app = FastAPI()
    said: list[Any] = []

    @app.post("/")
    async def root(request: Request) -> int:
        said.append(await request.is_disconnected())
        said.append(await request.body())
        said.append(await request.is_disconnected())
        left.set()
        said.append(await request.is_disconnected())
        return 1

    async def call() -> None:
        messages = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"c"}]

        async def receive() -> Any:
            if messages:
                return messages.pop(0)
            if not left.is_set():
                await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message["type"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(b"content-length", b"3")],
        }
        await app(scope, receive, send)

    async def run() -> None:
        nonlocal left
        left = anyio.Event()
        with anyio.fail_after(5):
            await call()

    left: Any = None
    anyio.run(run, backend=backend)
    assert said[:4] == [False, b"abc", False, True]


@both_doors
def test_bytes_that_are_no_text_in_a_url(door: Any) -> None:
    app = FastAPI()

    @app.get("/{name}")
    async def root(request: Request) -> str:
        return str(request.url)

    with Client(app, door=door) as client:
        assert client.get("/a%FF?q=%FF").json().endswith("/a\ufffd?q=%FF")
