"""`http.response.pathsend`: a file as the body, read in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from asteri.gateway import files

from ..forms import FORMS, family
from ..serving import serving

pytestmark = [pytest.mark.parametrize("form", FORMS), pytest.mark.timing]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def sending(path: Path, *, headers: list[Any] | None = None, status: int = 200, trailers: bool = False) -> Any:
    """Return an application that answers with a file."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": status, "headers": headers or [], "trailers": trailers}
        await send(start)
        await send({"type": "http.response.pathsend", "path": str(path)})
        if trailers:
            await send({"type": "http.response.trailers", "headers": [(b"x-a", b"1")]})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"ignored"})

    return app


def run(form: str, app: Any, talk: Any, **options: Any) -> None:
    async def main() -> None:
        async with serving(form, family(form)["asgi"].asgi_doors(app), **options) as server:
            await talk(server)

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("size", [0, 1, files.PIECE - 1, files.PIECE, files.PIECE + 1, 3 * files.PIECE + 7])
@pytest.mark.parametrize("declared", [True, False])
def test_a_file_arrives_whole_with_its_length(form: str, size: int, declared: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for _ in range(2):
            status, headers, body = await peer.ask(GET)
            assert (status, headers["content-length"]) == (200, str(size))
            assert body == path.read_bytes()
        await peer.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        status, headers, _ = await peer.answer(head_only=True)
        assert (status, headers["content-length"]) == (200, str(size))
        assert (await peer.ask(GET))[2] == path.read_bytes()

    run(form, sending(path, headers=[(b"Content-Length", b"%d" % size)] if declared else None), talk)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, threading.Thread]]:
    """Who has read how many bytes of a file; opening it counts as none."""
    users: list[tuple[int, threading.Thread]] = []
    init, read_at = files._File.__init__, files._File.read_at

    def opening(self: Any, path: Any) -> None:
        users.append((0, threading.current_thread()))
        init(self, path)

    def reading(self: Any, size: int, offset: int) -> bytes:
        users.append((size, threading.current_thread()))
        return read_at(self, size, offset)

    monkeypatch.setattr(files._File, "__init__", opening)
    monkeypatch.setattr(files._File, "read_at", reading)
    return users


def test_what_is_not_cached_is_read_in_threads(
    form: str, tmp_path: Path, users: list[tuple[int, threading.Thread]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2 * files.PIECE))
    monkeypatch.setattr(files, "_is_cached", lambda file, offset, size: False)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(GET))[2] == path.read_bytes()

    run(form, sending(path), talk)
    assert [size for size, _ in users] == [0, files.PIECE, files.PIECE]
    assert threading.main_thread() not in [thread for _, thread in users]


def test_what_is_cached_is_not_read_but_by_the_kernel(
    form: str, tmp_path: Path, users: list[tuple[int, threading.Thread]]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(8 * files.PIECE))
    with path.open("rb") as file:
        assert files._is_cached(file.fileno(), 0, files.PIECE)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        assert (await peer.ask(GET))[2] == path.read_bytes()
        assert (await peer.ask(GET))[2] == path.read_bytes()

    run(form, sending(path), talk)
    assert sum(size for size, _ in users) < 14 * files.PIECE  # of 16: only what the socket had no room for
    assert threading.main_thread() not in [thread for _, thread in users]


@pytest.mark.parametrize("length", [3, 5])
def test_a_declared_length_that_is_not_the_files(form: str, length: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        if length == 3:
            assert (await peer.answer())[2] == b"123"
            assert await peer.rest() == b""
        else:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await peer.answer()

    run(form, sending(path, headers=[(b"content-length", b"%d" % length)]), talk)


def test_bodiless_answers(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")

    async def talk(server: Any) -> None:
        peer = await server.connect()
        assert (await peer.ask(GET))[0] == 304
        assert await peer.silent()

    run(form, sending(path, status=304), talk)


def test_trailers_follow_a_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        assert (await peer.until(b"1\r\n\r\n")).endswith(b"\r\n\r\n4\r\n1234\r\n0\r\nx-a: 1\r\n\r\n")

    run(form, sending(path, trailers=True), talk)


def test_what_is_no_regular_file_is_refused_and_never_waited_for(form: str, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(GET))[0] == 500

    run(form, sending(path), talk)


def test_a_file_is_closed_when_the_peer_goes(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 30)

    def is_open() -> bool:
        return str(path) in [file.path for file in psutil.Process().open_files()]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"\r\n\r\n")
        assert is_open()
        peer.reset()
        while is_open() or server.tasks:  # noqa: ASYNC110 - a file has no event for its end
            await asyncio.sleep(0.01)

    run(form, sending(path), talk)


def test_a_file_is_closed_when_its_request_is_cancelled(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    closed = threading.Event()

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"\r\n\r\n")
        for task in list(server.tasks):
            task.cancel()
        await asyncio.to_thread(closed.wait, 5)
        assert closed.is_set()

    close = files._File.close

    def closing(self: Any) -> None:
        close(self)
        closed.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files._File, "close", closing)
        run(form, sending(path), talk)
