"""Behind nginx and haproxy: whatever a client sends, our server sees the requests that the proxy has forwarded.

Every file of the corpus is sent to the proxy as it is. A request that the proxy forwards arrives once, with the method
and the target that its log has; none arrives that it has not forwarded. Both ways of forwarding are run: over
connections that are kept and shared, where one smuggled byte would be the next client's answer, and over one each.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from ..asteri.serving import serving
from .cases import KINDS, Case, load
from .proxies import KINDS as PROXIES
from .proxies import Proxy, running
from .recorder import Recorder

pytestmark = [pytest.mark.proxies, pytest.mark.slow]

CASES = [case for kind in KINDS for case in load(kind)]
QUIET = 0.03  # seconds without an answer after which a client gives up
PATIENCE = 2.0
FRESH = b"GET /fresh HTTP/1.1\r\nHost: a\r\n\r\n"


class Arrivals(logging.Handler):
    """Counts what reached our server: requests given to the application and heads that were refused."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self.refused: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a refusal's log line."""
        self.refused.append(record.getMessage())

    @property
    def count(self) -> int:
        """Return how many there were: a request may have begun before its body or its trailers are refused."""
        begun = tuple(f"{client}:" for client in self.recorder.unfinished)
        return self.recorder.started + sum(not line.startswith(begun) for line in self.refused)


async def send(port: int, data: bytes, sure: int) -> int:
    """Send the bytes, read the answers that are sure to come or else until nothing more does, and go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers, received = 0, b""
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(data)
        await writer.drain()
        while not sure or answers < sure:
            piece = await asyncio.wait_for(reader.read(65536), PATIENCE if sure else QUIET)
            if not piece:
                break
            received += piece
            answers = len(re.findall(rb"HTTP/1\.1 [2-5]", received))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answers


async def settle(proxy: Proxy, arrivals: Arrivals) -> list[Any]:
    """Return the log's new entries once there are as many as arrivals, or when there never will be."""
    entries: list[Any] = []
    for _ in range(200):
        entries += proxy.forwarded()
        if len(entries) == arrivals.count:
            break
        await asyncio.sleep(0.005)
    return entries


async def check(proxy: Proxy, arrivals: Arrivals, case: Case) -> list[str]:
    """Send one case and a well-formed request behind it; return what is wrong."""
    recorder = arrivals.recorder
    recorder.started = 0
    recorder.seen, recorder.targets, arrivals.refused = [], [], []
    recorder.unfinished.clear()
    await send(proxy.port, case.data, len(case.requests) if case.kind == "valid" else 0)
    answered = await send(proxy.port, FRESH, 1)
    entries = await settle(proxy, arrivals)
    problems = []
    if len(entries) != arrivals.count:
        problems.append(f"{len(entries)} forwarded, {recorder.started} and {arrivals.refused} arrived: {entries}")
    seen = [(method, target) for (method, *_), target in zip(recorder.seen, recorder.targets, strict=True)]
    if not answered or seen[-1:] != [("GET", b"/fresh")]:
        problems.append("the request behind it was not answered")
    rest = iter([(entry.method, _origin(*entry[:2])) for entry in entries])
    problems += [f"{one} was not forwarded: {entries}" for one in seen if one not in rest]
    return [f"{case.name}: {problem}" for problem in problems]


def _origin(method: str, target: bytes) -> bytes:
    """Return a target as the recorder has it: without scheme and authority, and without an empty query."""
    origin = re.sub(rb"(?i)^https?://[^/?]*", b"", target)
    if method == "OPTIONS" and not origin:
        return b"*"  # RFC 9112 §3.2.4
    origin = origin if origin[:1] in (b"/", b"*") else b"/" + origin
    return origin[:-1] if origin.find(b"?") == len(origin) - 1 else origin


@pytest.mark.parametrize("kind", PROXIES)
def test_what_arrives_was_forwarded(kind: str, tmp_path: Path) -> None:
    recorder = Recorder()
    arrivals = Arrivals(recorder)
    problems: list[str] = []
    forwarded = 0

    async def main() -> None:
        nonlocal forwarded
        async with serving("compiled", recorder) as server:
            with running(kind, tmp_path, server.port) as proxy:
                for case in CASES:
                    problems.extend(await check(proxy, arrivals, case))
                    forwarded += arrivals.count - 1

    logger = logging.getLogger("asteri")
    level = logger.level
    logger.addHandler(arrivals)
    logger.setLevel(logging.INFO)
    try:
        asyncio.run(asyncio.wait_for(main(), 120))
    finally:
        logger.removeHandler(arrivals)
        logger.setLevel(level)
    assert not problems, "\n".join(problems)
    assert forwarded >= 100  # the proxy has not simply refused everything
