"""How long a peer may take, with the precedent of each number."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; `math.inf` switches one off.

    Attributes:
        header: from the first byte of a request (or from the connection, before one) to the end of its head.
        keep_alive: idle between two requests.
        body_grace: period over which the rate of a request body is measured.
        body_rate: bytes a second that a body must bring on average of such a period, while the server is reading.
        write: without any progress while the peer does not read.
        linger: how long an error's connection is still read from, so that the peer sees the answer.
        tick: coarseness of all of them.
    """

    header: float = 10.0  # Kestrel 30, nginx 60, Apache 20-40, hypercorn 5
    keep_alive: float = 75.0  # nginx 75, Apache 5, uvicorn 5, Kestrel 130; above the 60 of most load balancers
    body_grace: float = 10.0  # Kestrel 5, Apache 20
    body_rate: float = 240.0  # Kestrel 240, Apache 500
    write: float = 60.0  # nginx send_timeout 60
    linger: float = 2.0  # nginx lingering_timeout 5, Apache 2
    tick: float = 0.5
