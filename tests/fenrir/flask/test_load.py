"""The laws of contexts under load: none is left behind on a thread, and every teardown runs exactly once.

64 users at a time ask for everything that makes contexts live longer or end otherwise: streams that are read and that
are abandoned, errors in views and in teardown, copies in threads, coroutines, sessions, functions after the request.
"""

import asyncio
import gc
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Annotated, Any
from weakref import WeakSet

import pytest

from fenrir import Depends
from fenrir.flask import (
    Flask,
    after_this_request,
    copy_current_request_context,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
)
from fenrir.flask.globals import _cv_app, _cv_request, request_ctx

USERS = 64
PATHS = ("/plain", "/stream", "/stream?leave", "/fail", "/teardown", "/copy", "/loop", "/session", "/close", "/nowhere")
PATHS += ("/typed", "/typed?fail=1", "/typed?wrong=x", "/typed-loop", "/typed-stream", "/typed-stream?leave")
ROUNDS = 3


class Watched:
    """An application, and what happened to its contexts."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.app_ended: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.alive: WeakSet[Any] = WeakSet()
        self.wrong: list[str] = []
        self.app = self._make()

    def count(self, counter: Counter[str]) -> None:
        with self.lock:
            counter[g.key] += 1

    def _make(self) -> Flask:
        app = Flask(__name__)
        app.secret_key = "k"

        @app.before_request
        def begin() -> None:
            g.key = f"{request.headers['X-Key']}"
            self.alive.add(request_ctx._get_current_object())
            self.count(self.begun)

        @app.teardown_request
        def end(exc: BaseException | None) -> None:
            if hasattr(g, "key"):  # a copy has a notebook of its own
                if g.key != request.headers["X-Key"]:
                    self.wrong.append(g.key)
                self.count(self.ended)
            if request.path == "/teardown":
                raise ValueError("in teardown")

        @app.teardown_appcontext
        def end_app(exc: BaseException | None) -> None:
            if hasattr(g, "key"):
                self.count(self.app_ended)

        @app.get("/plain")
        def plain() -> str:
            return request.headers["X-Key"]

        @app.get("/stream")
        def stream() -> Any:
            @stream_with_context
            def pieces() -> Iterator[str]:
                for _ in range(3):
                    yield request.headers["X-Key"]
                    if g.key != request.headers["X-Key"]:
                        self.wrong.append(g.key)

            return pieces()

        @app.get("/fail")
        def fail() -> str:
            raise ValueError("in a view")

        @app.get("/teardown")
        def teardown() -> str:
            return ""

        @app.get("/copy")
        def copy() -> str:
            found: list[str] = []

            @copy_current_request_context
            def work() -> None:
                found.append(request.headers["X-Key"])

            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return "".join(found)

        @app.get("/loop")
        async def loop() -> str:
            await asyncio.sleep(0)
            return f"{request.headers['X-Key']}"

        @app.get("/session")
        def of_session() -> str:
            session["key"] = g.key

            @after_this_request
            def after(response: Any) -> Any:
                response.headers["X-After"] = g.key
                return response

            return ""

        def held() -> Iterator[str]:
            self.count(self.opened)
            try:
                yield g.key
            finally:
                self.count(self.left)
                if not has_request_context():
                    self.wrong.append("closed after the contexts")

        async def held_on_the_loop() -> AsyncIterator[str]:
            home = asyncio.current_task()
            try:
                yield g.key
            finally:
                if asyncio.current_task() is not home:  # a task group could not be left
                    self.wrong.append("left by another task")

        @app.get("/typed")
        def typed(
            key: Annotated[str, Depends(held)],
            other: Annotated[str, Depends(held_on_the_loop)],
            fail: int = 0,
            wrong: int = 0,
        ) -> str:
            if fail:
                raise ValueError("in a typed view")
            return key if key == other == g.key else "wrong"

        @app.get("/typed-loop")
        async def typed_loop(
            key: Annotated[str, Depends(held)], other: Annotated[str, Depends(held_on_the_loop)]
        ) -> str:
            await asyncio.sleep(0)
            return key if key == other == g.key else "wrong"

        @app.get("/typed-stream")
        def typed_stream(key: Annotated[str, Depends(held)], leave: str = "") -> Any:
            @stream_with_context
            def pieces() -> Iterator[str]:
                for _ in range(3):
                    yield key
                    if g.key != key or key in self.left:
                        self.wrong.append(g.key)

            return pieces()

        @app.get("/close")
        def close() -> Any:
            response = app.make_response(request.headers["X-Key"])
            key = g.key

            @response.call_on_close
            def closed() -> None:
                with self.lock:
                    self.closed[key] += 1

            return response

        return app

    def verify(self, asked: set[str]) -> None:
        """Say whether all contexts have begun, and ended once."""
        once = dict.fromkeys(asked, 1)
        assert self.wrong == []
        assert dict(self.begun) == once
        assert dict(self.ended) == once
        assert dict(self.app_ended) == once
        assert dict(self.opened) == dict(self.left) == {key: 1 for key in asked if "/typed" in key}
        assert dict(self.closed) == {key: 1 for key in asked if "/close" in key}
        gc.collect()
        assert list(self.alive) == []


def free() -> bool:
    """Say whether nothing was left on this thread."""
    left = _cv_app.frame() or _cv_request.frame() or has_app_context() or has_request_context()
    return not left


def environ_of(key: str, url: str) -> dict[str, Any]:
    path, _, query = url.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_X_KEY": key,
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": None,
    }


@pytest.fixture(autouse=True)
def no_records() -> Iterator[None]:
    """Log nothing: a record holds the traceback of an error, and so the contexts in its frames."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
