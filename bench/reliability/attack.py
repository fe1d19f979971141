"""A slow attacker: `python -m bench.reliability.attack '{"mode": ..., ...}'` prints how long its connections lived.

The four attacks that slowhttptest makes: `header` sends a head that never ends, `body` a body that hardly moves,
`range` asks for a thousand overlapping ranges, `read` takes a long answer a few bytes at a time. A connection's life
ends when the server's FIN or reset arrives, whatever is still unread.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import select
import socket
import sys
import time
from typing import Any

from bench.client import http_request

__all__ = ["MODES", "attack", "first_bytes"]

RANGES = ",".join(f"5-{number}" for number in range(1000))
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
MODES: dict[str, tuple[bytes, bytes]] = {  # what is sent at first, and then again and again
    "header": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-a: b\r\n"),
    "body": (http_request("POST", "/context", {"x-user": "slow", "content-length": "8192"}), b"x"),
    "range": (http_request("GET", "/", {"range": f"bytes=0-,{RANGES}"}), b""),
    "read": (http_request("GET", f"/stream?{1 << 30}", {}), b""),
}


def first_bytes(mode: str) -> bytes:
    """Return what a connection begins with."""
    return MODES[mode][0]


def connect(port: int, mode: str) -> socket.socket:
    """Open one connection and send its first bytes."""
    connection = socket.socket()
    if mode == "read":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(first_bytes(mode))
    connection.setblocking(False)
    return connection


def attack(port: int, mode: str, connections: int, rate: float, interval: float, seconds: float) -> dict[str, Any]:
    """Open connections at `rate` a second, keep them busy every `interval`, and give up `seconds` after the last."""
    poller = select.epoll()
    alive: dict[int, tuple[socket.socket, float]] = {}
    due: list[tuple[float, int]] = []
    lives: list[float] = []
    opened, answered = 0, 0
    began = time.monotonic()
    last = began + connections / rate
    try:
        while (now := time.monotonic()) < last + seconds and (alive or opened < connections):
            while opened < connections and now >= began + opened / rate:
                connection = connect(port, mode)
                at = time.monotonic()
                alive[connection.fileno()] = connection, at
                poller.register(connection, select.EPOLLRDHUP)
                heapq.heappush(due, (at + interval, connection.fileno()))
                opened += 1
            soon = min(due[0][0] if due else now + 0.05, now + 0.05)
            for number, event in poller.poll(max(0.0, soon - now)):
                if event & GONE:
                    connection, at = alive.pop(number)
                    lives.append(time.monotonic() - at)
                    connection.close()
            while due and due[0][0] <= time.monotonic():
                _, number = heapq.heappop(due)
                if number in alive:
                    answered += keep_busy(alive[number][0], mode)
                    heapq.heappush(due, (time.monotonic() + interval, number))
    finally:
        poller.close()
        for connection, _ in alive.values():
            connection.close()
    return {"opened": opened, "dropped": len(lives), "lives": sorted(lives), "answered": answered, "left": len(alive)}


def keep_busy(connection: socket.socket, mode: str) -> int:
    """Do the little that the attack does at each interval; return how many answers were read."""
    with contextlib.suppress(OSError):
        if mode == "read":
            connection.recv(32)
        elif mode == "range":
            answers = connection.recv(65536).count(b"HTTP/1.1 ")
            connection.send(first_bytes(mode))
            return answers
        else:
            connection.send(MODES[mode][1])
    return 0


if __name__ == "__main__":
    print(json.dumps(attack(**json.loads(sys.argv[1]))))
