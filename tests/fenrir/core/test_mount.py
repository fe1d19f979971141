"""Mounted applications: prefix, hooks around them, and one answer whatever they do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asteri.exchange import AnswerError, Disconnected
from fenrir.core.declare import Mode, Stage
from fenrir.core.errors import NotFound
from fenrir.core.threads import on_loop, to_thread
from fenrir.testing import MemoryExchange

from .neutral import App, reply

TEXT = [(b"content-type", b"text/plain")]
Log = list[Any]


@pytest.fixture(params=["bare", "wrapped"])
def around(request: pytest.FixtureRequest, app: App) -> str:
    """Run the test with and without a WRAP hook."""
    if request.param == "wrapped":

        @app.hook(Stage.WRAP)
        async def wrap(c: Any, call_next: Any) -> Any:
            answer = await call_next()
            answer.headers.add("x-wrap", "1")
            return answer

    return str(request.param)


def check_wrap(around: str, answer: Any) -> None:
    assert answer.headers.get("x-wrap") == ("1" if around == "wrapped" else None)


async def direct(x: Any, prefix: str) -> None:
    body = f"{x.method} {x.path} {x.raw_path.decode()} {x.connection.root_path} {x.query.decode()}"
    x.respond(200, TEXT, body.encode() + await x.read())


async def streams(x: Any, prefix: str) -> None:
    sink = x.begin(200, TEXT)
    for piece in (b"a", b"b", b"c"):
        await sink.write(piece)
    await sink.finish()


async def asgi(x: Any, prefix: str) -> None:
    """An application of messages, on a bridge as `hybrid` has one."""

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            state["head"] = message
        elif "sink" not in state and not message.get("more_body"):
            x.respond(state["head"]["status"], state["head"]["headers"], message["body"])
        else:
            sink = state.setdefault("sink", None) or x.begin(state["head"]["status"], state["head"]["headers"])
            state["sink"] = sink
            await sink.write(message["body"])
            if not message.get("more_body"):
                await sink.finish()

    state: dict[str, Any] = {}
    await send({"type": "http.response.start", "status": 201, "headers": TEXT})
    await send({"type": "http.response.body", "body": b"mes", "more_body": True})
    await send({"type": "http.response.body", "body": b"sages"})


async def wsgi(x: Any, prefix: str) -> None:
    """A blocking application in a thread, writing through the loop."""

    def run() -> None:
        sink = x.begin(200, TEXT)
        for piece in (b"from ", b"a ", b"thread"):
            on_loop(sink.write(piece))
        on_loop(sink.finish())

    await to_thread(run)


@pytest.mark.parametrize("path", ["/m", "/m/", "/m/a/b", "/m/a%20b%2Fc"])
def test_the_prefix_is_taken_off(app: App, door: str, around: str, path: str) -> None:
    app.mount("/m", direct)
    rest = path[2:] or "/"
    with app.client(door) as client:
        answer = client.get(path, params={"q": "1"})
    method, inner, raw, root, query = (
        answer.text.rsplit(" ", 4) if "%20" not in path else ("GET", *_spaced(answer.text))
    )
    assert (method, raw, root, query) == ("GET", rest, "/m", "q=1")
    assert inner == rest.replace("%20", " ").replace("%2F", "/")
    check_wrap(around, answer)


def _spaced(text: str) -> tuple[str, str, str, str]:
    head, raw, root, query = text.rsplit(" ", 3)
    return head.removeprefix("GET "), raw, root, query


@pytest.mark.parametrize(("call", "status", "body"), [
    (streams, 200, b"abc"), (asgi, 201, b"messages"), (wsgi, 200, b"from a thread"),
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_applications_of_every_kind(
    app: App, door: str, around: str, call: Any, status: int, body: bytes, method: str
) -> None:
    app.mount("/m", call)
    app.hook(Stage.AFTER_HANDLER)(lambda c, r: r.headers.add("x-after", str(r.status)))
    with app.client(door) as client:
        answer = client.request(method, "/m/x")
    assert (answer.status_code, answer.content) == (status, body if method == "GET" else b"")
    assert answer.headers["x-after"] == str(status)
    check_wrap(around, answer)


def test_the_body_goes_through(app: App, door: str, around: str) -> None:
    app.mount("/m", direct)
    with app.client(door) as client:
        assert client.post("/m", content=iter([b"one", b"two"])).text.endswith("one")
        assert client.post("/m", content=b"whole").text.endswith("whole")


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
def test_hooks_stand_around(app: App, door: str, around: str, mode: Mode) -> None:
    log: Log = []
    for stage in (Stage.BEFORE_ROUTING, Stage.BEFORE_HANDLER, Stage.AFTER_HANDLER, Stage.TEARDOWN):

        def call(*_: Any, name: str = stage.value) -> None:
            log.append(name)

        async def awaited(*_: Any, name: str = stage.value) -> None:
            log.append(name)

        app.hook(stage, mode)(awaited if mode is Mode.LOOP else call)

    async def mounted(x: Any, prefix: str) -> None:
        log.append("mounted")
        x.respond(200, TEXT, b"")

    app.mount("/m", mounted)
    with app.client(door) as client:
        client.get("/m")
    assert log == ["before routing", "before handler", "mounted", "after handler", "teardown"]


def test_a_hook_may_answer_before(app: App, door: str, around: str) -> None:
    app.mount("/m", direct)
    app.hook(Stage.BEFORE_HANDLER)(lambda c: reply(401, b"no"))
    with app.client(door) as client:
        answer = client.get("/m")
    assert (answer.status_code, answer.text) == (401, "no")
    check_wrap(around, answer)


@pytest.mark.parametrize("call", [direct, streams])
@pytest.mark.parametrize("how", ["replaces", "raises"])
def test_a_hook_may_put_another_answer_in_its_place(app: App, door: str, around: str, call: Any, how: str) -> None:
    def after(c: Any, r: Any) -> Any:
        if how == "raises":
            raise NotFound("hidden")
        return reply(404, b"404 hidden")

    app.hook(Stage.AFTER_HANDLER)(after)
    app.mount("/m", call)
    with app.client(door) as client:
        answer = client.get("/m")
    assert (answer.status_code, answer.text) == (404, "404 hidden")
    check_wrap(around, answer)


async def silent(x: Any, prefix: str) -> None:
    """Gives no answer."""


async def fails(x: Any, prefix: str) -> None:
    raise KeyError("mounted")


@pytest.mark.parametrize(("call", "error"), [(silent, RuntimeError), (fails, KeyError)])
def test_without_an_answer_there_is_an_error(app: App, door: str, around: str, call: Any, error: Any) -> None:
    told: Log = []
    app.mount("/m", call)
    app.hook(Stage.TEARDOWN)(lambda c, exc: told.append(type(exc)))
    with app.client(door) as client, pytest.raises(error, match="no answer" if call is silent else "mounted"):
        client.get("/m")
    with app.client(door, raise_server_exceptions=False) as client:
        answer = client.get("/m")
    assert answer.status_code == 500 and told == [error, error]
    check_wrap(around, answer)


def test_an_error_in_the_middle_cuts_the_answer(app: App, around: str) -> None:
    told: Log = []

    async def breaks(x: Any, prefix: str) -> None:
        sink = x.begin(200, TEXT)
        await sink.write(b"half")
        raise KeyError("middle")

    app.mount("/m", breaks)
    app.hook(Stage.TEARDOWN)(lambda c, exc: told.append(repr(exc)))

    async def main() -> None:
        exchange = MemoryExchange(path="/m")
        with pytest.raises(KeyError):
            await app.engine.http(exchange)  # type: ignore[arg-type, misc]
        assert exchange.pieces == [b"half"] and not exchange.complete

    asyncio.run(main())
    assert told == ["KeyError('middle')"]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_after_the_answer_is_reported(
    app: App, door: str, around: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(x: Any, prefix: str) -> None:
        await (streams if streamed else direct)(x, prefix)
        await x.drain()
        raise KeyError("after")

    app.mount("/m", breaks)
    with app.client(door, raise_server_exceptions=False) as client:
        answer = client.get("/m")
    assert answer.status_code == 200
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_work_after_the_answer_is_done(app: App, door: str, around: str) -> None:
    log: Log = []

    async def works(x: Any, prefix: str) -> None:
        await streams(x, prefix)
        await asyncio.sleep(0.01)
        log.append("background")

    app.mount("/m", works)
    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append("teardown"))
    with app.client(door) as client:
        assert client.get("/m").text == "abc"
    assert log == ["background", "teardown"]


def test_what_hooks_left_for_after_the_response_is_done(app: App, door: str, around: str) -> None:
    log: Log = []

    async def work() -> None:
        log.append("after sending")

    @app.hook(Stage.BEFORE_HANDLER)
    def before(c: Any) -> None:
        c.after_sending(work)
        c.before_sending(lambda c, r: r.headers.add("x-late", "1"))

    app.mount("/m", streams)
    app.mount("/d", direct)
    with app.client(door) as client:
        assert client.get("/m").headers["x-late"] == "1"
        assert client.get("/d").headers.getall("x-late") == ["1"]
    assert log == ["after sending"] * 2


def test_it_answers_once(app: App, door: str, around: str) -> None:
    async def twice(x: Any, prefix: str) -> None:
        x.respond(200, TEXT, b"first")
        for again in (lambda: x.respond(200, TEXT, b"second"), lambda: x.begin(200, TEXT)):
            with pytest.raises(AnswerError):
                again()

    app.mount("/m", twice)
    with app.client(door) as client:
        assert client.get("/m").text == "first"


def test_a_wrap_hook_that_drops_a_stream_ends_the_application(app: App, door: str) -> None:
    log: Log = []

    @app.hook(Stage.WRAP)
    async def wrap(c: Any, call_next: Any) -> Any:
        await call_next()
        return reply(202)

    async def endless(x: Any, prefix: str) -> None:
        sink = x.begin(200, TEXT)
        try:
            while True:
                await sink.write(b"more")
        finally:
            log.append("ended")

    app.mount("/m", endless)
    with app.client(door) as client:
        assert client.get("/m").status_code == 202
    assert log == ["ended"]


def test_a_client_that_leaves_ends_the_application(app: App, around: str) -> None:
    log: Log = []

    async def endless(x: Any, prefix: str) -> None:
        sink = x.begin(200, TEXT)
        try:
            while True:
                await sink.write(b"more")
                exchange.disconnect()
        except (Disconnected, asyncio.CancelledError):
            log.append("ended")
            raise

    app.mount("/m", endless)
    exchange = MemoryExchange()

    async def main() -> None:
        nonlocal exchange
        exchange = MemoryExchange(path="/m")
        async with asyncio.timeout(3):
            await app.engine.http(exchange)  # type: ignore[arg-type, misc]

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(type(exc)))
    asyncio.run(main())
    assert log == ["ended", Disconnected] and not exchange.complete


def test_an_aborted_stream_is_no_complete_answer(app: App, around: str) -> None:
    async def aborts(x: Any, prefix: str) -> None:
        sink = x.begin(200, TEXT)
        await sink.write(b"half")
        sink.abort()
        await asyncio.sleep(0)

    app.mount("/m", aborts)

    async def main() -> None:
        exchange = MemoryExchange(path="/m")
        try:
            await app.engine.http(exchange)  # type: ignore[arg-type, misc]
        except RuntimeError as exc:
            assert "in the middle" in str(exc)
        assert not exchange.complete

    asyncio.run(main())


def test_channels_of_mounts(app: App, door: str) -> None:
    async def channel(channel: Any, prefix: str) -> None:
        await channel.accept()
        await channel.send(f"{channel.path} {channel.raw_path.decode()} {channel.connection.root_path}")
        await channel.close()

    app.mount("/m", direct, channel)
    app.mount("/none", direct)
    with app.client(door) as client:
        with client.websocket("/m/a") as session:
            assert session.receive() == "/a /a /m"
        refused = client.websocket("/none/a").rejected
        assert refused is not None and refused[0] == 404


def test_what_a_mount_says_of_itself(app: App) -> None:
    app.mount("/m", direct)
    (plan,) = app.engine.frozen.mounts
    assert plan.title == "asgi /m" and plan.dialect is app.dialect and str(plan.source).startswith("test_mount.py")
    assert plan.scope is app.engine.scope and "everything below /m" in plan.text
