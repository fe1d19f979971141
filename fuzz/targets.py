"""All targets, by the names that the command knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fuzz.engine import Target
from fuzz.target_connection import Connections
from fuzz.target_forms import Forms
from fuzz.target_frames import Frames
from fuzz.target_peers import RequestPeers
from fuzz.target_request import RequestForms
from fuzz.target_response import Responses
from fuzz.target_values import Values
from tests.asteri.serving import LOOPS

__all__ = ["TARGETS"]

TARGETS: dict[str, Callable[[], Target]] = {
    "request": RequestForms,
    "peers": RequestPeers,
    "frames": Frames,
    "response": Responses,
    "forms": Forms,
    "values": Values,
    **{f"connection-{loop}": partial(Connections, loop) for loop in LOOPS},
}
