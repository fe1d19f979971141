"""Which protocol speaks on a new connection. So far that is always HTTP/1.1; HTTP/2 will be chosen here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asteri.protocol.h1_cy import H1Protocol
from asteri.protocol.service_cy import Service

__all__ = ["protocol_factory"]


def protocol_factory(service: Service) -> Callable[[], Any]:
    """Return what `loop.create_server` needs."""
    return lambda: H1Protocol(service)
