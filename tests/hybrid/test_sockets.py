"""WebSockets on a bare application follow the rules of its HTTP routes."""

import json
from typing import Annotated, Any

import pytest

from fenrir import Fenrir
from fenrir.core.declare import DeclarationError
from fenrir.fastapi import Depends, Query, WebSocket
from fenrir.testing import Client

DOORS = ("direct", "asgi")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", ["/room/{n:int}", "/room/<int:n>", "/room/<n:int>"])
def test_paths_are_native(path: str, door: Any) -> None:
    app = Fenrir(dependencies=[Depends(lambda: None)])
    app.add_converter("word", "[a-z]+")

    @app.websocket(path)
    async def number(websocket: WebSocket, n: int, q: Annotated[int, Query()] = 1) -> None:
        await websocket.accept()
        await websocket.send_json([n, type(n).__name__, q, str(websocket.url)])
        await websocket.close()

    @app.websocket("/room/<w:word>", name="words", dependencies=[Depends(lambda: None)])
    async def word(ws, w: str) -> None:  # type: ignore[no-untyped-def]
        await ws.accept()
        await ws.send_text(w)
        await ws.close()

    with Client(app, door=door) as client:
        with client.websocket("/room/-3?q=7") as session:
            assert json.loads(session.receive()) == [-3, "int", 7, "ws://testserver/room/-3?q=7"]
        with client.websocket("/room/abc") as session:
            assert session.receive() == "abc"
        with client.websocket("/room/UPPER") as session:
            assert session.rejected is not None
        with client.websocket("/room/3?q=x") as session:
            assert session.rejected is not None


def test_a_path_with_two_meanings_is_refused() -> None:
    async def socket(ws: WebSocket) -> None: ...

    with pytest.raises(DeclarationError, match=r"test_sockets\.py:\d+: .*app\.fastapi\.websocket"):
        Fenrir().websocket("/<int:path>")(socket)


def test_a_handler_that_blocks_is_refused() -> None:
    with pytest.raises(DeclarationError, match="async def"):
        Fenrir().websocket("/x")(lambda ws: None)
