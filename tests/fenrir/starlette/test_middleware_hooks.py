"""Middleware as hooks: an application answers the same through the direct door and through ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from gzip import decompress
from typing import Any, Literal

import pytest

from fenrir.fastapi import APIRouter, BackgroundTasks, FastAPI, Header, Request, WebSocket
from fenrir.fastapi.middleware import Middleware
from fenrir.fastapi.middleware.cors import CORSMiddleware
from fenrir.fastapi.middleware.gzip import GZipMiddleware
from fenrir.fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware
from fenrir.fastapi.middleware.trustedhost import TrustedHostMiddleware
from fenrir.fastapi.responses import PlainTextResponse, Response, StreamingResponse
from fenrir.starlette.middleware.base import BaseHTTPMiddleware
from fenrir.starlette.middleware.sessions import SessionMiddleware
from fenrir.starlette.routing import Route
from fenrir.testing import Client

EVIL = "https://elsewhere.example"
METHODS = ("GET", "HEAD")


def routes(app: FastAPI) -> None:
    @app.api_route("/items/{name}", methods=["GET", "POST"])
    async def item(name: str, request: Request, q: str = "") -> dict[str, Any]:
        body = (await request.body()).decode()
        return {"name": name, "q": q, "body": body, "path_params": request.path_params, "url": str(request.url)}

    @app.get("/long")
    def long() -> PlainTextResponse:
        return PlainTextResponse("x" * 4000, headers={"Vary": "Accept-Language"})

    @app.get("/stream/{kind}")
    def stream(kind: str) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"piece " * 100

        def plain() -> Iterator[bytes]:
            yield from (b"plain " * 100,) * 3

        types = {"events": "text/event-stream"}
        return StreamingResponse(plain() if kind == "plain" else pieces(), media_type=types.get(kind))

    @app.get("/coded")
    def coded() -> Response:
        return Response(b"y" * 4000, headers={"Content-Encoding": "br"})

    @app.get("/partial")
    def partial() -> Response:
        return Response(b"y" * 4000, status_code=206)

    @app.get("/count")
    def count(request: Request) -> dict[str, int]:
        request.session["n"] = request.session.get("n", 0) + 1
        return {"n": request.session["n"]}

    @app.get("/forget")
    def forget(request: Request) -> str:
        request.session.clear()
        return "forgotten"

    @app.get("/own-session")
    def own(request: Request) -> str:
        request.scope["session"].update(user=7)
        return "set"

    @app.get("/fail")
    def fail() -> None:
        raise ValueError("nobody expects this")


def client(make: Callable[[], FastAPI], door: Literal["direct", "asgi"]) -> Client:
    app = make()
    assert app._needs_asgi() == ""
    return Client(app, door=door, raise_server_exceptions=False)


CASES: dict[str, tuple[list[Middleware], list[tuple[str, str, dict[str, str]]]]] = {
    "cors": (
        [Middleware(CORSMiddleware, allow_origins=[EVIL], allow_methods=["*"], expose_headers=["x"])],
        [
            ("GET", "/long", {}),
            ("GET", "/long", {"origin": EVIL}),
            ("GET", "/long", {"origin": "https://other.example"}),
            ("GET", "/fail", {"origin": EVIL}),
            ("GET", "/nowhere", {"origin": EVIL}),
            ("OPTIONS", "/long", {"origin": EVIL, "access-control-request-method": "GET"}),
            ("OPTIONS", "/long", {"origin": EVIL, "access-control-request-method": "BREW"}),
        ],
    ),
    "cors with credentials": (
        [Middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)],
        [("GET", "/long", {"origin": EVIL}), ("GET", "/long", {})],
    ),
    "gzip": (
        [Middleware(GZipMiddleware)],
        [
            (method, path, headers)
            for method, path in [
                ("GET", "/long"),
                ("GET", "/items/1"),
                ("GET", "/stream/async"),
                ("GET", "/stream/plain"),
                ("GET", "/stream/events"),
                ("GET", "/coded"),
                ("GET", "/partial"),
                ("GET", "/fail"),
            ]
            for headers in ({"accept-encoding": "gzip"}, {"accept-encoding": "identity"})
        ],
    ),
    "trusted host": (
        [Middleware(TrustedHostMiddleware, allowed_hosts=["good.example", "*.wild.example", "www.long.example"])],
        [
            ("GET", "/long", {"host": host})
            for host in (
                "good.example",
                "GOOD.example:80",
                "a.wild.example",
                "wild.example",
                "evil.example",
                "long.example",
                "",
            )
        ],
    ),
    "https": ([Middleware(HTTPSRedirectMiddleware)], [("GET", "/items/a%20b?q=1", {}), ("GET", "/", {"host": "h:80"})]),
    "together": (
        [
            Middleware(CORSMiddleware, allow_origins=["*"]),
            Middleware(GZipMiddleware, minimum_size=10),
            Middleware(TrustedHostMiddleware, allowed_hosts=["testserver", "localhost"]),
        ],
        [("GET", "/long", {"origin": EVIL, "accept-encoding": "gzip"}), ("GET", "/fail", {"origin": EVIL})],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_both_forms_answer_the_same(name: str) -> None:
    middleware, requests = CASES[name]

    def make() -> FastAPI:
        app = FastAPI(middleware=middleware)
        routes(app)
        return app

    with client(make, "asgi") as over_asgi, client(make, "direct") as direct:
        for method, path, headers in requests:
            answers = []
            for door in (over_asgi, direct):
                answer = door.request(method, path, headers=headers)
                answers.append((answer.status_code, sorted(answer.headers.items()), answer.content))
            assert answers[0] == answers[1], (method, path, headers)


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_sessions(door: Literal["direct", "asgi"]) -> None:
    def make() -> FastAPI:
        app = FastAPI(middleware=[Middleware(SessionMiddleware, secret_key="k")])
        routes(app)
        return app

    with client(make, door) as browser:
        assert [browser.get("/count").json()["n"] for _ in range(3)] == [1, 2, 3]
        answer = browser.get("/long")
        assert "set-cookie" not in answer.headers and answer.headers["vary"] == "Accept-Language"
        assert "session=null" in browser.get("/forget").headers["set-cookie"]
        answer = browser.get("/count")
        assert (answer.json(), answer.headers["vary"]) == ({"n": 1}, "Cookie")
        browser.get("/own-session")
        assert browser.get("/count").json() == {"n": 2}


trace: ContextVar[str] = ContextVar("trace", default="")
Next = Callable[[Request], Awaitable[Response]]


class Rewriting(BaseHTTPMiddleware):
    """Changes what follows in the ways that applications use."""

    def __init__(self, app: Any, mark: str) -> None:
        super().__init__(app)
        self.mark = mark

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        trace.set("outside")
        if request.url.path == "/old":
            request.scope["path"] = "/seen"
        request.scope["headers"].append((b"x-added", self.mark.encode()))
        if request.method == "POST":
            body = await request.body()
            request._body = body.upper()
        response = await call_next(request)
        response.headers["x-trace"] = trace.get()
        return response


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_what_a_dispatch_changes_holds_below(door: Literal["direct", "asgi"]) -> None:
    def make() -> FastAPI:
        app = FastAPI(middleware=[Middleware(Rewriting, mark="m")])

        @app.api_route("/seen", methods=["GET", "POST"])
        async def seen(request: Request, x_added: str = Header()) -> dict[str, Any]:
            before = trace.get()
            trace.set("inside")
            return {"header": x_added, "body": (await request.body()).decode(), "trace": before}

        @app.get("/named/{name}")
        async def named(request: Request) -> dict[str, Any]:
            return {**request.path_params, "route": request.scope["route"].path}

        return app

    with client(make, door) as browser:
        answer = browser.get("/old")
        assert answer.json() == {"header": "m", "body": "", "trace": "outside"}
        assert answer.headers["x-trace"] == "inside"
        assert browser.post("/seen", content=b"text").json()["body"] == "TEXT"
        assert browser.get("/named/x").json() == {"name": "x", "route": "/named/{name}"}


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_websockets_pass_the_same_middleware(door: Literal["direct", "asgi"]) -> None:
    def make() -> FastAPI:
        app = FastAPI(middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["good.example"])])

        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text("hello")
            await websocket.close()

        return app

    with client(make, door) as browser:
        with browser.websocket("/ws", headers={"host": "good.example"}) as session:
            assert session.receive() == "hello"
        refused = browser.websocket("/ws", headers={"host": "evil.example"}).rejected
        assert refused is not None and refused[0] == 400


def test_a_subclass_that_changes_messages_needs_asgi() -> None:
    class Own(CORSMiddleware):
        async def send(self, message: Any, send: Any, request_headers: Any) -> None:
            await super().send(message, send, request_headers)

    class Named(CORSMiddleware):
        """Only a name."""

    class Both(GZipMiddleware):
        def __init__(self, app: Any) -> None:
            super().__init__(CORSMiddleware(app))

    assert FastAPI(middleware=[Middleware(Own)])._needs_asgi() == "Own is ASGI middleware"
    assert FastAPI(middleware=[Middleware(Named)])._needs_asgi() == ""
    assert FastAPI(middleware=[Middleware(Both)])._needs_asgi() == "Both is ASGI middleware"


def test_asgi_middleware_finds_the_route_in_the_scope() -> None:
    found: list[Any] = []

    class Watching:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            try:
                await self.app(scope, receive, send)
            finally:
                if scope["type"] == "http":
                    route = scope.get("route")
                    found.append((route and route.path, scope.get("path_params"), "endpoint" in scope))

    app = FastAPI(middleware=[Middleware(Watching)])
    routes(app)
    with Client(app, door="asgi", raise_server_exceptions=False) as browser:
        for path in ("/items/7", "/fail", "/nowhere"):
            browser.get(path)
    assert found == [("/items/{name}", {"name": "7"}, True), ("/fail", {}, True), (None, None, False)]


class Measuring(BaseHTTPMiddleware):
    """Reads the length of an answer, and finds the application's router as a toolbar does."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        router = app
        while not isinstance(router, APIRouter):
            router = router.app
        self.paths = {route.path for route in router.routes if isinstance(route, Route)}

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        response.headers["x-seen"] = f"{response.headers.get('content-length')} {'/long' in self.paths}"
        return response


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_a_dispatch_sees_the_length_of_the_answer(door: Literal["direct", "asgi"]) -> None:
    def make() -> FastAPI:
        app = FastAPI(middleware=[Middleware(Measuring)])
        routes(app)
        return app

    with client(make, door) as browser:
        assert browser.get("/long").headers["x-seen"] == "4000 True"
        answer = browser.get("/items/7")
        assert answer.headers["x-seen"] == f"{len(answer.content)} True"
        assert browser.get("/stream/async").headers["x-seen"] == "None True"
        assert browser.get("/nowhere").headers["x-seen"] == "22 True"


