"""ASGI applications over HTTP/1 exchanges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asteri.gateway.asgi import asgi_doors

from ..forms import FORMS
from ..serving import serving

pytestmark = pytest.mark.parametrize("form", FORMS)
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def post(body: bytes) -> bytes:
    return b"POST /a%%20b?c HTTP/1.1\r\nHost: a\r\nX-Y: Z\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def run(form: str, app: Any, talk: Any, state: dict[str, Any] | None = None, **options: Any) -> None:
    async def main() -> None:
        async with serving(form, asgi_doors(app, state), **options) as server:
            await talk(server)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_scope(form: str) -> None:
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        scope["state"]["own"] = 1
        await send(START)
        await send({"type": "http.response.body", "body": b"hello"})

    async def talk(server: Any) -> None:
        status, headers, body = await (await server.connect()).ask(post(b"x"))
        assert (status, headers["content-length"], body) == (200, "5", b"hello")

    state = {"shared": []}
    run(form, app, talk, state, root_path="/r", scheme="https")
    (scope,) = scopes
    assert scope.pop("client")[0] == "127.0.0.1" and scope.pop("server")[0] == "127.0.0.1"
    assert scope.pop("state")["shared"] is state["shared"] and "own" not in state
    assert scope.pop("asgi")["version"] == "3.0"
    assert set(scope.pop("extensions")) == {"http.response.trailers", "http.response.early_hint"}
    assert scope == {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "https", "path": "/r/a b",
        "raw_path": b"/r/a%20b", "query_string": b"c", "root_path": "/r",
        "headers": [(b"host", b"a"), (b"x-y", b"Z"), (b"content-length", b"1")],
    }  # fmt: skip


def test_streaming_both_ways(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        more = True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})
        await send({"type": "http.response.body"})
        assert (await receive())["type"] == "http.disconnect"

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert b"\r\n\r\n3\r\nabc\r\n" in await peer.until(b"abc\r\n")
        await peer.send(b"3\r\ndef\r\n0\r\n\r\n")
        assert await peer.until(b"0\r\n\r\n") == b"3\r\ndef\r\n0\r\n\r\n"

    run(form, app, talk)


def test_receive_waits_and_reports_the_disconnect_and_send_raises(form: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])
        for message in (START, {"type": "http.response.body", "body": b"x"}):
            try:
                await send(message)
            except OSError:
                seen.append(OSError)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(post(b"x"))
        await asyncio.sleep(0.02)
        assert seen == ["http.request"]
        peer.reset()
        await asyncio.sleep(0.02)
        assert seen == ["http.request", "http.disconnect", OSError, OSError]

    run(form, app, talk)


def test_declared_lengths_are_kept(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"content-length", scope["query_string"])]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def talk(server: Any) -> None:
        ask = b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n"
        assert (await (await server.connect()).ask(ask % 5))[2] == b"hello"
        peer = await server.connect()
        assert (await peer.ask(ask % 4))[2] == b"hell"
        assert await peer.rest() == b""
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await (await server.connect()).ask(ask % 6)

    run(form, app, talk)


def test_trailers_hints_and_own_framing(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]})
        await send({**START, "headers": [(b"Transfer-Encoding", b"chunked")], "trailers": True})
        await send({"type": "http.response.body", "body": b"hello"})
        await send({"type": "http.response.trailers", "headers": [(b"x-a", b"1")], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": [(b"x-b", b"2")]})

    async def talk(server: Any) -> None:
        peer = await server.connect()
        assert (await peer.ask(post(b"")))[:2] == (103, {"link": "</a>; rel=preload"})
        assert (await peer.until(b"\r\n\r\n")).count(b"chunked") == 1
        assert await peer.until(b"2\r\n\r\n") == b"5\r\nhello\r\n0\r\nx-a: 1\r\nx-b: 2\r\n\r\n"

    run(form, app, talk)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [START],
        [START, START],
        [{"type": "http.response.body", "body": b""}],
        [{"type": "websocket.send"}],
        [{**START, "status": 99}, {"type": "http.response.body"}],
        [{**START, "headers": [(b"a", b"b\nc")]}, {"type": "http.response.body"}],
        [{"type": "http.response.trailers", "headers": []}],
    ],
)
def test_wrong_messages_are_500(form: str, messages: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(post(b"x")))[0] == 500

    run(form, app, talk)
    assert len(caplog.records) == 1
