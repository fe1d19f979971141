"""Nothing of one request is seen in another (evidence 4 of the first issue).

64 users share 32 keep-alive connections of a real server. Each request names its user in a header, in the session and
in the body, the handlers give way to others in the middle (threads, awaits, a mounted WSGI application, streams,
megabyte bodies), and what they then see of `g`, `session` and `request`, in every dialect's spelling, goes back.

    FENRIR_ISOLATION_REQUESTS=100000 python -m pytest tests/hybrid/test_isolation.py -s
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import asteri
import fenrir
from fenrir import BackgroundTasks, Depends, Fenrir, Header, StreamingResponse, bottle, flask
from fenrir import request as native_request
from fenrir.compat import to_thread
from fenrir.fastapi import Request as FastAPIRequest
from fenrir.sanic import response as sanic

USERS = 64
CONNECTIONS = 32
REQUESTS = int(os.environ.get("FENRIR_ISOLATION_REQUESTS", "2000"))
MEGABYTE = 1 << 20
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop] | None] = {"asyncio": None}
if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = importlib.import_module("uvloop").new_event_loop

Foreign = Counter[str]


# --------------------------------------------------------------------------------------------- the application
def make_app(foreign: Foreign) -> Fenrir:
    """Return an application of five dialects; what has nobody to answer to counts in `foreign`."""
    app = Fenrir(__name__, secret_key="isolation", static_folder=None)

    def seen() -> dict[str, Any]:
        """Return who this request belongs to, in every spelling."""
        return {
            "g": fenrir.g.user,
            "flask.g": flask.g.user,
            "session": fenrir.session["user"],
            "flask.session": flask.session["user"],
            "request": native_request.headers["x-user"],
            "flask.request": flask.request.headers["X-User"],
            "bottle.request": bottle.request.headers["X-User"],
            "count": fenrir.session["count"],
        }

    @app.before_request
    def begin() -> None:
        user = flask.request.headers["X-User"]
        if "user" in flask.g:
            foreign["g was not empty"] += 1
        if flask.session.setdefault("user", user) != user:
            foreign["session at the start"] += 1
        flask.session["count"] = flask.session.get("count", 0) + 1
        flask.g.user = user

    @app.after_request
    def end(response: Any) -> Any:
        response.headers["X-Seen"] = f"{fenrir.g.user} {fenrir.session['user']} {native_request.headers['x-user']}"
        return response

    @app.teardown_request
    def leave(exc: BaseException | None) -> None:
        if fenrir.g.user != native_request.headers["x-user"]:
            foreign["teardown"] += 1

    async def give_way() -> None:
        await asyncio.sleep(random.random() / 500)

    async def remember(user: str) -> None:
        await give_way()
        if not user == fenrir.g.user == fenrir.session["user"] == native_request.headers["x-user"]:
            foreign["background task"] += 1

    @app.get("/native")
    def native() -> Any:
        time.sleep(random.random() / 1000)
        return seen()

    @app.get("/native-async")
    async def native_async(tasks: BackgroundTasks) -> Any:
        tasks.add_task(remember, fenrir.g.user)
        await give_way()
        in_thread = await to_thread(seen)
        return in_thread | {"here": native_request.state.user}

    async def who(x_user: str = Header()) -> AsyncIterator[str]:
        await give_way()
        yield x_user
        if fenrir.g.user != x_user:
            foreign["dependency after the response"] += 1

    @app.fastapi.get("/fastapi")
    async def fastapi(request: FastAPIRequest, user: str = Depends(who)) -> Any:
        await give_way()
        return seen() | {"dependency": user, "state": request.state.user, "header": request.headers["x-user"]}

    @app.fastapi.get("/stream")
    async def stream() -> Any:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                await give_way()
                if fenrir.g.user != fenrir.session["user"]:
                    foreign["stream"] += 1
                yield b""
            yield json.dumps(seen()).encode()

        return StreamingResponse(pieces())

    @app.flask.route("/flask")
    def flask_view() -> Any:
        time.sleep(random.random() / 1000)
        return seen()

    @app.flask.route("/flask-stream")
    def flask_stream() -> Any:
        @flask.stream_with_context
        def pieces() -> Iterator[str]:
            yield "  "
            yield json.dumps(seen())

        return flask.Response(pieces())

    class Resource:
        def on_get(self, req: Any, resp: Any) -> None:
            time.sleep(random.random() / 1000)
            resp.media = seen() | {"context": req.context.user, "header": req.get_header("X-User")}

    app.add_route("/falcon", Resource())

    @app.sanic.get("/sanic")
    async def sanic_handler(request: Any) -> Any:
        await give_way()
        app.add_task(remember(request.ctx.user))
        return sanic.json(seen() | {"ctx": request.ctx.user, "header": request.headers["x-user"]})

    @app.bottle.get("/bottle")
    def bottle_handler() -> Any:
        time.sleep(random.random() / 1000)
        return seen() | {"header": bottle.request.get_header("X-User")}

    def legacy(environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].read()
        time.sleep(random.random() / 1000)
        start_response("200 OK", [("Content-Type", "application/json")])
        yield b" "
        yield json.dumps(seen() | {"environ": environ["HTTP_X_USER"], "body": body_owner(body)}).encode()

    app.mount_wsgi("/legacy", legacy)

    @app.post("/body")
    async def body() -> Any:
        await give_way()
        return seen() | {"body": body_owner(native_request.data)}

    @app.flask.post("/flask-body")
    def flask_body() -> Any:
        return seen() | {"body": body_owner(flask.request.get_data())}

    return app


def body_of(user: str) -> bytes:
    """Return a megabyte that belongs to a user."""
    return (user.encode() + b" ") * (MEGABYTE // (len(user) + 1))


def body_owner(body: bytes) -> str | None:
    """Return whose body it is; None if it is mixed."""
    user, _, _ = body.partition(b" ")
    return user.decode() if not body or body == body_of(user.decode()) else None


PATHS = (
    "/native",
    "/native-async",
    "/fastapi",
    "/stream",
    "/flask",
    "/flask-stream",
    "/falcon",
    "/sanic",
    "/bottle",
    "/legacy",
)
BODIES = ("/body", "/flask-body", "/legacy")
ONE_BODY_IN = 50


# -------------------------------------------------------------------------------------------------- the client
class Connection:
    """A keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request and return status, headers and body of the answer."""
        fields = {"Host": "localhost", "Content-Length": str(len(body)), **headers}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode()[:-4].split("\r\n")
        answered = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        if "content-length" in answered:
            content = await self.reader.readexactly(int(answered["content-length"]))
        else:
            content = b""
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                content += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        return int(first.split(" ")[1]), answered, content


class User:
    """One user: sends requests one after the other, over whatever connection is free."""

    def __init__(self, number: int, pool: asyncio.Queue[Connection], foreign: Foreign) -> None:
        self.name = f"user-{number}"
        self.pool = pool
        self.foreign = foreign
        self.cookie = ""
        self.count = 0
        self.random = random.Random(number)

    async def visit(self) -> None:
        """Send one request and look at everything that came back."""
        large = self.random.randrange(ONE_BODY_IN) == 0
        path = self.random.choice(BODIES if large else PATHS)
        headers = {"X-User": self.name} | ({"Cookie": self.cookie} if self.cookie else {})
        method, body = ("POST", body_of(self.name)) if large else ("GET", b"")
        connection = await self.pool.get()
        try:
            status, answered, content = await connection.request(method, path, headers, body)
        finally:
            self.pool.put_nowait(connection)
        assert status == 200, (path, status, content[:500])
        self.cookie = answered["set-cookie"].split(";")[0]
        self.count += 1
        names = json.loads(content)
        if names.pop("count") != self.count:
            self.foreign[f"{path}: count"] += 1
        if answered["x-seen"] != f"{self.name} {self.name} {self.name}":
            self.foreign[f"{path}: after_request"] += 1
        if names.get("body") == "":
            del names["body"]
        for key, name in names.items():
            if name != self.name:
                self.foreign[f"{path}: {key}"] += 1


async def crowd(requests: int) -> tuple[Foreign, int]:
    """Let all users send their share; return what was foreign, and how many answers there were."""
    foreign: Foreign = Counter()
    async with asteri.serve(make_app(foreign), access_log=False) as server:
        host, port = server.address
        pool: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            pool.put_nowait(Connection(*await asyncio.open_connection(host, port)))
        users = [User(number, pool, foreign) for number in range(USERS)]

        async def stay(user: User) -> None:
            for _ in range(-(-requests // USERS)):
                await user.visit()

        try:
            async with asyncio.TaskGroup() as group:
                for user in users:
                    group.create_task(stay(user))
        finally:
            while not pool.empty():
                writer = pool.get_nowait().writer
                writer.close()
                await writer.wait_closed()
    return foreign, sum(user.count for user in users)


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_is_foreign(loop: str) -> None:
    """No request sees anything of another."""
    begun = time.perf_counter()
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        foreign, answers = runner.run(crowd(REQUESTS))
    seconds = time.perf_counter() - begun
    print(f"{loop}: {answers} requests in {seconds:.1f} s, foreign: {dict(foreign) or 'nothing'}")
    assert not foreign
    assert answers >= REQUESTS