def test_one_application_may_be_used_through_both_doors() -> None:
    app = FastAPI(middleware=[Middleware(CORSMiddleware, allow_origins=[EVIL]), Middleware(Rewriting, mark="m")])
    routes(app)
    answers = []
    for door in ("direct", "asgi", "direct"):
        with Client(app, door=door) as browser:
            answer = browser.get("/long", headers={"origin": EVIL})
            answers.append(sorted(answer.headers.items()))
    assert answers[0] == answers[1] == answers[2]
    assert [value for name, value in answers[0] if name == "vary"] == ["Accept-Language, Origin"]


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_what_is_added_for_one_client_does_not_reach_the_next(door: Literal["direct", "asgi"]) -> None:
    kept = PlainTextResponse("x" * 4000)
    runs: list[str] = []

    def make() -> FastAPI:
        app = FastAPI(
            middleware=[
                Middleware(GZipMiddleware),
                Middleware(CORSMiddleware, allow_origins=[EVIL]),
                Middleware(SessionMiddleware, secret_key="k"),
            ]
        )

        @app.get("/kept")
        def same(request: Request, tasks: BackgroundTasks, user: str = "") -> PlainTextResponse:
            if user:
                request.session["user"] = user
                tasks.add_task(runs.append, user)
            return kept

        return app

    with client(make, door) as first:
        answer = first.get("/kept?user=alice", headers={"origin": EVIL, "accept-encoding": "gzip"})
        assert {"set-cookie", "access-control-allow-origin", "content-encoding"} <= set(answer.headers)
    with client(make, door) as second:
        for _ in range(2):
            answer = second.get("/kept")
            assert answer.content == b"x" * 4000
            assert sorted(answer.headers.items()) == [
                ("content-length", "4000"),
                ("content-type", "text/plain; charset=utf-8"),
                ("vary", "Origin, Accept-Encoding"),
            ]
    assert runs == ["alice"]


