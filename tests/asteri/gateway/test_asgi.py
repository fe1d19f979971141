"""ASGI applications over HTTP/1 exchanges, by the clauses of the ASGI specification (HTTP, version 2.5)."""

from __future__ import annotations

import asyncio
import inspect
from collections import UserDict
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from ..forms import FORMS, family
from ..serving import serving

pytestmark = [pytest.mark.parametrize("form", FORMS), pytest.mark.timing]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
END = {"type": "http.response.body", "body": b"done"}
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes) -> bytes:
    return b"POST /a%%20b?c HTTP/1.1\r\nHost: a\r\nX-Y: Z\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def run(form: str, app: Any, talk: Any, state: dict[str, Any] | None = None, **options: Any) -> None:
    async def main() -> None:
        async with serving(form, family(form)["asgi"].asgi_doors(app, state), **options) as server:
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
    extensions = scope.pop("extensions")
    assert extensions == {"http.response.trailers": {}, "http.response.early_hint": {}, "http.response.pathsend": {}}
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


def answering(*messages: Mapping[str, Any]) -> Any:
    """Return an application that sends these messages."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def test_nothing_of_a_scope_is_shared_with_another_request(form: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(repr(scope))
        scope["asgi"]["version"] = scope["type"] = "mine"
        scope["extensions"]["mine"] = {}
        scope["extensions"]["http.response.trailers"]["mine"] = 1
        scope["headers"].append((b"mine", b"1"))
        scope["state"]["mine"] = 1
        await send(START)
        await send(END)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.ask(GET)
        await peer.ask(GET)

    run(form, app, talk, {})
    assert seen[0] == seen[1] and "mine" not in seen[0]


def test_a_path_that_is_not_utf8_can_be_encoded_and_is_whole_in_raw_path(form: str) -> None:
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await answering(START, END)(scope, receive, send)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(b"GET /%ff%c3%bc HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 200

    run(form, app, talk, root_path="/\xe4")
    (scope,) = scopes
    assert (scope["path"], scope["raw_path"]) == ("/\xe4/\ufffd\xfc", b"/%C3%A4/%ff%c3%bc")
    assert scope["root_path"] == "/\xe4"


def test_the_head_waits_for_the_first_body(form: str) -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await go_on.wait()
        await send(END)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        assert await peer.silent()
        go_on.set()
        assert (await peer.answer())[2] == b"done"

    run(form, app, talk)


def test_each_piece_leaves_before_send_returns(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for piece in (b"", b"a", bytearray(b"b"), memoryview(b"cc")):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body"})

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        assert b"chunked" in await peer.until(b"\r\n\r\n")
        assert await peer.until(b"0\r\n\r\n") == b"1\r\na\r\n1\r\nb\r\n2\r\ncc\r\n0\r\n\r\n"

    run(form, app, talk)


def test_headers_and_status_in_the_types_that_frameworks_use(form: str) -> None:
    headers = [[b"x-a", bytearray(b"1")], (memoryview(b"x-b"), b"2"), (b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2")]
    start = {"type": "http.response.start", "status": HTTPStatus.CREATED, "headers": iter(headers), "unknown": 1}

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        head = await peer.until(b"done")
        assert head.startswith(b"HTTP/1.1 201 Created\r\n")
        lines = head.split(b"\r\n")
        assert {b"x-a: 1", b"x-b: 2", b"set-cookie: a=1", b"Set-Cookie: b=2"} < set(lines)

    run(form, answering(UserDict(start), UserDict(END)), talk)


def test_a_head_without_headers_and_a_body_without_body(form: str) -> None:
    async def talk(server: Any) -> None:
        status, headers, body = await (await server.connect()).ask(GET)
        assert (status, headers["content-length"], body) == (200, "0", b"")

    run(form, answering({"type": "http.response.start", "status": 200}, {"type": "http.response.body"}), talk)


def test_a_head_answer_keeps_its_length_and_has_no_body(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        length = scope["query_string"]
        await send({**START, "headers": [(b"content-length", length)] if length else []})
        await send({"type": "http.response.body", "body": b"" if length == b"9" else b"hello"})

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for length in (b"5", b"9", b""):
            await peer.send(b"HEAD /?%b HTTP/1.1\r\nHost: a\r\n\r\n" % length)
            status, headers, _ = await peer.answer(head_only=True)
            assert (status, headers["content-length"]) == (200, (length or b"5").decode())
        assert await peer.silent()

    run(form, app, talk)


def test_what_follows_a_complete_answer_is_ignored(form: str) -> None:
    """ASGI: "any further messages on the channel will be ignored", and `receive` gives `http.disconnect`."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/":
            await answering(START, END, END, START, END)(scope, receive, send)
        else:
            more = {**END, "more_body": True}
            await answering(START, more, END, END, START)(scope, receive, send)
        seen.append((await receive())["type"])

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for path, body in ((b"/", b"done"), (b"/stream", b"donedone")):
            assert (await peer.ask(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path))[2] == body
        assert await peer.silent()

    run(form, app, talk)
    assert seen == ["http.disconnect", "http.disconnect"]


