"""Hostile paths, ranges and methods: rows 44 to 46 and 63 to 75 of the table in `test_faults.py`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import asteri
from fenrir import Fenrir, MethodView, bottle, fastapi, flask, sanic
from fenrir import request as native_request
from fenrir.sanic.views import HTTPMethodView
from fenrir.testing import Client

pytestmark = pytest.mark.timing


# ---------------------------------------------------------------------- 44 to 46: static files
@pytest.fixture
def files(tmp_path: Path) -> Iterator[Fenrir]:
    """Return an application that serves one folder in five ways, with a secret beside it."""
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"0123456789")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "public-sibling").mkdir()
    (tmp_path / "public-sibling" / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    app = Fenrir(__name__, static_folder=str(folder), static_url_path="/static")
    app.sanic.static("/sanic", folder, name="files")
    app.falcon.add_static_route("/falcon", folder)
    app.flask.route("/flask/<path:name>", endpoint="send")(lambda name: flask.send_from_directory(folder, name))
    app.bottle.route("/bottle/<name:path>", callback=lambda name: bottle.static_file(name, root=str(folder)))
    yield app


FOLDERS = ("/static", "/sanic", "/falcon", "/flask", "/bottle")
TRAVERSALS = (
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt",
    "/%252e%252e%252fsecret.txt",
    "/..%5csecret.txt",
    "/..%c0%afsecret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/../public-sibling/secret.txt",
    "/..%2fpublic-sibling%2fsecret.txt",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/a.txt%00.html",
    "/a.txt%00",
    "/C:/secret.txt",
    "/C:%5csecret.txt",
    "/%5c%5chost%5cshare",
    "/NUL",
    "/con.txt",
    "/./../secret.txt",
    "/a.txt/../../secret.txt",
    "/",
    "",
)


def raw(app: Fenrir, requests: list[bytes]) -> list[tuple[int, dict[str, str], bytes]]:
    """Send whole requests as bytes to a real server, and return the answers."""

    async def one(host: str, port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        return int(first.split(" ")[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body

    async def main() -> list[tuple[int, dict[str, str], bytes]]:
        async with asteri.serve(app, access_log=False) as server:
            return [await one(*server.address, request) for request in requests]

    return asyncio.run(main())


def get(path: str, host: str = "localhost", method: str = "GET") -> bytes:
    """Return a request as bytes."""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")


def test_paths_never_leave_the_folder(files: Fenrir) -> None:
    """Nothing outside of a folder is served, in whatever spelling, by any dialect."""
    paths = [folder + path for folder in FOLDERS for path in TRAVERSALS]
    answers = raw(files, [get(path) for path in [*paths, *(f"{folder}/a.txt" for folder in FOLDERS)]])
    for path, (status, _, body) in zip(paths, answers, strict=False):
        assert status in (400, 403, 404), (path, status)
        assert b"secret" not in body.replace(b"secret.txt", b"") and b"root:" not in body, path
    assert [(status, body) for status, _, body in answers[len(paths) :]] == [(200, b"0123456789")] * len(FOLDERS)


@pytest.mark.parametrize("folder", ["/static", "/sanic", "/flask"])
def test_links_out_of_the_folder(files: Fenrir, door: str, folder: str) -> None:
    """A link that leads out is not followed (but by Falcon's static routes and Bottle's static_file, as upstream)."""
    with Client(files, door=door) as client:
        response = client.get(f"{folder}/link.txt")
    assert response.status_code in (403, 404)
    assert "secret" not in response.text.replace("secret.txt", "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_ranges(files: Fenrir, door: str, folder: str) -> None:
    """Ranges are answered with a part, the whole or 416, never with more than the file, and quickly."""
    many = ",".join(["0-"] * 10_000)
    with Client(files, door=door) as client:
        whole = folder == "/sanic"  # as upstream, unless use_content_range is set
        part = client.get(f"{folder}/a.txt", headers={"range": "bytes=2-4"}).content
        assert part == (b"0123456789" if whole else b"234")
        begun = time.perf_counter()
        for value in (many, "9-2", "-99999999999999999999", "99-", "0-0,0-0,0-0", "a-b", "--1", "", "0-9" * 1000):
            response = client.get(f"{folder}/a.txt", headers={"range": f"bytes={value}"})
            assert response.status_code in (200, 206, 400, 416), (value[:20], response.status_code)
            assert len(response.content) < 2000, value[:20]
        assert time.perf_counter() - begun < 1


# ---------------------------------------------------------------------- 63, 65, 68, 74, 75: paths and methods
def test_slash_redirects_stay_here() -> None:
    """A redirect for a slash never leads to another host."""
    app = Fenrir(__name__, static_folder=None)
    app.get("/{name}/", name="native")(lambda name: "x")
    app.fastapi.get("/fast/{name:path}/", name="fast")(lambda name: "x")
    app.flask.get("/<path:name>/", endpoint="flask")(lambda name: "x")
    app.flask.get("/deep/<path:name>/", endpoint="deep")(lambda name: "x")
    app.sanic.get("/sanic/<name>/", name="sanic")(lambda request, name: sanic.text("x"))
    paths = (
        "//evil.com",
        "//evil.com/",
        "/%2fevil.com",
        "/%5cevil.com",
        "/\\evil.com",
        "///evil.com",
        "/fast//evil.com",
    )
    for path, (status, headers, _) in zip(paths, raw(app, [get(path) for path in paths]), strict=True):
        assert status < 500, path
        location = headers.get("location", "/")
        assert location.startswith("/") and not location.startswith(("//", "/\\")), (path, location)


def test_the_path_that_is_seen_is_the_path_that_was_routed(app: Fenrir) -> None:
    """No spelling of a host changes the path that handlers and hooks of any dialect see (CVE-2026-48710)."""
    app.middleware("http")(see_path)

    @app.get("/admin")
    def admin() -> Any:
        return [native_request.path, native_request.url.path, flask.request.path, bottle.request.path]

    hosts = ("localhost", "a", "localhost:1", "evil.com")
    for _, headers, body in raw(app, [get("/admin?x=/public", host) for host in hosts]):
        assert json.loads(body) == ["/admin"] * 4
        assert headers["x-path"] == "/admin"
    for status, _, _ in raw(app, [get("/admin", host) for host in ("a/public?", "a#", "a@b/", "a\\b")]):
        assert status in (200, 400)


async def see_path(request: fastapi.Request, call_next: Any) -> Any:
    """Note the path in the answer."""
    response = await call_next(request)
    response.headers["x-path"] = request.url.path
    return response


class Secrets:
    """What no request may call."""

    def helper(self) -> str:
        return "secret"

    def on_helper(self, req: Any, resp: Any) -> None:
        resp.text = "secret"


def test_only_verbs_reach_classes(app: Fenrir) -> None:
    """A method of the request calls a method of a class only if it is a verb, in its own spelling."""

    class Shelf(Secrets, MethodView):
        def get(self) -> str:
            return "get"

    class Desk(Secrets, HTTPMethodView):
        def get(self, request: Any) -> Any:
            return sanic.text("get")

    class Thing(Secrets):
        def on_get(self, req: Any, resp: Any) -> None:
            resp.text = "get"

    app.route("/flask")(Shelf)
    app.route("/sanic")(Desk)
    app.add_route("/falcon", Thing())
    app.get("/native")(lambda: "get")
    paths = ("/flask", "/sanic", "/falcon", "/native")
    methods = ("HELPER", "get", "Get", "ON_GET", "__INIT__", "DISPATCH_REQUEST", "HELPER_", "G")
    tried = [(path, method) for path in paths for method in methods]
    for one, (status, _, body) in zip(
        tried, raw(app, [get(*(path, "localhost", m)) for path, m in tried]), strict=True
    ):
        assert status in (400, 405, 501), (one, status)
        assert b"secret" not in body


def test_long_paths_are_cheap(app: Fenrir, door: str) -> None:
    """Ten thousand segments cost what reading them costs, also beside thousands of routes."""
    for number in range(1000):
        app.get(f"/r{number}/{{a}}/{{b:int}}/x{number}.{{ext}}", name=f"r{number}")(lambda a, b, ext: "x")
    app.flask.get("/<path:a>/end/<path:b>/end", endpoint="deep")(lambda a, b: "x")
    with Client(app, door=door) as client:
        client.get("/")
        begun = time.perf_counter()
        for path in ("/a" * 10_000, "/end" * 10_000 + "/no", "/r1/" * 10_000, "/r1/a/1/" + "x1." * 10_000):
            assert client.get(path).status_code in (200, 404, 414)
        assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("dialect", ["native", "fastapi", "flask", "falcon", "sanic", "bottle"])
def test_paths_are_decoded_once(dialect: str) -> None:
    """A value of the path is decoded once; what was encoded twice stays encoded."""
    app = Fenrir(__name__, static_folder=None)
    seen: list[str] = []

    class Resource:
        def on_get(self, req: Any, resp: Any, name: str) -> None:
            seen.append(name)

    def note(name: str) -> str:
        seen.append(name)
        return "x"

    def note_sanic(request: Any, name: str) -> Any:
        seen.append(name)
        return sanic.text("x")

    register: dict[str, Callable[[], Any]] = {
        "native": lambda: app.get("/v/{name}")(note),
        "fastapi": lambda: app.fastapi.get("/v/{name}")(note),
        "flask": lambda: app.flask.get("/v/<name>")(note),
        "falcon": lambda: app.add_route("/v/{name}", Resource()),
        "sanic": lambda: app.sanic.get("/v/<name>")(note_sanic),
        "bottle": lambda: app.bottle.get("/v/<name>", callback=note),
    }
    register[dialect]()
    paths = {"/v/a%252Fb": "a%2Fb", "/v/%2525": "%25", "/v/%C3%A9": "é", "/v/a+b": "a+b", "/v/a%00b": "a\0b"}
    answers = raw(app, [get(path) for path in paths])
    assert [status for status, _, _ in answers if status != 400] == [200] * len(seen)
    assert seen == [value for value, answer in zip(paths.values(), answers, strict=True) if answer[0] == 200]
    assert seen[:2] == ["a%2Fb", "%25"]
