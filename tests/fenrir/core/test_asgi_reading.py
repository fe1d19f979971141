"""How the ASGI door reads a body: every byte once, whatever the sizes of messages and of reads are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteri.exchange import Disconnected
from fenrir.core.doors.asgi import ASGIExchange

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"transfer-encoding", b"chunked")],
}


def exchange(pieces: list[bytes], *, cut: bool = False) -> ASGIExchange:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if cut else {"type": "http.request"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    return ASGIExchange(SCOPE, receive, send)


@given(st.lists(st.binary(max_size=9), max_size=6), st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_reads_of_any_size(pieces: list[bytes], limits: list[int]) -> None:
    async def main() -> None:
        x = exchange(pieces)
        taken = []
        for limit in limits:
            piece = await x.read(limit)
            assert len(piece) <= limit
            taken.append(piece)
        async for piece in x:
            assert piece
            taken.append(piece)
        assert b"".join(taken) == b"".join(pieces)
        assert await x.read(1) == b""

    asyncio.run(main())


def whole(x: ASGIExchange) -> Any:
    return x.__aiter__().__anext__()


@pytest.mark.parametrize("read", [lambda x: x.read(4), lambda x: x.read(1), whole])
def test_a_client_that_leaves_is_told_after_its_last_byte(read: Callable[[ASGIExchange], Any]) -> None:
    async def main() -> None:
        x = exchange([b"ab"], cut=True)
        got = b""
        with pytest.raises(Disconnected):
            while True:
                got += await read(x)
        assert got == b"ab"

    asyncio.run(main())


def test_a_message_is_iterated_whole() -> None:
    async def main() -> None:
        big = b"x" * 300_000
        assert [piece async for piece in exchange([big, b"y"])] == [big, b"y"]
        x = exchange([big])
        assert await x.read(100) + b"".join([piece async for piece in x]) == big

    asyncio.run(main())
