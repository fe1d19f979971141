"""Authentication before the body, on a real socket: who is refused is never told to go on (RFC 9110 §10.1.1)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_asteri_process import PATIENCE, Process

pytestmark = pytest.mark.slow

APPLICATION = """
from typing import Annotated

from fenrir.fastapi import Depends, FastAPI, File, Header, HTTPException, UploadFile

app = FastAPI()


def user(authorization: Annotated[str, Header()] = "") -> str:
    if authorization != "Bearer good":
        raise HTTPException(401, "who are you?")
    return "user"


@app.post("/json")
async def json(data: dict[str, int], name: Annotated[str, Depends(user)]):
    return [data, name]


@app.post("/file")
def file(upload: Annotated[UploadFile, File()], name: Annotated[str, Depends(user)]):
    return [len(upload.file.read()), name]
"""

GIB = 1 << 30


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("app")
    Path(directory, "main.py").write_text(APPLICATION)
    process = Process(directory, "main:app")
    try:
        yield process.port
    finally:
        process.close()


def head(path: str, kind: str, length: int, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
        f"Authorization: Bearer {token}\r\nExpect: 100-continue\r\n\r\n"
    ).encode()


def until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received


@pytest.mark.parametrize("path, kind", [("/json", "application/json"), ("/file", "multipart/form-data; boundary=b")])
def test_a_bad_token_is_refused_before_the_body(port: int, path: str, kind: str) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(head(path, kind, GIB, "bad"))
        answer = until(connection, b"who are you?")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize(
    "path, kind, body, told",
    [
        ("/json", "application/json", b'{"a":1}', b'[{"a":1},"user"]'),
        (
            "/file",
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="upload"; filename="f"\r\n\r\ntext\r\n--b--\r\n',
            b'[4,"user"]',
        ),
    ],
)
def test_a_good_one_is_told_to_go_on(port: int, path: str, kind: str, body: bytes, told: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(head(path, kind, len(body), "good"))
        assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        answer = until(connection, told)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(told)
