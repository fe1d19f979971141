"""Applications: lifespans, static files, templates, WebSockets; compared with the original."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from .twins import BOTH, OURS, seen


def test_lifespans() -> None:
    for t in BOTH:
        log: list[str] = []

        @asynccontextmanager
        async def lifespan(app: Any, log: list[str] = log) -> AsyncIterator[dict[str, int]]:
            log.append("up")
            yield {"answer": 42}
            log.append("down")

        def answer(request: Any, t: Any = t) -> Any:
            return t.PlainTextResponse(str(request.state.answer))

        app = t.Starlette(lifespan=lifespan, routes=[t.Route("/", answer)])
        with t.TestClient(app) as client:
            assert client.get("/").text == "42"
        assert log == ["up", "down"]


def test_a_lifespan_that_fails_says_so_and_raises() -> None:
    def make(t: Any, at: str) -> Any:
        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            if at == "startup":
                raise ValueError(at)
            yield
            raise ValueError(at)

        return t.Starlette(lifespan=lifespan)

    for t in BOTH:
        for at in ("startup", "shutdown"):
            with pytest.raises(ValueError, match=at), t.TestClient(make(t, at)):
                pass


def test_old_forms_of_lifespans_are_warned_of_where_they_are() -> None:
    def generator(app: Any) -> Iterator[None]:
        yield

    with pytest.warns(UserWarning, match="generator function lifespans are deprecated") as warned:
        app = OURS.Starlette(lifespan=generator)
    assert warned[0].filename == __file__
    with OURS.TestClient(app):
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site" / "sub").mkdir(parents=True)
    for name in ("a.txt", "index.html", "404.html", "sub/index.html", "sub/b c.css"):
        file = tmp_path / "site" / name
        file.write_text(f"<p>{name}</p>")
        os.utime(file, (1_600_000_000, 1_600_000_000))
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "site" / "link").symlink_to(tmp_path / "secret")
    return tmp_path / "site"


@pytest.mark.parametrize("html", [False, True])
def test_static_files(folder: Path, html: bool) -> None:
    def make(t: Any) -> Any:
        files = t.StaticFiles(directory=folder, html=html)
        return t.Starlette(routes=[t.Mount("/s", app=files, name="s")])

    tag = OURS.TestClient(make(OURS)).get("/s/a.txt").headers["etag"]
    paths = ["/", "/a.txt", "/sub", "/sub/", "/sub/b%20c.css", "/nope", "/link", "/../secret", "/%2e%2e/secret"]
    paths += ["/a.txt/x", "/%00", "//a.txt", "/" + "n" * 300]
    requests = [(method, f"/s{path}", {}) for path in paths for method in ("GET", "HEAD", "POST")]
    requests += [
        ("GET", "/s/a.txt", {"headers": {name: value}})
        for name, value in [
            ("if-none-match", tag),
            ("if-none-match", f'W/{tag}, "x"'),
            ("if-none-match", "*"),
            ("if-none-match", '"x"'),
            ("if-modified-since", "Sun, 13 Sep 2020 12:26:40 GMT"),
            ("if-modified-since", "Sun, 13 Sep 2020 12:26:39 GMT"),
            ("if-modified-since", "soon"),
            ("if-match", '"x"'),
            ("range", "bytes=0-2"),
        ]
    ]
    ours, theirs = seen(make, *requests, raise_server_exceptions=False)
    assert ours == theirs


def test_static_files_are_checked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = []
    for t in BOTH:
        with pytest.raises(RuntimeError) as missing:
            t.StaticFiles(directory=tmp_path / "no")
        with pytest.raises(AssertionError) as package:
            t.StaticFiles(packages=["no_such_package"])
        told.append([str(missing.value), str(package.value)])
        for name in ("no", "file"):
            client = t.TestClient(t.StaticFiles(directory=tmp_path / name, check_dir=False))
            with pytest.raises(RuntimeError) as late:
                client.get("/x")
            told[-1].append(str(late.value))
    assert told[0] == told[1]


def test_templates(tmp_path: Path) -> None:
    page = "{{ url_for('page', name='a b') }} {{ text }} {{ extra }} {{ request.url.path }}"
    (tmp_path / "page.html").write_text(page)

    def make(t: Any) -> Any:
        templates = t.Jinja2Templates(tmp_path, context_processors=[lambda request: {"extra": "<e>"}])

        async def page(request: Any) -> Any:
            return templates.TemplateResponse(request, "page.html", {"text": "<b>"}, 201, {"x": "y"}, "text/html")

        return t.Starlette(routes=[t.Route("/{name}", page, name="page")])

    ours, theirs = seen(make, ("GET", "/x"))
    assert ours == theirs and b"&lt;b&gt;" in ours[0][4]
    answer: Any = OURS.TestClient(make(OURS)).get("/x")
    assert answer.template.name == "page.html" and answer.context["text"] == "<b>"


def test_websockets_end_alike() -> None:
    def make(t: Any) -> Any:
        async def echo(websocket: Any) -> None:
            await websocket.accept(subprotocol="p", headers=[(b"x", b"y")])
            async for text in websocket.iter_text():
                await websocket.send_text(text)

        async def refuse(websocket: Any) -> None:
            raise t.WebSocketException(4001, "no")

        return t.Starlette(routes=[t.WebSocketRoute("/echo", echo), t.WebSocketRoute("/refuse", refuse)])

    for t in BOTH:
        client = t.TestClient(make(t))
        with client.websocket_connect("/echo", subprotocols=["p"]) as session:
            session.send_text("a")
            assert session.receive_text() == "a"
            assert (session.accepted_subprotocol, session.extra_headers) == ("p", [(b"x", b"y")])
        for path, code in (("/refuse", 4001), ("/nowhere", 1000)):
            with pytest.raises(t.WebSocketDisconnect) as refused, client.websocket_connect(path):
                pass
            assert refused.value.code == code
