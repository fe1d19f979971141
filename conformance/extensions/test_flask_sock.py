"""Flask-Sock: WebSockets over a real connection, to a server of `app.run` in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import websocket

APPLICATION = """
    import sys

    from flask import Blueprint, Flask, request
    from flask_sock import ConnectionClosed, Sock

    app = Flask(__name__)
    sock = Sock(app)
    rooms = Blueprint("rooms", __name__, url_prefix="/rooms")
    left = []

    @app.get("/left")
    def told():
        return left

    @sock.route("/echo")
    def echo(ws):
        while (message := ws.receive()) != "leave":
            ws.send(message if isinstance(message, bytes) else f"{request.args.get('name')}: {message}")

    @sock.route("/<name>", bp=rooms)
    def room(ws, name):
        ws.send(name)
        try:
            ws.receive()
        except ConnectionClosed as closed:
            left.append([name, int(closed.reason)])
            raise

    app.register_blueprint(rooms)

    if __name__ == "__main__":
        app.run(port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file: Path = tmp_path_factory.mktemp("sock") / "application.py"
    file.write_text(textwrap.dedent(APPLICATION))
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(file), str(port)])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_messages_go_both_ways(server: str) -> None:
    with closing(websocket.create_connection(f"ws://{server}/echo?name=Ada", timeout=10)) as ws:
        ws.send("hello")
        assert ws.recv() == "Ada: hello"
        ws.send_binary(bytes(100_000))
        assert ws.recv() == bytes(100_000)
        ws.ping("?")
        ws.send("leave")
        opcode, data = ws.recv_data()
        while opcode != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = ws.recv_data()
        assert int.from_bytes(data[:2]) == 1000


def test_a_blueprint_learns_that_its_client_left(server: str) -> None:
    import json
    import urllib.request

    with closing(websocket.create_connection(f"ws://{server}/rooms/green", timeout=10)) as ws:
        assert ws.recv() == "green"
        ws.close(status=4001)
    for _ in range(100):
        with urllib.request.urlopen(f"http://{server}/left") as answer:
            left = json.load(answer)
        if left:
            break
        time.sleep(0.05)
    assert left == [["green", 4001]]


def test_what_is_no_websocket_is_refused(server: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(f"ws://{server}/left", timeout=10)
    assert refused.value.status_code == 400
