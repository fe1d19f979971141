"""Applications of the field's frameworks on Asteri, each in a process of its own: one story, told to all of them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.e2e.test_asteri_process import Process

pytestmark = [pytest.mark.slow, pytest.mark.timing]

HERE = Path(__file__).parent
PATIENCE = 10.0


class Story(NamedTuple):
    """A framework's application, and which chapters it has."""

    target: str
    has_startup: bool = True
    has_websocket: bool = True
    takes_chunks: bool = True  # Django over WSGI goes by the content-length alone


STORIES = {
    "starlette": Story("starlette_app:app"),
    "fastapi": Story("fastapi_app:app"),
    "litestar": Story("litestar_app:app"),
    "quart": Story("quart_app:app"),
    "sanic": Story("sanic_app:app"),
    "django-asgi": Story("django_app:asgi", has_startup=False, has_websocket=False),
    "django-wsgi": Story("django_app:wsgi", has_startup=False, has_websocket=False, takes_chunks=False),
    "flask": Story("flask_app:app", has_startup=False, has_websocket=False),
    "bottle": Story("bottle_app:app", has_startup=False, has_websocket=False),
}


class Served(NamedTuple):
    """A running application."""

    story: Story
    process: Process

    def ask(self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, **headers: str) -> Any:
        """Return the answer, with its body as `data`."""
        connection = self.process.connect()
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names, encode_chunked=isinstance(body, Iterator))
            answer: Any = connection.getresponse()
            answer.data = answer.read()
            return answer
        finally:
            connection.close()

    def ask_json(self, *args: Any, **headers: str) -> Any:
        """Return the answer's JSON."""
        answer = self.ask(*args, **headers)
        assert (answer.status, answer.getheader("content-type")) == (200, "application/json"), answer.data
        return json.loads(answer.data)

    def open(self, path: str) -> socket.socket:
        """Ask for a path on a connection of its own."""
        connection = socket.create_connection(("127.0.0.1", self.process.port), timeout=PATIENCE)
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())
        return connection


@pytest.fixture(params=STORIES, scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """Serve one framework's application as long as its story lasts."""
    story = STORIES[request.param]
    process = Process(HERE, story.target, "--no-access-log", "--graceful-timeout", "2")
    try:
        yield Served(story, process)
        process.send(signal.SIGTERM)
        assert process.wait() == 0, process.output
    finally:
        process.close()


def test_it_has_started(served: Served) -> None:
    assert served.process.port
    if served.story.has_startup:
        assert served.ask_json("GET", "/started") == {"started": True}


def test_json(served: Served) -> None:
    assert served.ask_json("GET", "/json") == {"hello": "world"}
    body = {"\u00e4": [1, None, "\u20ac"]}
    answer = served.ask_json("POST", "/json", json.dumps(body).encode(), content_type="application/json")
    assert answer == {"hello": body}


def test_form(served: Served) -> None:
    kind = "application/x-www-form-urlencoded"
    assert served.ask_json("POST", "/form", b"name=J%C3%B6rg+X", content_type=kind) == {"name": "J\u00f6rg X"}


def test_head_has_the_headers_and_no_body(served: Served) -> None:
    connection = served.process.connect()
    for method in ("HEAD", "HEAD", "GET"):  # the connection goes on, so nothing of a body was sent
        connection.request(method, "/json")
        answer = connection.getresponse()
        assert answer.status == 200
        assert bool(answer.read()) is (method == "GET")
    connection.close()


def test_a_cookie_comes_back(served: Served) -> None:
    answer = served.ask("GET", "/cookie")
    assert json.loads(answer.data) == {"seen": None}
    cookie = answer.getheader("set-cookie")
    assert cookie.startswith("seen=yes;") and "httponly" in cookie.lower()
    assert served.ask_json("GET", "/cookie", cookie=cookie.partition(";")[0]) == {"seen": "yes"}


def test_an_exception_is_a_500_and_the_next_request_is_served(served: Served) -> None:
    connection = served.process.connect()
    connection.request("GET", "/error")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 500
    assert served.ask_json("GET", "/json") == {"hello": "world"}
    connection.request("GET", "/json")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_large_body_arrives_whole(served: Served) -> None:
    assert served.ask("GET", "/large").data == b"large" * 500_000


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_arrives_whole(served: Served, chunked: bool) -> None:
    if chunked and not served.story.takes_chunks:
        assert served.ask_json("POST", "/upload", iter([b"abc"])) == {"size": 0, "digest": 0}
        return
    data = os.urandom(3 << 20)
    pieces = (data[at : at + 50_000] for at in range(0, len(data), 50_000))
    expected = {"size": len(data), "digest": zlib.crc32(data)}
    assert served.ask_json("POST", "/upload", pieces if chunked else data) == expected


def test_an_upload_is_read_while_it_is_sent(served: Served) -> None:
    connection = served.process.connect()
    connection.putrequest("POST", "/upload")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    for piece in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
        connection.send(piece)
        time.sleep(0.02)
    expected = b"abc" if served.story.takes_chunks else b""
    assert json.loads(connection.getresponse().read()) == {"size": len(expected), "digest": zlib.crc32(expected)}
    connection.close()


def test_a_stream_leaves_piece_by_piece(served: Served) -> None:
    with served.open("/stream") as connection:
        got = b""
        while b"piece 0\n" not in got:
            got += connection.recv(65536)
        assert b"chunked" in got.lower() and b"piece 2" not in got
        while not got.endswith(b"0\r\n\r\n"):
            got += connection.recv(65536)
        assert got.count(b"piece") == 3


def test_a_client_that_goes_ends_its_stream(served: Served) -> None:
    before = served.ask_json("GET", "/left")["left"]
    with served.open("/endless") as connection:
        got = b""
        while got.count(b"more") < 2:
            got += connection.recv(65536)
    deadline = time.monotonic() + PATIENCE
    while served.ask_json("GET", "/left")["left"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert served.ask_json("GET", "/left")["left"] == before + 1


def test_a_websocket_echoes_and_closes(served: Served) -> None:
    url = f"ws://127.0.0.1:{served.process.port}/ws"
    if not served.story.has_websocket:
        with pytest.raises((websockets.exceptions.InvalidStatus, ConnectionClosed)):
            websockets.sync.client.connect(url, proxy=None)
        return
    with websockets.sync.client.connect(url, proxy=None) as client:
        for text in ("", "hello", "\u20ac" * 100_000):
            client.send(text)
            assert client.recv(PATIENCE) == text
    assert client.protocol.close_rcvd is not None and client.protocol.close_rcvd.code == 1000
    assert served.ask_json("GET", "/json") == {"hello": "world"}


def test_the_server_logged_the_storys_own_error_and_no_other(served: Served) -> None:
    """A client that goes is no error of an application."""
    lines = [
        line for line in served.process.output.splitlines() if re.search(r"\[\d+\] (WARNING|ERROR|CRITICAL) ", line)
    ]
    own = [line for line in lines if not line.endswith("GET b'/error': exception in the application")]
    assert own == ([] if served.story.target != "django_app:asgi" else own[:1])
    assert all("/ws" in line for line in own)
