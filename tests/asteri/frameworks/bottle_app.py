"""The common story, told by Bottle."""

import time
import zlib
from collections.abc import Iterator
from typing import Any

from bottle import Bottle, request, response

app: Any = Bottle()
left: list[int] = []


@app.get("/json")
def json() -> dict[str, Any]:
    return {"hello": "world"}


@app.post("/json")
def echo_json() -> dict[str, Any]:
    return {"hello": request.json}


@app.post("/form")
def form() -> dict[str, str]:
    return {"name": request.forms.getunicode("name")}


@app.post("/upload")
def upload() -> dict[str, int]:
    size = digest = 0
    while piece := request.environ["wsgi.input"].read(65536):
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return {"size": size, "digest": digest}


@app.get("/large")
def large() -> bytes:
    return b"large" * 500_000


@app.get("/stream")
def stream() -> Iterator[bytes]:
    for number in range(3):
        yield b"piece %d\n" % number
        time.sleep(0.1)


@app.get("/endless")
def endless() -> Iterator[bytes]:
    try:
        while True:
            yield b"more\n"
            time.sleep(0.01)
    finally:
        left.append(1)


@app.get("/left")
def how_many_left() -> dict[str, int]:
    return {"left": len(left)}


@app.get("/error")
def error() -> None:
    raise KeyError("mine")


@app.get("/cookie")
def cookie() -> dict[str, str | None]:
    response.set_cookie("seen", "yes", httponly=True)
    return {"seen": request.get_cookie("seen")}