def test_an_unread_body_is_not_given_after_the_answer(form: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(START, END)(scope, receive, send)
        seen.append(await receive())

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(post(b"body")))[0] == 200

    run(form, app, talk)
    assert seen == [{"type": "http.disconnect"}]


def test_a_disconnect_in_the_middle_of_the_body(form: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            seen.append(await receive())

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(post(b"whole")[:-2])
        await asyncio.sleep(0.02)
        peer.reset()
        await asyncio.sleep(0.02)

    run(form, app, talk)
    first, *rest = seen
    assert first == {"type": "http.request", "body": b"who", "more_body": True}
    assert rest == [{"type": "http.disconnect"}] * 2


class FrameworksOwn(Exception):
    """What Starlette raises in place of an OSError of `send`."""


@pytest.mark.parametrize("kind", ["as it is", "in its place", "in a group"])
def test_the_error_of_a_disconnect_is_not_logged(form: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """ASGI: servers "should not log it as an error"."""
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        except OSError as error:
            if kind == "in a group":
                raise ExceptionGroup("tasks", [error]) from None
            if kind == "in its place":
                raise FrameworksOwn  # noqa: B904 - as Starlette does it
            raise
        finally:
            ended.set()

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"xxx")
        peer.reset()
        await ended.wait()

    run(form, app, talk)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_another_error_after_a_disconnect_is_logged(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        raise KeyError("mine")

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await asyncio.sleep(0.02)
        peer.reset()
        while not caplog.records:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    run(form, app, talk)
    assert "mine" in caplog.text


def test_both_callables_give_what_a_task_can_be_made_of(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        receiving = receive()
        assert inspect.isawaitable(receiving) and isinstance(receiving, Coroutine)
        assert (await asyncio.create_task(receiving))["body"] == b"x"
        pending = asyncio.create_task(receive())
        await asyncio.wait_for(send(START), 1)
        await asyncio.gather(send({**END, "more_body": True}), asyncio.sleep(0))
        await asyncio.create_task(send(END))
        assert (await asyncio.wait_for(pending, 1))["type"] == "http.disconnect"
        receiving = receive()
        with pytest.raises(KeyError):
            receiving.throw(KeyError("thrown"))
        with pytest.raises(KeyError):
            receiving.throw(KeyError)
        receiving.close()
        with pytest.raises(StopIteration):
            receiving.send(None)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(post(b"x")))[2] == b"donedone"

    run(form, app, talk)


def test_trailers_go_to_who_asked_for_them(form: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"Transfer-Encoding", b"chunked")], "trailers": True})
        await send({"type": "http.response.body", "body": b"hello"})
        await send({"type": "http.response.trailers", "headers": [(b"x-a", b"1")], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": [[b"x-b", bytearray(b"2")]]})

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for te, trailers in (
            (b"TE: gzip;q=0.5, Trailers\r\n", b"x-a: 1\r\nx-b: 2\r\n"),
            (b"TE: deflate\r\n", b""),
            (b"", b""),
        ):
            await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % te)
            assert (await peer.until(b"\r\n\r\n")).lower().count(b"chunked") == 1
            assert await peer.until(b"0\r\n" + trailers + b"\r\n") == b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n"
        assert await peer.silent()

    run(form, app, talk)


def test_early_hints_come_before_the_head_and_are_dropped_behind_it(form: str) -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</a>; rel=preload", b"</b>; rel=preload"]}

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        for _ in range(2):
            assert await peer.until(b"\r\n\r\n") == (
                b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nlink: </b>; rel=preload\r\n\r\n"
            )
        assert (await peer.answer())[2] == b"donedone"
        assert await peer.silent()

    run(form, answering(hint, START, hint, {**END, "more_body": True}, hint, END, hint), talk)


def test_an_application_that_returns_early_is_a_500(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(GET))[0] == 500

    for messages in ([], [START]):
        caplog.clear()
        run(form, answering(*messages), talk)
        assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_exception_after_the_head_cuts_the_connection(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({**END, "more_body": True})
        raise KeyError("mine")

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await peer.until(b"0\r\n\r\n")

    run(form, app, talk)
    assert "mine" in caplog.text


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([START, START], "start was sent twice"),
        ([END], "before http.response.start"),
        ([{"type": "http.response.trailers", "headers": []}], "not announced"),
        ([{**START, "trailers": True}, {"type": "http.response.trailers", "headers": []}], "before the last body"),
        ([{"type": "http.response.pathsend", "path": "/"}], "pathsend comes after"),
        ([START, {"type": "http.response.pathsend", "path": "relative"}], "absolute path"),
        ([START, {"type": "http.response.pathsend", "path": "/nowhere/at/all"}], "FileNotFoundError"),
        ([START, {"type": "http.response.pathsend", "path": "/"}], "directory"),
        ([START, {"type": "http.response.pathsend"}], "KeyError: 'path'"),
        ([{"type": "websocket.send"}], "can not send 'websocket.send'"),
        ([{}], "KeyError: 'type'"),
        ([{"type": "http.response.start"}], "KeyError: 'status'"),
        ([{**START, "status": "200"}], "is an int, not str"),
        ([{**START, "status": 99}, END], "99 is not the status"),
        ([{**START, "headers": [("a", b"b")]}], "a header name is bytes, not str"),
        ([{**START, "headers": [(b"a", 5)]}], "a header value is bytes, not int"),
        ([{**START, "headers": [(b"a",)]}], "ValueError"),
        ([{**START, "headers": [(b"a", b"b\nc")]}, END], "control character"),
        ([{**START, "headers": [(b"a", b"b\r\nc: d")]}, {**END, "more_body": True}], "control character"),
        ([{**START, "headers": [(b"a b", b"c")]}, END], "not a header name"),
        ([{**START, "headers": [(b":status", b"200")]}, END], "not a header name"),
        ([{**START, "headers": [(b"content-length", b"4"), (b"Content-Length", b"4")]}], "repeated"),
        ([{**START, "headers": [(b"content-length", b"+4")]}, END], "malformed"),
        ([{**START, "headers": [(b"content-length", b"")]}, END], "malformed"),
        ([START, {"type": "http.response.body", "body": "text"}], "is bytes, not str"),
        ([START, {"type": "http.response.body", "body": None}], "is bytes, not NoneType"),
        ([{"type": "http.response.early_hint", "links": [b"a\nb"]}], "control character"),
        ([{"type": "http.response.early_hint"}], "KeyError: 'links'"),
    ],
)
def test_wrong_messages_raise_and_are_a_500(
    form: str, messages: list[dict[str, Any]], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages[:-1]:
            await send(message)
        try:
            await send(messages[-1])
        except Exception as exc:
            raised.append(exc)
            raise

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(post(b"x")))[0] == 500

    run(form, app, talk)
    (record,) = caplog.records
    assert raised and record.exc_info is not None and record.exc_info[1] is raised[0]
    assert error in caplog.text


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([{**END, "more_body": True}, START], "start was sent twice"),
        ([{**END, "more_body": True}, {"type": "http.response.pathsend", "path": "/"}], "in place of all bodies"),
        ([END, END], "after the last one"),
        ([END, {"type": "http.response.trailers", "headers": [(b"a", b"b\nc")]}], "control character"),
    ],
)
def test_wrong_messages_behind_the_head_cut_the_connection(
    form: str, messages: list[dict[str, Any]], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await peer.until(b"0\r\n\r\n")

    run(form, answering({**START, "trailers": messages[0] is END}, *messages), talk)
    assert error in caplog.text and len(caplog.records) == 1
