"""A request leaves nothing to the garbage collector: what it held is gone with its answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from asteri.exchange import Doors
from asteri.threads import Threads

from ..forms import FORMS, family
from ..serving import serving


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if scope["path"] == "/stream":
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"hello"})


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [])
        return iter([b"x", b"hello"])
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2, "garbage")
    yield threads
    threads.close()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize("path", [b"/", b"/stream"])
def test_no_cycles(form: str, interface: str, path: bytes, threads: Threads) -> None:
    doors: Doors = (
        family(form)["asgi"].asgi_doors(asgi, {})
        if interface == "asgi"
        else family(form)["wsgi"].wsgi_doors(wsgi, threads)
    )

    async def main() -> None:
        async with serving(form, doors) as server:
            peer = await server.connect()
            for _ in range(2):
                gc.collect()
                for _ in range(20):
                    await peer.ask(b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" % path)
                await asyncio.sleep(0.01)
            found = gc.collect()
            assert found == 0

    gc.disable()
    try:
        asyncio.run(asyncio.wait_for(main(), 10))
    finally:
        gc.enable()
