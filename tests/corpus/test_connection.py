"""Every case of the corpus over a real socket: what the application sees, what the peer gets, how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from asteri.exchange import Disconnected

from ..asteri.forms import FORMS
from ..asteri.serving import Peer, Server, current, run, serving
from .cases import LIMITS, Case, load
from .reading import read
from .recorder import Recorder

pytestmark = pytest.mark.timing

FRESH = b"GET /fresh HTTP/1.1\r\nHost: a\r\n\r\n"
BEHIND = b"GET /behind HTTP/1.1\r\nHost: a\r\n\r\n"
# What arrives in one read; the application is not called for a body that is known to be malformed.
ONE_READ = 16384

by_form = pytest.mark.parametrize("form", FORMS)


def cases(kind: str) -> Callable[[Any], Any]:
    return pytest.mark.parametrize("case", load(kind), ids=[case.name for case in load(kind)])


def seen_of(case: Case) -> list[tuple[Any, ...]]:
    return [(r.method, r.path, r.query, r.headers, r.body) for r in case.requests]


async def answers(peer: Peer, case: Case) -> None:
    """Read the answers to the complete requests."""
    for number, request in enumerate(case.requests, 1):
        status, headers, body = await peer.answer(head_only=request.method == "HEAD")
        assert status == 200 and (request.method == "HEAD" or body == b"%d" % number)
        assert (headers.get("connection") == "close") == (not request.keep_alive)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the server has come to rest."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the server does not come to rest")


def at_rest(server: Server) -> bool:
    return not server.connections and not server.tasks


def conversation(
    form: str, caplog: pytest.LogCaptureFixture, talk: Callable[[Server], Awaitable[None]]
) -> tuple[Recorder, list[logging.LogRecord]]:
    """Let `talk` speak to a server, then see that it is at rest and that a well-formed request gets its answer."""
    application = Recorder()

    async def main() -> None:
        async with serving(form, application, limits=LIMITS) as server:
            await talk(server)
            await until(lambda: at_rest(server))
            seen, started = application.seen[:], application.started
            fresh = await server.connect()
            assert (await fresh.ask(FRESH))[0] == 200
            application.seen, application.started = seen, started

    current[0] = "asyncio"
    with caplog.at_level(logging.DEBUG, "asteri"):
        run(main())
    return application, caplog.records


@by_form
@cases("valid")
def test_valid(form: str, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(server: Server) -> None:
        peer = await server.connect()
        await peer.send(case.data)
        await answers(peer, case)
        if case.requests[-1].keep_alive:
            assert (await peer.ask(BEHIND))[0] == 200
            peer.close()
        else:
            assert await peer.rest() == b""
            peer.close()

    application, records = conversation(form, caplog, talk)
    assert application.seen[: len(case.requests)] == seen_of(case)
    assert records == []


@by_form
@cases("invalid")
def test_invalid(form: str, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(server: Server) -> None:
        peer = await server.connect()
        await peer.send(case.data)
        await answers(peer, case)
        status, headers, body = await peer.answer()
        assert (status, body.decode()) == (case.status, f"{case.reason}\n")
        assert headers["connection"] == "close"
        await peer.send(BEHIND)  # swallowed while the server lingers
        assert await peer.rest() == b""
        peer.close()

    application, records = conversation(form, caplog, talk)
    assert application.seen == seen_of(case)
    whole = read(form, [case.data])
    if not whole.started or len(case.data) < ONE_READ:
        assert application.started == len(case.requests)
    assert [(r.levelname, r.exc_info) for r in records] == [("INFO", None)]
    assert records[0].getMessage().endswith(f"{case.status}, {case.reason}")


@by_form
@cases("truncated")
def test_truncated(form: str, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(server: Server) -> None:
        peer = await server.connect()
        if case.data:
            await peer.send(case.data)
        await answers(peer, case)
        peer.end()
        try:
            assert await peer.rest() == b""  # no answer: nobody has asked anything
        except ConnectionError:
            assert read(form, [case.data]).started  # a body was to come
        peer.close()

    application, records = conversation(form, caplog, talk)
    assert application.seen == seen_of(case)
    assert records == []


@by_form
@pytest.mark.parametrize(
    "name",
    ["invalid/chunked/size-plus", "invalid/trailer/forbidden-host", "invalid/pipeline/malformed-chunk-of-second"],
)
def test_a_body_that_turns_out_malformed(form: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The application, which has been called for the head, never sees a complete body."""
    (case,) = (case for case in load("invalid") if case.name == name)
    ended: list[str] = []

    async def application(x: Any) -> None:
        try:
            while await x.read():
                pass
        except Disconnected:
            ended.append("disconnected")
            raise
        ended.append("complete")
        x.respond(200, (), b"")

    async def main() -> None:
        async with serving(form, application, limits=LIMITS) as server:
            peer = await server.connect()
            begin = case.data.rindex(b"chunked\r\n\r\n") + 11
            await peer.send(case.data[:begin])
            await until(lambda: bool(server.tasks))
            await peer.send(case.data[begin:])
            for _ in case.requests:
                assert (await peer.answer())[0] == 200
            assert (await peer.answer())[0] == case.status
            assert await peer.rest() == b""

    with caplog.at_level(logging.DEBUG, "asteri"):
        run(main())
    assert ended == ["complete"] * len(case.requests) + ["disconnected"]
    assert len(caplog.records) == 1


@by_form
def test_a_peer_that_stays_after_an_error_is_cut(form: str) -> None:
    linger = 0.1

    async def main() -> None:
        async with serving(form, Recorder(), linger=linger) as server:
            peer = await server.connect()
            begun = asyncio.get_running_loop().time()
            assert (await peer.ask(b"nonsense\r\n"))[0] == 400
            assert await peer.rest() == b""
            await until(lambda: at_rest(server))
            assert asyncio.get_running_loop().time() - begun >= linger

    run(main())
