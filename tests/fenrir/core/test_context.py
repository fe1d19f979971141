"""The request context: the body, forms, the notebook, views."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from asteri.exchange import Disconnected
from fenrir.core.context import State, current
from fenrir.core.declare import Mode, Stage
from fenrir.core.errors import PayloadTooLarge, UnreadBody
from fenrir.http.forms import FormLimits
from fenrir.testing import MemoryExchange

from .neutral import App, dialect, reply


def chunks(*pieces: bytes) -> Iterator[bytes]:
    yield from pieces


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_read_once(app: App, door: str, chunked: bool) -> None:
    @app.route("/", methods=["POST"], takes="c")
    async def handler(c: Any) -> Any:
        first = await c.read_body()
        assert await c.read_body() is first and c.body is first
        return first

    with app.client(door) as client:
        content: Any = chunks(b"one", b"two") if chunked else b"onetwo"
        assert client.post("/", content=content).text == "onetwo"
        assert client.post("/").text == ""


@pytest.mark.parametrize("handler", ["sync", "async"])
def test_a_dialect_that_reads_the_body_has_it_as_a_value(door: str, handler: str) -> None:
    app = App(dialect(reads_body=True))

    def handle(c: Any) -> Any:
        return c.body

    async def awaited(c: Any) -> Any:
        return c.body

    app.route("/", handle if handler == "sync" else awaited, methods=["POST"], takes="c")
    app.route("/stream", handle if handler == "sync" else awaited, methods=["POST"], takes="c", stream=True)
    with app.client(door) as client:
        assert client.post("/", content=chunks(b"one", b"two")).text == "onetwo"
        with pytest.raises(UnreadBody, match="drop stream=True"):
            client.post("/stream", content=chunks(b"one", b"two"))


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
def test_a_hook_may_ask_for_the_body(app: App, door: str, mode: Mode) -> None:
    seen: list[bytes] = []

    async def awaited(c: Any) -> None:
        seen.append(c.body)

    app.hook(Stage.BEFORE_HANDLER, mode, reads_body=True)(
        awaited if mode is Mode.LOOP else lambda c: seen.append(c.body)
    )
    app.route("/", dict, methods=["POST"])
    with app.client(door) as client:
        client.post("/", content=chunks(b"one", b"two"))
    assert seen == [b"onetwo"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("route_limit", [False, True])
def test_the_limit(door: str, chunked: bool, route_limit: bool) -> None:
    app = App(dialect(reads_body=True))
    app.engine.body_limit = 100 if route_limit else 5
    app.route("/", lambda c: c.body, methods=["POST"], takes="c", body_limit=5 if route_limit else None)
    with app.client(door) as client:
        for size, status in ((5, 200), (6, 413)):
            body = b"x" * size
            content: Any = chunks(body[:3], body[3:]) if chunked else body
            assert client.post("/", content=content).status_code == status


def test_a_refused_body_stays_refused(app: App, door: str) -> None:
    app.engine.body_limit = 5
    tries: list[type[Exception]] = []

    @app.route("/", methods=["POST"], takes="c")
    async def handler(c: Any) -> Any:
        for _ in range(3):
            with pytest.raises(PayloadTooLarge) as caught:
                await c.read_body()
            tries.append(caught.type)
        return {}

    with app.client(door) as client:
        client.post("/", content=chunks(b"123", b"456", b"7"))
        client.post("/", content=chunks(b"1", b"2"), headers={"content-length": "7"})
    assert tries == [PayloadTooLarge] * 6


def test_a_client_that_leaves_in_the_middle_of_its_body() -> None:
    app = App(dialect(reads_body=True))
    ended: list[Any] = []
    app.route("/", lambda c: ended.append("handler"), methods=["POST"], takes="c")
    app.hook(Stage.TEARDOWN)(lambda c, exc: ended.append("teardown"))

    def leaving() -> Iterator[bytes]:
        yield b"one"
        exchange.disconnect()
        yield b"two"

    async def main() -> None:
        nonlocal exchange
        exchange = MemoryExchange("POST", body=leaving())
        serving = app.engine.http(exchange)  # type: ignore[arg-type]
        assert serving is not None
        await serving

    exchange = MemoryExchange()
    asyncio.run(main())
    assert ended == ["teardown"]


def test_reading_after_the_client_left_raises(app: App) -> None:
    async def main() -> None:
        exchange = MemoryExchange("POST", body=chunks(b"a"))
        exchange.disconnect()
        with pytest.raises(Disconnected):
            await exchange.read()

    asyncio.run(main())


FORM = {"files": {"f": ("a.txt", b"content")}, "data": {"a": "1"}}


@pytest.mark.parametrize("handler", ["sync", "async"])
def test_forms_are_values_where_the_body_is_read_and_closed_at_the_end(door: str, handler: str) -> None:
    app = App(dialect(reads_body=True))
    kept: list[Any] = []

    def handle(c: Any) -> Any:
        form = c.form
        assert c.form is form
        kept.append(form)
        return {"a": dict(form.fields)["a"], "files": len(form.files)}

    async def awaited(c: Any) -> Any:
        assert await c.read_form() is c.form
        return handle(c)

    app.route("/", handle if handler == "sync" else awaited, methods=["POST"], takes="c")
    with app.client(door) as client:
        assert client.post("/", **FORM).json() == {"a": "1", "files": 1}
        assert client.post("/", data={"a": "2"}).json() == {"a": "2", "files": 0}
        kind = {"content-type": "Application/X-WWW-Form-Urlencoded"}
        assert client.post("/", content=b"a=3", headers=kind).json() == {"a": "3", "files": 0}
    for _, file in kept[0].files:
        assert file.file.closed


def test_no_form_is_an_empty_form(app: App, door: str) -> None:
    @app.route("/", methods=["POST"], takes="c")
    async def handler(c: Any) -> Any:
        form = await c.read_form()
        return [len(form.fields), len(form.files)]

    with app.client(door) as client:
        assert client.post("/", content=b"x").json() == [0, 0]


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_bad_forms(door: str, reads: bool, chunked: bool) -> None:
    app = App(dialect(reads_body=reads))
    app.engine.form_limits = FormLimits(max_fields=1)

    @app.route("/", methods=["POST"], takes="c")
    async def handler(c: Any) -> Any:
        await c.read_form()

    broken = {"content-type": "multipart/form-data; boundary=x"}
    fields = {"content-type": "application/x-www-form-urlencoded"}
    with app.client(door) as client:
        for body, headers, status in (
            (b"nonsense", broken, 400),
            (b"x", {"content-type": "multipart/form-data"}, 400),
            (b"a=1&b=2", fields, 413),
        ):
            content: Any = chunks(body[:2], body[2:] or b"y") if chunked else body
            assert client.post("/", content=content, headers=headers).status_code == status


def test_the_form_of_a_handler_that_does_not_wait(door: str) -> None:
    app = App(dialect(reads_body=True))
    app.engine.form_limits = FormLimits(max_fields=1)
    app.route("/", lambda c: c.form, methods=["POST"], takes="c")
    with app.client(door) as client:
        assert client.post("/", data={"a": "1", "b": "2"}).status_code == 413


def test_the_notebook() -> None:
    state = State()
    assert state and not list(state) and repr(state) == "<State empty>"
    state.a = 1
    state["b"] = "secret"
    assert (state["a"], state.b, len(state), "a" in state, state.get("c", 5)) == (1, "secret", 2, True, 5)
    assert repr(state) == "<State a, b>"
    del state["a"]
    with pytest.raises(AttributeError, match="'a'"):
        _ = state.a


def test_views_and_notes_are_made_once(app: App, door: str) -> None:
    made: list[str] = []
    speaks = dialect("viewed", fast=False)
    object.__setattr__(speaks, "request", lambda c: made.append("view") or object())

    @app.route("/{id:int}/{name}", takes="c")
    def handler(c: Any, id: int, name: str) -> Any:
        assert c.view(speaks) is c.view(speaks)
        assert c.note("key", lambda c: made.append("note") or [1]) is c.note("key", lambda c: None)
        assert c.touched_reply is None and c.reply is c.touched_reply
        assert current.get() is c
        return {**c.path_values, "type": c.content_type}

    with app.client(door) as client:
        assert client.get("/5/x").json() == {"id": 5, "name": "x", "type": ""}
    assert made == ["view", "note"]


def test_requests_at_the_same_time_share_nothing(app: App, door: str) -> None:
    @app.hook(Stage.BEFORE_HANDLER)
    async def before(c: Any) -> None:
        assert "mark" not in c.state
        c.state.mark = c.exchange.path

    async def awaited(c: Any, n: int) -> Any:
        await asyncio.sleep(n % 3 / 1000)
        assert current.get() is c
        return {"mark": current.get().state.mark}

    def blocking(c: Any, n: int) -> Any:
        assert current.get() is c
        return {"mark": current.get().state.mark}

    app.route("/a/{n:int}", awaited, takes="c")
    app.route("/s/{n:int}", blocking, takes="c")

    @app.hook(Stage.AFTER_HANDLER)
    def after(c: Any, r: Any) -> None:
        r.headers.add("x-mark", c.state.mark)

    async def main() -> None:
        async with app.async_client(door) as client:
            paths = [f"/{'as'[n % 2]}/{n}" for n in range(200)]
            for path, answer in zip(paths, await asyncio.gather(*map(client.get, paths)), strict=True):
                assert answer.json() == {"mark": path} and answer.headers["x-mark"] == path

    asyncio.run(main())
    assert current.get(None) is None


def test_late_work_registered_without_a_reply(app: App, door: str) -> None:
    @app.route("/", mode=Mode.INLINE, takes="c")
    def handler(c: Any) -> Any:
        c.before_sending(lambda c, r: r.headers.add("x-late", "1"))
        return {"plain": True}

    app.route("/early", lambda: reply(200), mode=Mode.INLINE)
    with app.client(door) as client:
        assert client.get("/").headers["x-late"] == "1"
        assert client.get("/early").status_code == 200
