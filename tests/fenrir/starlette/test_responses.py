"""Responses: over ASGI and as replies of the engine they say the same."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Iterator
from http.cookies import CookieError
from pathlib import Path
from typing import Any

import pytest
import starlette.applications
import starlette.responses
import starlette.routing

from fenrir.fastapi import FastAPI
from fenrir.starlette.background import BackgroundTask
from fenrir.starlette.requests import ClientDisconnect
from fenrir.starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from fenrir.starlette.types import Receive, Scope, Send
from fenrir.testing import Client

DOORS = ("direct", "asgi")
both_doors = pytest.mark.parametrize("door", DOORS)
SHOWN = ("content-type", "content-length", "content-range", "content-disposition", "accept-ranges", "etag", "x-a")


def shown(response: Any) -> Any:
    return (response.status_code, response.content, [response.headers.get(name) for name in SHOWN])


RANGES = (
    "bytes=0-4", "bytes=5-", "bytes=-3", "bytes=-100", "bytes=3-3", "bytes=0-100", "bytes=10-", "bytes=100-",
    "bytes=5-4", "bytes=0-1,3-4", "bytes=0-3,2-5", "bytes=4-5,0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=a-b,0-1",
    "bytes 0-1", "items=0-1", "BYTES=0-1", "bytes=0-1,200-300", "bytes=" + ",".join(["0-0"] * 101),
)  # fmt: skip


@both_doors
def test_files_as_upstream(door: Any, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(b"0123456789")
    app = FastAPI()

    @app.api_route("/f", methods=["GET", "HEAD", "POST"])
    async def send() -> Any:
        return FileResponse(path, headers={"x-a": "1"}, filename="é.txt")

    async def theirs(request: Any) -> Any:
        return starlette.responses.FileResponse(path, headers={"x-a": "1"}, filename="é.txt")

    route = starlette.routing.Route("/f", theirs, methods=["GET", "HEAD", "POST"])
    upstream = starlette.applications.Starlette(routes=[route])
    with Client(app, door=door) as client, Client(upstream, door="asgi") as real:
        etag = client.get("/f").headers["etag"]
        sent: list[dict[str, str]] = [{}, *({"range": text} for text in RANGES)]
        sent += [{"range": "bytes=0-1", "if-range": tag} for tag in (etag, '"x"', f"W/{etag}")]
        for headers in sent:
            for method in ("GET", "HEAD", "POST"):
                ours, expected = (c.request(method, "/f", headers=headers) for c in (client, real))
                if (kind := expected.headers["content-type"] or "").startswith("multipart"):
                    boundaries = [kind.encode()[-26:], (ours.headers["content-type"] or "").encode()[-26:]]
                    assert ours.content.replace(boundaries[1], boundaries[0]) == expected.content
                    assert ours.headers["content-length"] == expected.headers["content-length"]
                else:
                    assert shown(ours) == shown(expected), (method, headers)


@both_doors
def test_an_application_as_response(door: Any) -> None:
    """A response with a `__call__` of its own answers by it, within the engine too."""
    log: list[str] = []

    class Own(Response):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            log.append(scope["type"])
            await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"own")]})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": scope["path"].encode()})
            assert self.background is not None
            await self.background()

    class Watched(StreamingResponse):
        async def stream_response(self, send: Send) -> None:
            log.append("stream")
            await super().stream_response(send)

    app = FastAPI()

    @app.get("/own")
    async def own() -> Any:
        return Own("ignored", background=BackgroundTask(log.append, "background"))

    @app.get("/watched")
    async def watched() -> Any:
        return Watched(iter(["a", b"b"]), background=BackgroundTask(log.append, "background"))

    with Client(app, door=door) as client:
        response = client.get("/own")
        assert (response.status_code, response.text, response.headers["x-a"]) == (201, "a/own", "own")
        assert client.get("/watched").text == "ab"
    assert log == ["http", "background", "stream", "background"]


@both_doors
def test_a_changed_body_has_the_right_length(door: Any) -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> Any:
        response = JSONResponse([1, 2, 3])
        assert response.headers["content-length"] == "7"
        response.body = b"[1]"
        assert response.headers["content-length"] == "3"
        return response

    with Client(app, door=door) as client:
        assert client.get("/").json() == [1]


def test_a_length_of_the_users_own_stays() -> None:
    response = Response(b"abc", headers={"Content-Length": "10"})
    response.body = b"ab"
    assert response.raw_headers == [(b"content-length", b"10")]
    assert Response(status_code=204).raw_headers == []


def test_nothing_can_split_a_response() -> None:
    response = Response()
    for name, value in (("x-a", "1\r\nset-cookie: a=1"), ("x a", "1"), ("x-a\r\n", "1")):
        with pytest.raises(ValueError):
            Response(headers={name: value})
        with pytest.raises(ValueError):
            response.headers[name] = value
        with pytest.raises(ValueError):
            response.headers.append(name, value)
    for attribute in ("path", "domain", "expires"):
        for text in ("/; secure", "/\r\nx: y"):
            with pytest.raises(ValueError):
                response.set_cookie("a", "1", **{attribute: text})  # type: ignore[arg-type]
    with pytest.raises(CookieError):
        response.set_cookie("a b", "1")
    assert response.raw_headers == [(b"content-length", b"0")]
    response.set_cookie("a", 'x;y"\r\n')
    assert b"\r" not in response.raw_headers[-1][1] and b";y" not in response.raw_headers[-1][1]


def test_a_stream_has_no_body() -> None:
    response = StreamingResponse(iter([b"a"]))
    assert not hasattr(response, "body") and "content-length" not in response.headers
    assert not hasattr(FileResponse("x"), "body")


def test_copies_stand_alone() -> None:
    response = PlainTextResponse("abc", headers={"x-a": "1"})
    for made in (copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        made.headers["x-a"] = "2"
        made.status_code = 404
        assert (made.body, response.headers["x-a"], response.status_code) == (b"abc", "1", 200)


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_a_stream_ends_when_the_client_leaves(version: str) -> None:
    """Before ASGI 2.4 one is told by `receive`, since then by an OSError from `send`."""
    sent: list[bytes] = []
    done: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0)

    async def run() -> None:
        begun = asyncio.Event()

        async def receive() -> Any:
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if "body" in message:
                sent.append(message["body"])
                begun.set()
                if version == "2.4":
                    raise OSError

        scope = {"type": "http", "asgi": {"spec_version": version}, "headers": [], "method": "GET"}
        response = StreamingResponse(pieces(), background=BackgroundTask(done.append, "background"))
        if version == "2.4":
            with pytest.raises(ClientDisconnect):
                await response(scope, receive, send)
        else:
            await response(scope, receive, send)

    asyncio.run(run())
    assert sent and done == ([] if version == "2.4" else ["background"])


@both_doors
def test_what_a_thread_yields(door: Any) -> None:
    app = FastAPI()

    def pieces() -> Iterator[Any]:
        yield "é"
        yield memoryview(b"1")
        yield b"2"

    @app.get("/")
    def root() -> Any:
        return StreamingResponse(pieces(), media_type="text/plain")

    with Client(app, door=door) as client:
        response = client.get("/")
        assert response.text == "é12" and response.headers["content-type"] == "text/plain; charset=utf-8"


@both_doors
def test_a_status_that_is_left_to_others(door: Any) -> None:
    response = Response()
    response.status_code = None
    assert response.status_code is None
    app = FastAPI()

    @app.get("/value", status_code=201)
    def value(response: Response) -> int:
        assert response.status_code is None
        return 1

    @app.get("/itself")
    def itself(response: Response) -> Response:
        response.status_code = 304
        response.headers["etag"] = '"a"'
        return response

    with Client(app, door=door) as client:
        assert client.get("/value").status_code == 201
        answer = client.get("/itself")
        assert (answer.status_code, answer.headers["etag"]) == (304, '"a"')


@both_doors
def test_a_response_that_the_application_keeps(door: Any, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(b"0123456789")

    class Pieces:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

    file, stream = FileResponse(path), StreamingResponse(Pieces())
    app = FastAPI()
    app.add_api_route("/file", lambda: file)
    app.add_api_route("/stream", lambda: stream)
    with Client(app, door=door) as client:
        seen = [client.get("/file", headers={"range": wanted}) for wanted in ("bytes=2-3", "bytes=50-", "items=0")]
        assert [answer.status_code for answer in seen] == [206, 416, 400]
        for _ in range(2):
            answer = client.get("/file")
            assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"0123456789", "10")
            assert client.get("/stream").content == b"ab"
