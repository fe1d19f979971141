"""The test client itself: requests as written, answers as sent, nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from asteri.exchange import ChannelClosed, Disconnected
from fenrir.core.declare import Mode
from fenrir.core.reply import Reply
from fenrir.http.headers import MutableHeaders
from fenrir.testing import AsyncClient, Client

from ..core.neutral import App, reply


@pytest.fixture(params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app() -> App:
    made = App()

    @made.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], takes="c")
    async def echo(c: Any) -> Any:
        x = c.http
        body = (await c.read_body()).decode()
        return {"method": x.method, "query": x.query.decode(), "headers": dict(x.headers), "body": body}

    @made.route("/form", methods=["POST"], takes="c")
    async def form(c: Any) -> Any:
        form = await c.read_form()
        return {"fields": [list(pair) for pair in form.fields], "files": [[k, f.filename] for k, f in form.files]}

    @made.route("/go/{status:int}", methods=["GET", "POST"])
    def go(status: int) -> Any:
        return Reply(status, MutableHeaders([("location", "/echo?moved=1"), ("set-cookie", "seen=1; Path=/")]))

    @made.route("/forget")
    def forget() -> Any:
        return Reply(200, MutableHeaders([("set-cookie", "seen=; Max-Age=0")]))

    @made.route("/bug")
    async def bug() -> None:
        raise KeyError("bug")

    return made


def test_methods_and_what_they_send(app: App, door: str) -> None:
    with app.client(door, headers={"x-always": "1"}) as client:
        for name in ("get", "post", "put", "patch", "delete"):
            answer = getattr(client, name)("/echo?a=1", params={"b": [2, 3]}, headers={"X-One": "ä"})
            said = answer.json()
            assert (said["method"], said["query"]) == (name.upper(), "a=1&b=2&b=3")
            assert said["headers"] == {"host": "testserver", "x-always": "1", "x-one": "ä"}
        assert client.head("/echo").status_code == 200
        assert client.options("/echo").headers["allow"].startswith("DELETE")
        assert client.get("/echo", params=[("c", "d")]).json()["query"] == "c=d"


def test_bodies(app: App, door: str) -> None:
    with app.client(door) as client:
        assert client.post("/echo", json={"a": None}).json()["body"] == '{"a":null}'
        assert client.post("/echo", json=None).json()["body"] == "null"
        assert client.post("/echo", content="text").json()["body"] == "text"
        said = client.post("/echo", content=iter([b"a", b"b"])).json()
        assert (said["body"], said["headers"]["transfer-encoding"]) == ("ab", "chunked")
        assert client.post("/form", data={"a": ["1", "2"]}).json() == {"fields": [["a", "1"], ["a", "2"]], "files": []}
        sent = client.post("/form", data={"a": "1"}, files={"f": ("x.txt", b"content", "text/plain")})
        assert sent.json() == {"fields": [["a", "1"]], "files": [["f", "x.txt"]]}


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_redirects_are_followed_when_asked(app: App, door: str, status: int, method: str) -> None:
    with app.client(door) as client:
        assert client.post(f"/go/{status}", content=b"x").is_redirect
        answer = client.post(f"/go/{status}", content=b"x", follow_redirects=True)
    assert answer.json()["method"] == method and answer.json()["query"] == "moved=1"
    assert answer.json()["body"] == ("x" if method == "POST" else "")
    assert [one.status_code for one in answer.history] == [status]


def test_cookies_are_kept_and_forgotten(app: App, door: str) -> None:
    with app.client(door) as client:
        client.get("/go/302")
        assert client.cookies == {"seen": "1"}
        assert client.get("/echo", cookies={"own": "2"}).json()["headers"]["cookie"] == "seen=1; own=2"
        client.get("/forget")
        assert "cookie" not in client.get("/echo").json()["headers"]


def test_exceptions_are_raised_or_answered(app: App, door: str) -> None:
    with app.client(door) as client, pytest.raises(KeyError):
        client.get("/bug")
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/bug").status_code == 500


def test_a_cut_answer_is_not_an_answer(door: str) -> None:
    async def cuts(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    with Client(cuts, door="asgi") as client, pytest.raises(Disconnected):
        client.get("/")


def test_no_answer_is_an_error() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})

    with Client(silent, door="asgi") as client, pytest.raises(RuntimeError, match="no answer to GET /x"):
        client.get("/x")


def test_answers(app: App, door: str) -> None:
    app.route("/pieces", lambda: reply(stream=iter([b"a", b"b"])))
    app.route("/latin", lambda: Reply(200, MutableHeaders([("content-type", "text/plain; charset=latin-1")]), b"\xe4"))
    with app.client(door) as client:
        answer = client.get("/pieces")
        assert answer.pieces == [b"a", b"b"] and answer.content == b"ab" and repr(answer) == "<ClientResponse 200>"
        assert client.get("/latin").text == "ä"
        assert client.get("/echo?a=1").request_path == "/echo?a=1"


def test_leaving_ends_what_still_runs(app: App, door: str) -> None:
    log: list[str] = []
    entered = threading.Event()

    async def handler(c: Any) -> None:
        await c.channel.accept()
        entered.set()
        try:
            await c.channel.receive()
        finally:
            log.append("ended")

    app.route("/ws", handler, methods=(), websocket=True, takes="c")
    threads = threading.active_count()
    client = app.client(door)
    with client:
        client.websocket("/ws")
        assert entered.wait(2)
    assert log == ["ended"] and threading.active_count() <= threads


def test_the_client_of_a_running_loop(app: App, door: str) -> None:
    async def main() -> None:
        async with AsyncClient(app.engine, door=door) as client:  # type: ignore[arg-type]
            answers = await asyncio.gather(*[client.get("/echo", params={"n": n}) for n in range(5)])
            assert [answer.json()["query"] for answer in answers] == [f"n={n}" for n in range(5)]

    asyncio.run(main())


def test_sockets_and_threads(app: App, door: str) -> None:
    async def handler(c: Any) -> None:
        await c.channel.accept()
        await c.channel.send(await c.channel.receive())
        await c.channel.close(4000, "done")

    app.route("/ws", handler, methods=(), websocket=True, takes="c", mode=Mode.LOOP)
    with app.client(door) as client:
        session = client.websocket("/ws?q=1", headers={"x-a": "1"})
        session.send("hello")
        assert session.receive() == "hello" and session.rejected is None
        with pytest.raises(ChannelClosed):
            session.receive()
        session.close()
