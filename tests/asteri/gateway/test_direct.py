"""The direct door."""

from __future__ import annotations

import pytest

from asteri.exchange import Channel, Doors, Exchange
from asteri.gateway.direct import direct_doors


async def websocket(channel: Channel) -> None: ...


def http(exchange: Exchange) -> None: ...


def test_doors_are_asked_for_once_with_the_version() -> None:
    class App:
        def __asteri__(self, version: int) -> Doors | None:
            return Doors(http, websocket) if version == 1 else None

    assert direct_doors(App()) == Doors(http, websocket)


def test_others_use_asgi() -> None:
    class Undecided:
        def __asteri__(self, version: int) -> None: ...

    assert direct_doors(Undecided()) is None
    assert direct_doors(object()) is None


def test_nonsense_is_refused() -> None:
    class Wrong:
        def __asteri__(self, version: int) -> tuple[object, object]:
            return http, websocket

    with pytest.raises(TypeError, match="Wrong"):
        direct_doors(Wrong())
