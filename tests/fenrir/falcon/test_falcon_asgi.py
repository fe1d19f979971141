"""Async responders: against upstream's `falcon.asgi` where it can say, and sync and async mixed where it can not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import falcon.asgi
import falcon.testing
import pytest

import fenrir.falcon
import fenrir.falcon.asgi
from asteri.exchange import ChannelClosed
from fenrir.testing import Client


def build(falcon: Any) -> Any:
    """Build one application of async responders from either package."""

    async def tag(req: Any, resp: Any, resource: Any, params: Any, name: str) -> None:
        resp.append_header("x-hooks", name)

    async def done(req: Any, resp: Any, resource: Any) -> None:
        resp.append_header("x-hooks", "after")

    @falcon.before(tag, "class")
    class Things:
        @falcon.before(tag, "method")
        @falcon.after(done)
        async def on_get(self, req: Any, resp: Any, name: str) -> None:
            resp.media = {"name": name, "headers": req.headers.get("x-a"), "stream": req.stream.eof}

        async def on_post(self, req: Any, resp: Any, name: str) -> None:
            resp.media = await req.get_media(default_when_empty="empty")

        async def on_put(self, req: Any, resp: Any, name: str) -> None:
            first = await req.stream.read(2)
            resp.media = [first.decode(), (await req.stream.read()).decode(), req.stream.eof, req.stream.tell()]

        async def on_patch(self, req: Any, resp: Any, name: str) -> None:
            resp.media = (b"".join([piece async for piece in req.stream])).decode()

        async def on_delete(self, req: Any, resp: Any, name: str) -> None:
            resp.media = [await req.media, await req.media]

    class Streams:
        async def on_get(self, req: Any, resp: Any) -> None:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"a"
                yield b"b"

            resp.content_type = "text/plain"
            resp.stream = pieces()

        async def on_get_events(self, req: Any, resp: Any) -> None:
            async def events() -> AsyncIterator[Any]:
                yield falcon.asgi.SSEvent(json={"a": 1}, event="e", event_id="9", retry=5)
                yield falcon.asgi.SSEvent(text="plain")
                yield None

            resp.sse = events()

        async def on_post(self, req: Any, resp: Any) -> None:
            form = await req.get_media()
            parts = []
            async for part in form:
                media = await part.get_media() if part.content_type == "application/json" else await part.text
                parts.append([part.name, part.filename, part.content_type, media])
            resp.media = parts

    class Component:
        async def process_request(self, req: Any, resp: Any) -> None:
            resp.set_header("x-in", "1")

        async def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            resp.set_header("x-out", str(req_succeeded))

    async def handler(req: Any, resp: Any, ex: Exception, params: Any) -> None:
        raise falcon.HTTPGone(description=str(params))

    async def sink(req: Any, resp: Any, **kw: Any) -> None:
        resp.media = kw

    app = falcon.asgi.App(middleware=Component())
    app.add_route("/things/{name}", Things())
    app.add_route("/streams", Streams())
    app.add_route("/events", Streams(), suffix="events")
    app.add_sink(sink, "/sink/(?P<rest>.*)")
    app.add_error_handler(ZeroDivisionError, handler)
    return app


Reach = Callable[..., AbstractContextManager[Any]]
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=X"}
BODY = (
    b'--X\r\ncontent-disposition: form-data; name="a"\r\n\r\ntext\r\n'
    b'--X\r\ncontent-disposition: form-data; name="f"; filename="f.json"\r\n'
    b'content-type: application/json\r\n\r\n{"b": 2}\r\n'
    b"--X--\r\n"
)


@pytest.mark.parametrize("door", ["direct", "asgi"])
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/things/x", {"x-a": "1"}, b""),
        ("POST", "/things/x", JSON, b'{"a": 1}'),
        ("POST", "/things/x", JSON, b""),
        ("POST", "/things/x", JSON, b"{"),
        ("POST", "/things/x", {"content-type": "text/odd"}, b"{"),
        ("PUT", "/things/x", {}, b"hello"),
        ("PATCH", "/things/x", {}, b"hello"),
        ("DELETE", "/things/x", JSON, b"[3]"),
        ("HEAD", "/things/x", {}, b""),
        ("OPTIONS", "/things/x", {}, b""),
        ("GET", "/streams", {}, b""),
        ("GET", "/events", {}, b""),
        ("POST", "/streams", FORM, BODY),
        ("GET", "/sink/it", {}, b""),
        ("GET", "/nowhere", {}, b""),
    ],
)
def test_same_as_upstream(door: Any, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    theirs = falcon.testing.TestClient(build(falcon)).simulate_request(method, path, headers=headers, body=body or None)
    with Client(build(fenrir.falcon), door=door) as client:
        mine = client.request(method, path, headers={"accept": "*/*", **headers}, content=body)
    assert (mine.status_code, mine.content) == (theirs.status_code, theirs.content)
    wanted = {name for name, _ in theirs.headers.items()} - {"content-length"}
    assert {name: mine.headers.get(name) for name in wanted} == {name: theirs.headers[name] for name in wanted}


@pytest.fixture(params=["direct", "asgi"])
def serve(request: pytest.FixtureRequest) -> Iterator[Reach]:
    def reach(app: Any, **options: Any) -> Client:
        return Client(app, door=request.param, **options)

    yield reach


class TestMixed:
    """Sync and async code in one application, which upstream does not have."""

    def test_actions_of_either_kind_around_responders_of_either_kind(self, serve: Reach) -> None:
        def plain(req: Any, resp: Any, resource: Any, params: Any) -> None:
            resp.append_header("x-hooks", f"plain {type(req).__module__}")

        async def awaited(req: Any, resp: Any, resource: Any, params: Any) -> None:
            await asyncio.sleep(0)
            resp.append_header("x-hooks", "awaited")

        class Thing:
            @fenrir.falcon.before(plain)
            @fenrir.falcon.before(awaited)
            def on_get(self, req: Any, resp: Any) -> None:
                resp.append_header("x-hooks", "sync")

            @fenrir.falcon.before(plain)
            @fenrir.falcon.before(awaited)
            async def on_post(self, req: Any, resp: Any) -> None:
                resp.append_header("x-hooks", "async")

        app = fenrir.falcon.App()
        app.add_route("/", Thing())
        with serve(app) as client:
            assert client.get("/").headers["x-hooks"] == "plain fenrir.falcon.request, awaited, sync"
            assert client.post("/").headers["x-hooks"] == "plain fenrir.falcon.async_request, awaited, async"

    def test_what_middleware_notes_on_the_request_is_seen_in_both_forms(self, serve: Reach) -> None:
        class Component:
            async def process_request(self, req: Any, resp: Any) -> None:
                req.user = "ada"
                resp.seen = "yes"

        class Thing:
            def on_get(self, req: Any, resp: Any) -> None:
                resp.media = [req.user, resp.seen, req.context is resp.context]

            async def on_post(self, req: Any, resp: Any) -> None:
                resp.media = [req.user, await req.media]

        app = fenrir.falcon.App(middleware=Component())
        app.add_route("/", Thing())
        with serve(app) as client:
            assert client.get("/").json() == ["ada", "yes", True]
            assert client.post("/", json=1).json() == ["ada", 1]

    def test_sync_code_reads_the_body_as_a_value_wherever_it_runs(self, serve: Reach) -> None:
        class Component:
            def process_request(self, req: Any, resp: Any) -> None:
                req.first = req.get_media()

        class Thing:
            def on_post(self, req: Any, resp: Any) -> None:
                resp.media = [req.first, req.media, req.content_length]

        app = fenrir.falcon.App(middleware=Component())
        app.add_route("/", Thing())
        with serve(app) as client:
            kind = {"content-type": "application/json"}
            answer = client.post("/", content=iter([b'{"a"', b": 1}"]), headers=kind)
            assert answer.json()[:2] == [{"a": 1}, {"a": 1}]

    def test_work_after_the_response(self, serve: Reach) -> None:
        done: list[str] = []

        class Thing:
            async def on_get(self, req: Any, resp: Any) -> None:
                async def later() -> None:
                    done.append("async")

                resp.schedule(later)
                resp.schedule_sync(lambda: done.append("sync"))
                with pytest.raises(TypeError):
                    resp.schedule(lambda: None)

        app = fenrir.falcon.asgi.App()
        app.add_route("/", Thing())
        with serve(app) as client:
            client.get("/")
        assert done == ["async", "sync"]

    def test_lifespan_of_middleware(self, serve: Reach) -> None:
        seen: list[str] = []

        class Component:
            def __init__(self, name: str) -> None:
                self.name = name

            async def process_startup(self, scope: Any, event: Any) -> None:
                seen.append(f"{event['type']} {self.name}")

            async def process_shutdown(self, scope: Any, event: Any) -> None:
                seen.append(f"{event['type']} {self.name}")

        with serve(fenrir.falcon.asgi.App(middleware=[Component("a"), Component("b")])):
            pass
        assert seen == ["lifespan.startup a", "lifespan.startup b", "lifespan.shutdown b", "lifespan.shutdown a"]


class TestWebSocket:
    def test_messages_both_ways(self, serve: Reach) -> None:
        class Chat:
            async def on_websocket(self, req: Any, ws: Any, room: str) -> None:
                assert ws.unaccepted
                await ws.accept(subprotocol=ws.subprotocols[0] if ws.subprotocols else None)
                assert ws.ready
                await ws.send_text(f"{room} {req.method} {req.uri_template}")
                await ws.send_media([await ws.receive_media(), await ws.receive_text()])
                await ws.send_data(await ws.receive_data())

        app = fenrir.falcon.asgi.App()
        app.add_route("/chat/{room}", Chat())
        with serve(app) as client, client.websocket("/chat/red") as ws:
            assert ws.receive() == "red GET /chat/{room}"
            ws.send('{"a": 1}')
            ws.send("hello")
            assert ws.receive() == '[{"a": 1}, "hello"]'
            ws.send(b"\x00")
            assert ws.receive() == b"\x00"

    def test_error_classes_become_close_codes(self, serve: Reach) -> None:
        codes: list[int] = []

        class Chat:
            async def on_websocket(self, req: Any, ws: Any) -> None:
                await ws.accept()
                raise fenrir.falcon.HTTPForbidden

        class Component:
            async def process_request_ws(self, req: Any, ws: Any) -> None:
                codes.append(1)

            async def process_resource_ws(self, req: Any, ws: Any, resource: Any, params: Any) -> None:
                codes.append(2)

        app = fenrir.falcon.asgi.App(middleware=Component())
        app.add_route("/", Chat())
        with serve(app) as client, client.websocket("/") as ws, pytest.raises(ChannelClosed) as caught:
            ws.receive()
        assert caught.value.code == 3403
        assert codes == [1, 2]
