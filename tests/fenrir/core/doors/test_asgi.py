"""The ASGI door against the messages themselves, as a server sends and receives them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from asteri.exchange import AnswerError, ChannelClosed, Disconnected
from fenrir.core.declare import ListenerStage, Mode, Stage
from fenrir.core.doors.asgi import ASGIChannel, ASGIExchange, ASGIHeaders
from fenrir.core.errors import NotFound

from ..neutral import App, reply

Messages = list[dict[str, Any]]


class Server:
    """One connection: messages to receive, and what was sent; `leave_at` makes that send raise as a server does."""

    def __init__(self, *incoming: dict[str, Any], leave_at: int = -1) -> None:
        self.incoming: Messages = list(incoming)
        self.sent: Messages = []
        self.leave_at = leave_at

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if len(self.sent) == self.leave_at:
            raise OSError("lost")
        self.sent.append(message)


def scope(path: str = "/", method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Any:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "query_string": b"", "headers": list(headers), **more,
    }  # fmt: skip


def body(data: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def run(app: App, asked: Any, server: Server) -> Messages:
    async def main() -> None:
        async with asyncio.timeout(3):
            await app.engine(asked, server.receive, server.send)

    asyncio.run(main())
    return server.sent


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_is_two_messages(app: App, mode: Mode, method: str) -> None:
    async def awaited() -> Any:
        return {"a": 1}

    app.route("/", awaited if mode is Mode.LOOP else lambda: {"a": 1}, mode=mode)
    assert run(app, scope(method=method), Server()) == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"8")],
        },
        {"type": "http.response.body", "body": b'{"a": 1}' if method == "GET" else b""},
    ]


def test_a_stream_is_sent_piece_by_piece(app: App) -> None:
    app.route("/", lambda: reply(stream=iter([b"a", b"b"])))
    kinds = [(m["type"], m.get("body"), m.get("more_body", False)) for m in run(app, scope(), Server())]
    assert kinds == [
        ("http.response.start", None, False),
        ("http.response.body", b"a", True),
        ("http.response.body", b"b", True),
        ("http.response.body", b"", False),
    ]


@pytest.mark.parametrize("at", range(4))
def test_a_client_that_leaves_is_no_error(app: App, at: int) -> None:
    ended: list[Any] = []
    app.hook(Stage.TEARDOWN)(lambda c, exc: ended.append(type(exc)))
    app.route("/", lambda: reply(stream=iter([b"a", b"b"])))
    app.route("/plain", dict)
    assert len(run(app, scope(), Server(leave_at=at))) == at
    assert ended == [Disconnected]
    run(app, scope("/plain"), Server(leave_at=min(at, 1)))
    assert len(ended) == 2


def test_an_error_in_the_middle_ends_without_the_last_message(app: App) -> None:
    def breaks() -> Any:
        yield b"a"
        raise KeyError("x")

    app.route("/", lambda: reply(stream=breaks()))
    server = Server()
    with pytest.raises(KeyError):
        run(app, scope(), server)
    assert server.sent[-1] == {"type": "http.response.body", "body": b"a", "more_body": True}


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/a", "", "/a"),
        ("/r/a", "/r", "/a"),
        ("/a", "/r", "/a"),
        ("/r", "/r", "/"),
        ("/ra", "/r", "/ra"),
        ("", "", "/"),
    ],
)
def test_paths_below_a_root(path: str, root: str, found: str) -> None:
    server = Server()
    exchange = ASGIExchange(scope(path, root_path=root + "/" if root else ""), server.receive, server.send)
    assert (exchange.path, exchange.connection.root_path) == (found, root)


def test_bodies(app: App) -> None:
    @app.route("/", methods=["GET", "POST"], takes="c")
    async def handler(c: Any) -> Any:
        return await c.read_body()

    chunked = [(b"transfer-encoding", b"chunked")]
    sent = run(app, scope("/", "POST", chunked), Server(body(b"one", True), body(b"", True), body(b"two")))
    assert sent[1]["body"] == b"onetwo"
    # HTTP/2 has neither field, and a body may come all the same.
    sent = run(app, scope("/", "POST", http_version="2"), Server(body(b"two")))
    assert sent[1]["body"] == b"two"
    # A server says by headers that there is no body; a caller in this process may leave them out.
    server = {"version": "3.0", "spec_version": "2.3"}
    sent = run(app, scope("/", "GET", asgi=server), Server())
    assert sent[1]["body"] == b""
    # A gateway that is no server (of functions, say) names a version and no length.
    sent = run(app, scope("/", "POST", asgi=server), Server(body(b"four")))
    assert sent[1]["body"] == b"four"
    sent = run(app, scope("/", "POST", asgi={"version": "3.0"}), Server(body(b"three")))
    assert sent[1]["body"] == b"three"
    # The client leaves in the middle: a server drops the answer, but what stands between waits for one.
    sent = run(app, scope("/", "POST", chunked), Server(body(b"one", True)))
    assert [message.get("status") for message in sent] == [500, None]


def test_an_exchange_reads_in_pieces_and_hears_of_a_disconnect() -> None:
    async def main() -> None:
        server = Server(body(b"12345", True), body(b"67"))
        exchange = ASGIExchange(scope(headers=[(b"content-length", b"7")]), server.receive, server.send)
        assert exchange.buffered is None
        assert await exchange.read(2) == b"12"
        await exchange.disconnected()
        assert exchange.gone
        assert [piece async for piece in exchange] == [b"345", b"67"]
        with pytest.raises(ValueError):
            await exchange.read(0)
        sink = exchange.begin(200, [])
        for call in (sink.write(b"x"), sink.finish()):
            with pytest.raises(Disconnected):
                await call

    asyncio.run(main())


def test_early_hints_where_the_server_knows_them() -> None:
    async def main() -> None:
        server = Server()
        asked = scope(extensions={"http.response.early_hint": {}})
        exchange = ASGIExchange(asked, server.receive, server.send)
        exchange.inform(103, [(b"Link", b"</a.css>")])
        exchange.respond(200, (), b"")
        await exchange.drain()
        assert server.sent[0] == {"type": "http.response.early_hint", "links": [b"</a.css>"]}
        with pytest.raises(AnswerError):
            exchange.inform(103, ())

    asyncio.run(main())


def test_headers_are_decoded_when_asked() -> None:
    headers = ASGIHeaders([(b"a", b"1"), (b"b", b"\xe4"), (b"a", b"2")])
    assert headers.get("a") == "1" and headers.get("c", "x") == "x" and headers.getall("a") == ["1", "2"]
    assert "b" in headers and "c" not in headers and 5 not in headers and len(headers) == 3
    assert list(headers) == [("a", "1"), ("b", "ä"), ("a", "2")]


def test_other_kinds_of_scope_are_refused(app: App) -> None:
    with pytest.raises(ValueError, match="'smtp'"):
        run(app, {"type": "smtp"}, Server())


# ------------------------------------------------------------------ lifespan


def test_lifespan_messages(app: App) -> None:
    log: list[str] = []
    app.engine.add_listener(ListenerStage.STARTUP, lambda: log.append("start"))
    app.engine.add_listener(ListenerStage.SHUTDOWN, lambda: log.append("stop"))
    server = Server({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    sent = run(app, {"type": "lifespan", "state": {}}, server)
    assert [m["type"] for m in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert log == ["start", "stop"]


@pytest.mark.parametrize("stage", [ListenerStage.STARTUP, ListenerStage.SHUTDOWN])
def test_a_failure_is_told_to_the_server(app: App, stage: ListenerStage) -> None:
    def fails() -> None:
        raise KeyError("db")

    app.engine.add_listener(stage, fails)
    server = Server({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    with pytest.raises(KeyError):
        run(app, {"type": "lifespan"}, server)
    assert server.sent[-1] == {"type": f"lifespan.{stage.value}.failed", "message": "KeyError: 'db'"}


def test_a_cancelled_lifespan_stops(app: App) -> None:
    log: list[str] = []
    app.engine.add_listener(ListenerStage.SHUTDOWN, lambda: log.append("stop"))

    async def main() -> None:
        started = asyncio.Event()
        never = asyncio.Event()
        incoming = [{"type": "lifespan.startup"}]

        async def receive() -> Any:
            if incoming:
                return incoming.pop()
            await never.wait()

        async def send(message: Any) -> None:
            started.set()

        task = asyncio.ensure_future(app.engine({"type": "lifespan"}, receive, send))
        await started.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert log == ["stop"]


# ----------------------------------------------------------------- websocket


def ws(path: str = "/ws", **more: Any) -> Any:
    return {"type": "websocket", "path": path, "query_string": b"", "headers": [], "http_version": "1.1", **more}


CONNECT = {"type": "websocket.connect"}
DENIAL = {"websocket.http.response": {}}


def test_refusals_with_and_without_the_extension(app: App) -> None:
    async def refuses(c: Any) -> None:
        raise NotFound("no")

    app.route("/ws", refuses, methods=(), websocket=True, takes="c")
    assert run(app, ws(), Server(CONNECT)) == [{"type": "websocket.close", "code": 1000}]
    kinds = [m["type"] for m in run(app, ws(extensions=DENIAL), Server(CONNECT))]
    assert kinds == ["websocket.http.response.start", "websocket.http.response.body"]


def test_a_client_that_does_not_wait(app: App) -> None:
    async def handler(c: Any) -> None:
        await c.channel.accept()

    app.route("/ws", handler, methods=(), websocket=True, takes="c")
    gone = {"type": "websocket.disconnect", "code": 1001}
    assert run(app, ws(), Server(gone)) == []
    assert run(app, ws("/nowhere"), Server(gone)) == []


def test_a_channel_whose_peer_is_lost() -> None:
    async def main() -> None:
        server = Server(CONNECT, leave_at=1)
        channel = ASGIChannel(ws(), server.receive, server.send)
        await channel.accept()
        for _ in range(2):
            with pytest.raises(ChannelClosed) as closed:
                await channel.send("x")
            assert closed.value.code == 1006
        await channel.close()

    asyncio.run(main())


def test_closing_a_channel_whose_peer_was_faster() -> None:
    async def main() -> None:
        server = Server(CONNECT, leave_at=1)
        channel = ASGIChannel(ws(), server.receive, server.send)
        await channel.accept()
        await channel.close(4000)
        await channel.close(4001)
        with pytest.raises(ChannelClosed):
            await channel.receive()

    asyncio.run(main())
