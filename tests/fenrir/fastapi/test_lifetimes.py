"""What runs around a handler: dependencies with `yield`, middleware, background tasks, start and stop."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fenrir.fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fenrir.fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, Package, compare, get, package, quiet

pytestmark = pytest.mark.filterwarnings("ignore")


def yielding(p: Package) -> Any:
    """Build an application that tells what its dependencies saw in the request before."""
    f = p.main
    app = f.FastAPI()
    log: list[str] = []

    async def outer() -> AsyncIterator[str]:
        log.append("outer in")
        try:
            yield "o"
        except Exception as exc:
            log.append(f"outer saw {type(exc).__name__}")
            raise
        finally:
            log.append("outer out")

    def inner(o: str = f.Depends(outer)) -> Iterator[str]:
        log.append("inner in")
        try:
            yield o + "i"
        except ZeroDivisionError as exc:
            log.append("inner saw")
            raise f.HTTPException(418, "converted") from exc
        finally:
            log.append("inner out")

    def swallowing() -> Iterator[int]:
        try:
            yield 1
        except ValueError:
            log.append("swallowed")

    @app.get("/log")
    async def read_log() -> Any:
        seen = list(log)
        log.clear()
        return seen

    @app.get("/good")
    async def good(i: str = f.Depends(inner)) -> Any:
        log.append("handler")
        return i

    @app.get("/good-sync")
    def good_sync(i: str = f.Depends(inner)) -> Any:
        log.append("handler")
        return i

    @app.get("/bad")
    async def bad(i: str = f.Depends(inner)) -> Any:
        raise ZeroDivisionError

    @app.get("/bad-sync")
    def bad_sync(i: str = f.Depends(inner)) -> Any:
        raise ZeroDivisionError

    @app.get("/http")
    def http(i: str = f.Depends(inner)) -> Any:
        raise f.HTTPException(409)

    @app.get("/swallow")
    async def swallow(n: int = f.Depends(swallowing)) -> Any:
        raise ValueError

    @app.get("/early")
    async def early(i: str = f.Depends(outer, scope="function")) -> Any:
        log.append("handler")
        return i

    @app.get("/invalid")
    async def invalid(n: int, i: str = f.Depends(inner)) -> Any:
        return n

    return app


@pytest.mark.parametrize("door", DOORS)
def test_yield_dependencies_as_upstream(door: str) -> None:
    requests = []
    for path in (
        "/good",
        "/good-sync",
        "/bad",
        "/bad-sync",
        "/http",
        "/swallow",
        "/early",
        "/invalid?n=x",
        "/invalid?n=1",
    ):
        requests += [get(path), get("/log")]
    compare(yielding, requests, door)


@pytest.mark.parametrize("door", DOORS)
def test_exit_runs_after_the_stream_was_sent(door: str) -> None:
    log: list[str] = []
    app = FastAPI()

    async def session() -> AsyncIterator[str]:
        yield "s"
        log.append("closed")

    @app.get("/")
    async def stream(s: str = Depends(session)) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for piece in "ab":
                log.append(piece)
                yield piece

        return StreamingResponse(pieces())

    with Client(app, door=door) as client:
        assert client.get("/").text == "ab"
    assert log == ["a", "b", "closed"]


@pytest.mark.parametrize("door", DOORS)
def test_sync_dependency_handler_and_exit_share_a_thread(door: str) -> None:
    threads: list[str] = []
    app = FastAPI()

    def connection() -> Iterator[int]:
        threads.append(threading.current_thread().name)
        yield 1
        threads.append(threading.current_thread().name)

    @app.get("/")
    def handler(c: int = Depends(connection)) -> int:
        threads.append(threading.current_thread().name)
        return c

    with Client(app, door=door) as client:
        assert client.get("/").json() == 1
    assert len(threads) == 3 and len(set(threads)) == 1


def middlewares(p: Package) -> Any:
    app = p.main.FastAPI()

    @app.middleware("http")
    async def first(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-a"] = response.headers.get("x-a", "") + "first"
        return response

    @app.middleware("http")
    async def second(request: Any, call_next: Any) -> Any:
        if request.url.path == "/blocked":
            return p.responses.PlainTextResponse("blocked", status_code=403)
        response = await call_next(request)
        response.headers["x-a"] = response.headers.get("x-a", "") + f"second{response.status_code}"
        if request.query_params.get("shout"):
            body = b"".join([piece async for piece in response.body_iterator])
            return p.responses.PlainTextResponse(body.upper(), status_code=response.status_code)
        return response

    @app.get("/")
    async def root(request: p.main.Request) -> Any:
        return request.query_params.get("shout")

    @app.get("/stream")
    def stream() -> Any:
        return p.responses.StreamingResponse(iter(["a", "b"]))

    @app.get("/error")
    def error() -> Any:
        raise p.main.HTTPException(404, "mine")

    return app


@pytest.mark.parametrize("door", DOORS)
def test_http_middleware_as_upstream(door: str) -> None:
    paths = ("/", "/?shout=yes", "/blocked", "/stream", "/stream?shout=1", "/error", "/nope")
    compare(middlewares, [get(path) for path in paths], door)


@pytest.mark.parametrize("door", DOORS)
def test_background_tasks_run_after_the_answer_and_not_after_an_error(door: str) -> None:
    log: list[str] = []
    app = FastAPI()

    async def note(text: str) -> None:
        log.append(text)

    def depends(tasks: BackgroundTasks) -> None:
        tasks.add_task(log.append, "from dependency")

    @app.get("/")
    async def root(tasks: BackgroundTasks, _: None = Depends(depends)) -> str:
        tasks.add_task(note, text="async")
        log.append("handler")
        return "x"

    @app.get("/bad")
    async def bad(tasks: BackgroundTasks) -> str:
        tasks.add_task(note, "never")
        raise HTTPException(400)

    with Client(app, door=door) as client:
        assert client.get("/").json() == "x"
        assert client.get("/bad").status_code == 400
    assert log == ["handler", "from dependency", "async"]


@pytest.mark.parametrize("door", DOORS)
def test_lifespan_state_reaches_requests(door: str) -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        app.state.ready = True
        log.append("up")
        yield {"name": "db"}
        log.append("down")

    app = FastAPI(lifespan=lifespan)
    app.add_event_handler("startup", lambda: log.append("startup"))  # a lifespan switches handlers off, as upstream

    @app.get("/")
    async def root(request: Request) -> Any:
        return [request.state.name, request.app.state.ready, request.app is app]

    with Client(app, door=door) as client:
        assert client.get("/").json() == ["db", True, True]
    assert log == ["up", "down"]


@pytest.mark.parametrize("door", DOORS)
def test_overrides_hold_from_the_next_request(door: str) -> None:
    app = FastAPI()

    def user() -> str:
        return "real"

    def stranger(q: int = 0) -> Iterator[str]:
        yield f"stranger {q}"

    @app.get("/")
    async def root(name: str = Depends(user)) -> str:
        return name

    with Client(app, door=door) as client:
        assert client.get("/").json() == "real"
        app.dependency_overrides[user] = stranger
        assert client.get("/?q=3").json() == "stranger 3"
        assert client.get("/?q=x").status_code == 422
        app.dependency_overrides = {}
        assert client.get("/").json() == "real"


def test_asgi_middleware_class_wraps_the_application() -> None:
    class Shout:
        def __init__(self, app: Any, word: str) -> None:
            self.app, self.word = app, word

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def louder(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-word", self.word.encode())]
                await send(message)

            await self.app(scope, receive, louder)

    app = FastAPI()
    app.add_middleware(Shout, word="hey")

    @app.get("/")
    async def root() -> str:
        return "x"

    with Client(app, door="asgi") as client:
        assert client.get("/").headers.get("x-word") == "hey"


@pytest.mark.parametrize("door", DOORS)
def test_mounted_applications(door: str) -> None:
    sub = FastAPI()

    @sub.get("/x")
    async def x(request: Request) -> Any:
        return [request.url.path, request.scope["root_path"]]

    app = FastAPI()
    app.mount("/sub", sub)
    app.mount("/upstream", quiet(_upstream()))

    with Client(app, door=door) as client:
        assert client.get("/sub/x").json() == ["/sub/x", "/sub"]
        assert client.get("/upstream/x").json() == "upstream"
        assert client.get("/upstream/y").json() == {"detail": "Not Found"}


def _upstream() -> Any:
    app = package("fastapi").main.FastAPI()

    @app.get("/x")
    async def x() -> str:
        return "upstream"

    return app


def test_late_routes_reach_every_inclusion() -> None:
    router = APIRouter()
    app = FastAPI()
    app.include_router(router, prefix="/a")
    app.include_router(router, prefix="/b")
    with Client(app) as client:
        assert client.get("/a/late").status_code == 404

        @router.get("/late")
        async def late() -> str:
            return "late"

        assert [client.get(path).json() for path in ("/a/late", "/b/late")] == ["late", "late"]
        assert app.url_path_for("late") == "/a/late"


@pytest.mark.parametrize("door", DOORS)
def test_a_plain_wrapper_of_a_coroutine_function_is_awaited(door: str) -> None:
    app = FastAPI()

    def wrapped(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @wrapped
    async def dependency(q: int = 1) -> int:
        return q

    @app.get("/")
    @wrapped
    async def root(d: int = Depends(dependency)) -> int:
        return d

    with Client(app, door=door) as client:
        assert client.get("/?q=4").json() == 4


@pytest.mark.parametrize("door", DOORS)
def test_handler_may_await_and_requests_do_not_mix(door: str) -> None:
    app = FastAPI()

    @app.get("/{n}")
    async def root(n: int, request: Request) -> Any:
        request.state.n = n
        await asyncio.sleep(0)
        return JSONResponse([request.state.n, request.path_params["n"]])

    @app.get("/plain/x")
    def plain() -> Any:
        return PlainTextResponse("x")

    with Client(app, door=door) as client:
        assert [client.get(f"/{n}").json() for n in range(3)] == [[n, str(n)] for n in range(3)]
        assert client.get("/plain/x").text == "x"


def test_a_stream_ends_when_the_client_leaves_while_it_waits() -> None:
    asyncio.run(_leave_while_it_waits())


async def _leave_while_it_waits() -> None:
    """Over ASGI; the generator is closed before the request ends."""
    closed: list[str] = []
    left = asyncio.Event()
    app = FastAPI()

    @app.get("/")
    async def root() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            try:
                yield "a"
                left.set()
                await asyncio.Event().wait()
            finally:
                closed.append("closed")

        return StreamingResponse(pieces())

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        return None

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    assert closed == ["closed"]
