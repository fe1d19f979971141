"""docs/migration: one Flask application (examples/blog) brought over in three steps, with one cookie throughout.

Each step is a process of its own, over the same database, and the reader never logs in again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.demo import PATIENCE, ROOT

pytestmark = pytest.mark.slow

BLOG = ROOT / "examples" / "blog"
STEPS = {
    "as it was": ["flask", "--app", "wsgi", "run", "--port", "PORT"],
    "mounted": ["fenrir", "run", "mounted:app", "--port", "PORT"],
    "adopted": ["fenrir", "run", "--adopt", "flask", "wsgi:app", "--port", "PORT"],
    "grown": ["fenrir", "run", "grown:app", "--port", "PORT"],
    "beside": ["fenrir", "run", "beside:app", "--port", "PORT"],
}

Serve = Callable[[str], AbstractContextManager[str]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @contextmanager
    def step(name: str) -> Iterator[str]:
        """Serve a step over the one database, and give its address."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environ = os.environ | {
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BLOG_DATABASE": str(tmp_path / "blog.db"),
            "BLOG_SECRET": "one key for every step",
        }
        command = [sys.executable, "-m", *(word.replace("PORT", str(port)) for word in STEPS[name])]
        log = tmp_path / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=BLOG, env=environ, stdout=output, stderr=output)
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < until and process.poll() is None, log.read_text()
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
            assert "Traceback" not in log.read_text(), log.read_text()
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    return step


def write(client: httpx.Client, address: str, title: str) -> None:
    answer = client.post(f"{address}/write", data={"title": title, "body": "text"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/"), answer.text


def titles(client: httpx.Client, address: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", client.get(f"{address}/").text)


def pages(client: httpx.Client, address: str) -> list[Any]:
    """Return what the old pages say, as far as it must not change."""
    seen: list[Any] = []
    for method, path in [
        ("GET", "/"),
        ("GET", "/write"),
        ("GET", "/1"),
        ("GET", "/99"),
        ("GET", "/x"),
        ("POST", "/accounts/login"),
        ("PUT", "/write"),
        ("HEAD", "/"),
        ("GET", "/static/style.css"),
        ("GET", "/static/nothing.css"),
    ]:
        answer = client.request(method, f"{address}{path}")
        vary = sorted(answer.headers.get("vary", "").replace(" ", "").split(","))
        kept = {name: answer.headers.get(name) for name in ("content-type", "content-length", "location")}
        seen.append((method, path, answer.status_code, kept, vary, answer.text))
    return seen


def unchanged(now: list[Any], before: list[Any]) -> None:
    for mine, theirs in zip(now, before, strict=True):
        assert mine == theirs


def test_step_by_step(serve: Serve) -> None:
    with httpx.Client(timeout=PATIENCE) as reader:
        with serve("as it was") as address:
            form = {"name": "ada", "password": "lovelace"}
            reader.post(f"{address}/accounts/register", data=form)
            assert reader.post(f"{address}/accounts/login?next=/write", data=form).headers["location"] == "/write"
            write(reader, address, "Zero")
            as_it_was = pages(reader, address)
            assert "ada" in as_it_was[0][-1]
        cookie = reader.cookies["session"]

        with serve("mounted") as address:
            unchanged(pages(reader, address), as_it_was)
            assert reader.get(f"{address}/api/me").json() == {"account": 1}
            assert reader.get(f"{address}/api/version").json() == {"version": "development"}
            write(reader, address, "One")

        with serve("adopted") as address:
            assert titles(reader, address) == ["One", "Zero"]
            assert reader.post(f"{address}/2/remove").status_code == 302
            unchanged(pages(reader, address), as_it_was)
            write(reader, address, "Two")

        with serve("beside") as address, connect(f"ws{address.removeprefix('http')}/api/live") as live:
            assert titles(reader, address) == ["Two", "Zero"]
            assert reader.get(f"{address}/api/me").json() == {"account": 1}
            made = reader.post(f"{address}/api/posts", json={"title": "Three"})
            assert made.status_code == 201
            assert json.loads(live.recv(PATIENCE)) == made.json()
            refused = reader.post(f"{address}/api/posts", json={"title": ""})
            assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "title"])
            assert [post["title"] for post in reader.get(f"{address}/api/posts?limit=2").json()] == ["Three", "Two"]
            assert httpx.post(f"{address}/api/posts", json={"title": "Nobody's"}).status_code == 401
            assert reader.get(f"{address}/api/health").json() == {"status": "ok"}
            assert set(reader.get(f"{address}/openapi.json").json()["paths"]) >= {"/api/posts", "/api/me"}
            assert reader.cookies["session"] == cookie

        with serve("as it was") as address:  # and back, if need be
            assert titles(reader, address) == ["Three", "Two", "Zero"]
            assert reader.post(f"{address}/accounts/logout").status_code == 302
            assert "session" not in reader.cookies


def test_the_adopted_application_grows(serve: Serve) -> None:
    """One file, one application: a typed API with its document and a WebSocket among the old pages."""
    with httpx.Client(timeout=PATIENCE) as reader, serve("as it was") as address:
        form = {"name": "ada", "password": "lovelace"}
        reader.post(f"{address}/accounts/register", data=form)
        reader.post(f"{address}/accounts/login", data=form)
        write(reader, address, "Zero")
        as_it_was = pages(reader, address)

        with serve("grown") as grown:
            unchanged(pages(reader, grown), as_it_was)
            made = reader.post(f"{grown}/api/posts", json={"title": "One", "body": "a b a"})
            assert (made.status_code, made.json()) == (201, {"title": "One", "body": "a b a", "id": 2, "author": "ada"})
            refused = reader.post(f"{grown}/api/posts", json={"title": ""})
            assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "title"])
            assert httpx.post(f"{grown}/api/posts", json={"title": "Nobody's"}).status_code == 401
            assert [post["title"] for post in reader.get(f"{grown}/api/posts?limit=1").json()] == ["One"]
            assert reader.get(f"{grown}/api/posts?limit=0").status_code == 422
            assert reader.get(f"{grown}/api/posts/2/words?wanted=a").json() == {"a": 2}
            assert titles(reader, grown) == ["One", "Zero"]
            document = reader.get(f"{grown}/openapi.json").json()
            assert document["paths"]["/api/posts"]["post"]["requestBody"]["content"]["application/json"]
            assert "/write" in document["paths"]
            assert "/api/posts/{number}/live" in reader.get(f"{grown}/asyncapi.json").text
            assert reader.get(f"{grown}/docs").headers["content-type"] == "text/html; charset=utf-8"
            with connect(f"ws{grown.removeprefix('http')}/api/posts/2/live") as live:
                live.send("three little words")
                assert json.loads(live.recv(PATIENCE)) == {"post": 2, "words": 3}
        assert titles(reader, address) == ["One", "Zero"]
