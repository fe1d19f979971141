"""Binding, and what is said when it fails."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from asteri.errors import BindError
from asteri.settings import Address
from asteri.supervisor import sockets


def test_a_free_port() -> None:
    [listener] = sockets.bind([Address("127.0.0.1", 0)], 10)
    try:
        with socket.create_connection(listener.getsockname()):
            assert sockets.url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_a_taken_port_closes_the_others(tmp_path: Path) -> None:
    [listener] = sockets.bind([Address("127.0.0.1", 0)], 10)
    path = tmp_path / "other.sock"
    try:
        taken = Address("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(BindError, match="another process is listening there"):
            sockets.bind([Address(path=str(path)), taken], 10)
        assert not path.exists()
    finally:
        listener.close()


def test_an_address_of_another_machine() -> None:
    with pytest.raises(BindError, match="no such address"):
        sockets.bind([Address("192.0.2.1", 0)], 10)


def test_unix_socket_stale_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    address = Address(path=str(path))
    listeners = sockets.bind([address], 10)
    assert sockets.url(listeners[0]) == f"unix:{path}"
    with pytest.raises(BindError, match="another process"):
        sockets.bind([address], 10)
    sockets.close(listeners, [address])
    assert not path.exists()


def test_a_file_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("precious")
    with pytest.raises(BindError):
        sockets.bind([Address(path=str(path))], 10)
    assert path.read_text() == "precious"
