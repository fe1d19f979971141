"""Connections that are reset at a random byte, of the request or of the answer: what of them stays behind."""

from __future__ import annotations

import random
import time

from bench.client import http_request, mask
from bench.reliability.holdings import compare, look
from bench.reliability.peer import HANDSHAKE, Peer
from bench.reliability.report import Report
from bench.reliability.server import asteri
from bench.reliability.soak import fill_threads, traffic
from bench.reliability.traffic import REQUESTS

__all__ = ["measure"]

TOGETHER = 100  # connections between two whole requests, which let the server catch up
BYTES = [
    *(data for data, _ in REQUESTS.values()),
    REQUESTS["json"][0] * 8,  # pipelined
    http_request("GET", "/stream?count=20000", {}),
    http_request("GET", "/ws", HANDSHAKE) + mask(b"a text") * 4 + mask(b"", 9),
    http_request("POST", "/upload", {"transfer-encoding": "chunked"}) + b"4000\r\n" + b"x" * 0x4000 + b"\r\n0\r\n\r\n",
    http_request("POST", "/upload", {"expect": "100-continue", "content-length": "70000"}) + b"x" * 70000,
]


def measure(
    *,
    connections: int = 100_000,
    warm_up: int = 5_000,
    interface: str = "direct",
    loop: str = "auto",
    pure: bool = False,
    seed: int = 1,
) -> Report:
    """Reset connections, and compare what the worker holds after a warm-up and at the end."""
    conditions = {"connections": connections, "warm_up": warm_up, "seed": seed}
    report = Report("abuse", {**conditions, "interface": interface, "loop": loop, "pure": pure})
    chance = random.Random(seed)
    with asteri("mixed:app", name="abuse", interface=interface, loop=loop, pure=pure) as server:
        fill_threads(server.port)
        traffic(server.port, warm_up, 32)
        abuse(server.port, warm_up, chance)
        before = look(server)
        began = time.monotonic()
        answered = abuse(server.port, connections, chance)
        report.figures["connections per second"] = round(connections / (time.monotonic() - began))
        after = look(server)
    compare(report, before, after)
    report.exactly("whole requests answered in between", answered, connections // TOGETHER)
    return report


def abuse(port: int, connections: int, chance: random.Random) -> int:
    """Reset so many connections; return how many whole requests in between were answered."""
    answered = 0
    for number in range(1, connections + 1):
        reset_somewhere(port, chance)
        if number % TOGETHER == 0:
            with Peer(port) as peer:
                answered += peer.ask(REQUESTS["json"][0])[0] == 200
    return answered


def reset_somewhere(port: int, chance: random.Random) -> None:
    """Open a connection and reset it: half of them within the request, the others within the answer."""
    data = chance.choice(BYTES)
    whole = chance.random() < 0.5
    peer = Peer(port)
    try:
        peer.socket.sendall(data if whole else data[: chance.randrange(len(data))])
        if whole:
            peer.socket.recv(chance.randrange(1, 4096))
    except OSError:
        pass  # the server was faster
    peer.reset()
