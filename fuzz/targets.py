"""All targets, by the names that the command knows."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.engine import Target
from fuzz.target_connection import Connections
from fuzz.target_forms import Forms
from fuzz.target_frames import Frames
from fuzz.target_peers import RequestPeers
from fuzz.target_request import RequestForms
from fuzz.target_response import Responses

__all__ = ["TARGETS"]

TARGETS: dict[str, Callable[[], Target]] = {
    "request": RequestForms,
    "peers": RequestPeers,
    "frames": Frames,
    "response": Responses,
    "forms": Forms,
    "connection": Connections,
}