class Written(Response):
    """A response that knows only ASGI."""

    def __init__(self, *pieces: bytes, fails: bool = False) -> None:
        super().__init__()
        self.pieces = pieces
        self.fails = fails

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"Content-Type", b"text/plain")]})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self.fails:
            raise ValueError("in the middle")
        await send({"type": "http.response.body"})
        if self.background is not None:
            await self.background()


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_hooks_reach_a_response_that_writes_itself(door: Literal["direct", "asgi"]) -> None:
    runs: list[str] = []

    def make() -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def inner(request: Request, call_next: Next) -> Response:
            return Written(b"inner") if request.url.path == "/inner" else await call_next(request)

        @app.middleware("http")
        async def outer(request: Request, call_next: Next) -> Response:
            if request.url.path == "/early":
                return Written(b"early")
            response = await call_next(request)
            response.headers["x-status"] = str(response.status_code)
            return response

        app.add_middleware(GZipMiddleware)
        app.add_middleware(CORSMiddleware, allow_origins=[EVIL])

        @app.get("/written")
        def written(tasks: BackgroundTasks) -> Response:
            tasks.add_task(runs.append, "done")
            return Written(b"one ", b"two " * 500)

        @app.get("/broken")
        def broken() -> Response:
            return Written(b"one ", fails=True)

        return app

    with client(make, door) as browser:
        for path, content, status in (
            ("/written", b"one " + b"two " * 500, "201"),
            ("/inner", b"inner", "201"),
            ("/early", b"early", None),
        ):
            answer = browser.get(path, headers={"origin": EVIL, "accept-encoding": "gzip"})
            assert (answer.status_code, decompress(answer.content)) == (201, content)
            assert answer.headers.get("x-status") == status
            assert answer.headers["access-control-allow-origin"] == EVIL
        assert runs == ["done"]
        # What failed in the middle is no complete answer.
        with pytest.raises((ValueError, EOFError)):
            decompress(browser.get("/broken", headers={"accept-encoding": "gzip"}).content)


@pytest.mark.parametrize("door", ["asgi", "direct"])
def test_the_head_of_an_answer_is_that_of_get(door: Literal["direct", "asgi"]) -> None:
    def make() -> FastAPI:
        app = FastAPI(middleware=[Middleware(GZipMiddleware)])

        @app.api_route("/long", methods=["GET", "HEAD"])
        def long() -> PlainTextResponse:
            return PlainTextResponse("x" * 4000)

        return app

    with client(make, door) as browser:
        whole, head = (browser.request(method, "/long", headers={"accept-encoding": "gzip"}) for method in METHODS)
        assert head.content == b"" and whole.headers["content-encoding"] == "gzip"
        assert sorted(head.headers.items()) == sorted(whole.headers.items())
