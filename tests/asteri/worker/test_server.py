"""The server inside a running loop: `asteri.serve`, and what a worker does with each kind of application."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asteri
from asteri.errors import ApplicationError, BindError, UsageError
from asteri.exchange import Doors, Exchange

pytestmark = pytest.mark.timing

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


async def get(address: tuple[str, int], path: str = "/", body: bytes = b"") -> bytes:
    """Send one request and return everything that comes back."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


class Application:
    """An ASGI application with a lifespan, which notes what happens to it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            VARIABLE.set("from startup")
            scope["state"]["started"] = "yes"
            self.events.append("startup")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.events.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/wait":
            self.events.append("waiting")
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.events.append("cancelled")
                raise
        text = f"{VARIABLE.get()} {scope['state']['started']} {scope['root_path']}"
        VARIABLE.set("from a request")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})


def test_asgi_with_state_and_the_context_of_startup() -> None:
    async def scenario() -> None:
        application = Application()
        async with asteri.serve(application, root_path="/prefix") as server:
            assert server.url == f"http://127.0.0.1:{server.address[1]}"
            for _ in range(2):
                assert (await get(server.address)).endswith(b"from startup yes /prefix")
        assert application.events == ["startup", "shutdown"]
        with pytest.raises(OSError):
            await get(server.address)

    asyncio.run(scenario())


def test_stop_waits_for_the_request_in_flight_and_shuts_down_afterwards() -> None:
    async def scenario() -> None:
        application = Application()
        async with asteri.serve(application) as server:
            request = asyncio.ensure_future(get(server.address, "/wait"))
            while "waiting" not in application.events:  # noqa: ASYNC110
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.03, application.go_on.set)
        assert (await request).startswith(b"HTTP/1.1 200 ")
        assert application.events == ["startup", "waiting", "shutdown"]

    asyncio.run(scenario())


def test_an_idle_connection_may_bring_one_more_request_while_lingering() -> None:
    async def scenario() -> None:
        async with asteri.serve(Application()) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            writer.write(request)
            assert b"connection: close" not in (await reader.readuntil(b"\r\n\r\n")).lower()
            stopping = asyncio.ensure_future(server.stop(linger=5.0))
            await asyncio.sleep(0.02)
            writer.write(request)
            assert b"connection: close" in (await reader.read()).lower()
            await stopping
            writer.close()
            await writer.wait_closed()

    asyncio.run(scenario())


def test_stop_cuts_what_exceeds_the_graceful_timeout(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        application = Application()
        async with asteri.serve(application, graceful_timeout=0.03) as server:
            request = asyncio.ensure_future(get(server.address, "/wait"))
            while "waiting" not in application.events:  # noqa: ASYNC110
                await asyncio.sleep(0)
        with pytest.raises(ConnectionResetError):
            await request
        assert application.events == ["startup", "waiting", "cancelled", "shutdown"]

    asyncio.run(scenario())
    assert "1 requests cut" in caplog.text


def test_the_direct_interface_is_asked_after_startup() -> None:
    class Direct:
        started = False

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "lifespan"
            await receive()
            self.started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

        def __asteri__(self, version: int) -> Doors:
            assert self.started

            def http(exchange: Exchange) -> None:
                exchange.respond(200, (), f"direct {version}".encode())

            async def websocket(channel: Any) -> None: ...

            return Doors(http, websocket)

    async def scenario() -> None:
        async with asteri.serve(Direct()) as server:
            assert (await get(server.address)).endswith(b"direct 1")

    asyncio.run(scenario())


def test_a_failing_door_is_an_application_error() -> None:
    class Direct:
        def __asteri__(self, version: int) -> None:
            raise KeyError("routes")

    async def scenario() -> None:
        with pytest.raises(ApplicationError, match="routes"):
            async with asteri.serve(Direct()):
                pass

    asyncio.run(scenario())


def test_wsgi_streams_both_ways() -> None:
    names: list[str] = []

    def echo(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        names.append(threading.current_thread().name)
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        while piece := environ["wsgi.input"].read(100_000):
            yield piece

    async def scenario() -> None:
        body = bytes(range(256)) * 4096
        async with asteri.serve(echo, threads=2) as server:
            answer = await get(server.address, body=body)
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        received = bytearray()
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            received += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        assert received == body

    asyncio.run(scenario())
    assert names[0].startswith("asteri-wsgi")


def test_a_failing_wsgi_application_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    def fails(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise KeyError("mine")

    async def scenario() -> None:
        async with asteri.serve(fails) as server:
            assert (await get(server.address)).startswith(b"HTTP/1.1 500 ")

    asyncio.run(scenario())
    assert "mine" in caplog.text


def test_a_startup_that_fails_leaves_nothing_behind() -> None:
    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def scenario() -> None:
        with pytest.raises(ApplicationError, match="no database"):
            async with asteri.serve(refuses):
                pass
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_several_addresses_and_a_taken_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "a.sock"
        async with asteri.serve(Application(), bind=["127.0.0.1:0", f"unix:{path}"]) as server:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
            await writer.wait_closed()
            with pytest.raises(BindError):
                async with asteri.serve(Application(), bind=f"127.0.0.1:{server.address[1]}"):
                    pass
        assert not path.exists()

    asyncio.run(scenario())


def test_options_are_checked() -> None:
    with pytest.raises(UsageError, match="unknown option"):
        asteri.run(Application, wrokers=2)
    with pytest.raises(UsageError, match="as a string"):
        asteri.run(Application, workers=2)
    with pytest.raises(UsageError, match="module:attribute"):
        asteri.run("main")


@pytest.mark.parametrize(("choice", "status"), [("drop", b"200"), ("refuse", b"400")])
def test_underscores_in_header_names(choice: str, status: bytes) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        assert all(b"_" not in name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def main() -> None:
        async with asteri.serve(answer, lifespan="off", underscore_headers=choice) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: b\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 " + status)
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())