def test_by_the_threads_of_a_wsgi_server() -> None:
    watched = Watched()
    asked: set[str] = set()
    dirty: list[str] = []

    def user(number: int) -> None:
        for round_ in range(ROUNDS):
            for url in PATHS:
                key = f"{number} {round_} {url}"
                with watched.lock:
                    asked.add(key)
                try:
                    answer: Any = watched.app(environ_of(key, url), lambda *_: None)
                except ValueError:
                    assert url == "/teardown"
                else:
                    if "leave" not in url:
                        assert "stream" not in url or b"".join(answer) == key.encode() * 3
                        answer.close()
                    elif round_ == 0:
                        next(iter(answer))
                        answer.close()
                    elif round_ == 1:
                        answer.close()  # before its first piece
                    del answer  # or not even that: a server that forgets
                if not free():
                    dirty.append(key)

    threads = [threading.Thread(target=user, args=(number,)) for number in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert dirty == []
    watched.verify(asked)


async def ask(app: Any, key: str, url: str) -> tuple[int, bytes]:
    """Ask through ASGI; with `?leave` the client is gone after the first piece."""
    path, _, query = url.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"x-key", key.encode()), (b"host", b"localhost")],
        "client": None,
        "server": ("localhost", 80),
        "root_path": "",
    }
    status, pieces = 0, []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            if pieces and query == "leave":
                raise OSError("the client is gone")
            pieces.append(message.get("body", b""))
        await asyncio.sleep(0)

    await app(scope, receive, send)
    return status, b"".join(pieces)


@pytest.mark.slow
def test_by_the_loop_of_an_asgi_server() -> None:
    watched = Watched()
    asked: set[str] = set()
    threads: set[str] = set()

    async def user(number: int) -> None:
        for round_ in range(ROUNDS):
            for url in PATHS:
                key = f"{number} {round_} {url}"
                asked.add(key)
                status, body = await ask(watched.app, key, url)
                if url in ("/stream", "/typed-stream"):
                    assert (status, body) == (200, key.encode() * 3)
                elif url in ("/plain", "/loop", "/close", "/typed", "/typed-loop"):
                    assert (status, body) == (200, key.encode())
                elif url in ("/fail", "/teardown", "/typed?fail=1"):
                    assert status == 500
                elif url == "/typed?wrong=x":
                    assert status == 422

    def probe() -> bool:
        threads.add(threading.current_thread().name)
        return free()

    async def main() -> None:
        await asyncio.gather(*(user(number) for number in range(USERS)))
        assert free()
        from fenrir.core.threads import to_thread

        assert all(await asyncio.gather(*(to_thread(probe) for _ in range(USERS))))

    asyncio.run(main())
    assert threads
    watched.verify(asked)
