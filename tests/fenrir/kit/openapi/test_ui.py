"""The pages and the document as they are served, through both doors, with and without local files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fenrir import Fenrir
from fenrir.core.application import Application
from fenrir.fastapi import FastAPI, Security
from fenrir.fastapi.security import OAuth2PasswordBearer
from fenrir.kit.openapi import DocsOptions, install_docs
from fenrir.testing import Client
from tests.fenrir.kit.openapi.plain import add, plain_app

NAMES = ("swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css", "redoc.standalone.js")
EVIL = "</title></script><script>alert(1)</script>\"'{}"
Open = Callable[..., Client]


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "title":
            self.title += data
        assert self.inside != "script" or not data.strip(), "an inline script"

    def loaded(self) -> list[str]:
        return [str(attrs.get("src") or attrs.get("href")) for tag, attrs in self.tags if tag in ("script", "link")]

    def data(self, identifier: str) -> dict[str, str | None]:
        return next(attrs for _, attrs in self.tags if attrs.get("id") == identifier)


@pytest.fixture(params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(f"/* {name} */")
    (tmp_path / "version.json").write_text(json.dumps({"versions": {}}))
    return tmp_path


@pytest.fixture
def absent(tmp_path: Path) -> Path:
    return tmp_path / "nothing"


def documented(assets: Path, **options: Any) -> Application:
    engine = plain_app()
    add(engine, "/a")
    install_docs(engine, DocsOptions(**options), assets=assets)
    return engine


def policy_of(response: Any) -> Mapping[str, list[str]]:
    directives = (part.split() for part in response.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in directives}


def test_the_document_is_json_and_follows_the_application(absent: Path, door: Any) -> None:
    engine = documented(absent, title="T")
    with Client(engine, door=door) as client:
        first = client.get("/openapi.json")
        assert first.headers["content-type"] == "application/json"
        assert list(first.json()["paths"]) == ["/a"]
        add(engine, "/late", name="late")
        assert list(client.get("/openapi.json").json()["paths"]) == ["/a", "/late"]


def test_local_pages_load_from_here_and_nowhere_else(local: Path, door: Any) -> None:
    with Client(documented(local), door=door) as client:
        for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
            response = client.get(path)
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            policy = policy_of(response)
            assert policy["default-src"] == ["'self'"]
            assert policy["script-src"] == ["'self'"]
            assert policy["connect-src"] == ["'self'"]
            assert policy["style-src"][1:] == (["'unsafe-inline'"] if path == "/redoc" else [])
            urls = [url for url in Page(response.text).loaded() if url != "data:,"]
            assert urls
            for url in urls:
                assert re.match(r"/(docs|redoc)/assets/[0-9a-f]+-[0-9a-f]+/[\w.-]+$", url)
                got = client.get(url)
                assert got.status_code == 200
                assert "immutable" in got.headers["cache-control"]
                assert got.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert "blob:" in policy_of(client.get("/redoc"))["worker-src"]


def test_a_changed_file_has_another_address(local: Path) -> None:
    def address() -> str:
        with Client(documented(local)) as client:
            return Page(client.get("/docs").text).loaded()[1]

    before = address()
    assert address() == before
    (local / "version.json").write_text(json.dumps({"versions": {"swagger-ui": "6"}}))
    assert address() != before


def test_without_local_files_pages_load_pinned_versions_from_the_cdn(absent: Path, door: Any) -> None:
    with Client(documented(absent), door=door) as client:
        for path in ("/docs", "/redoc"):
            response = client.get(path)
            assert policy_of(response)["script-src"] == ["'self'", "https://cdn.jsdelivr.net"]
            remote = [url for url in Page(response.text).loaded() if url.startswith("https:")]
            assert remote
            assert all(re.match(r"https://cdn\.jsdelivr\.net/npm/[\w-]+@\d+\.\d+\.\d+/", url) for url in remote)
            ours = [url for url in Page(response.text).loaded() if url.startswith("/")]
            assert all(client.get(url).status_code == 200 for url in ours)


def test_an_incomplete_folder_counts_as_absent(local: Path) -> None:
    (local / "redoc.standalone.js").unlink()
    with Client(documented(local)) as client:
        assert "cdn.jsdelivr.net" in client.get("/docs").text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_nothing_that_the_application_says_becomes_markup(local: Path, path: str) -> None:
    engine = documented(
        local,
        title=EVIL,
        swagger_ui_parameters={"filter": EVIL, EVIL: 1},
        swagger_ui_init_oauth={"clientId": EVIL},
        description=EVIL,
    )
    with Client(engine) as client:
        text = client.get(path).text
    page = Page(text)
    assert "alert(1)<" not in text
    assert {tag for tag, _ in page.tags} <= {
        "html",
        "head",
        "meta",
        "title",
        "link",
        "body",
        "div",
        "script",
        "noscript",
    }
    if path != "/docs/oauth2-redirect":
        assert page.title.startswith(EVIL)


def test_settings_of_swagger_ui(local: Path) -> None:
    engine = documented(
        local,
        swagger_ui_parameters={"filter": True, "layout": "StandaloneLayout"},
        swagger_ui_init_oauth={"clientId": "me"},
        servers=[{"url": "https://api.example:444/v1"}, {"url": "/v2"}],
    )
    with Client(engine) as client:
        response = client.get("/docs")
        page = Page(response.text)
        preset = next(url for url in page.loaded() if "standalone-preset" in url)
        assert client.get(preset).status_code == 200
    data = page.data("swagger-ui")
    settings = json.loads(data["data-settings"] or "")
    assert settings["validatorUrl"] is None
    assert (settings["filter"], settings["url"], settings["deepLinking"]) == (True, "/openapi.json", True)
    assert json.loads(data["data-oauth"] or "") == {"clientId": "me"}
    assert policy_of(response)["connect-src"] == ["'self'", "https://api.example:444"]


def test_below_a_root_path(local: Path) -> None:
    engine = documented(local, servers=[{"url": "https://a.example"}])

    async def below(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": "/api", "path": "/api" + scope["path"]}
        await engine(scope, receive, send)

    with Client(below, door="asgi") as client:
        page = Page(client.get("/docs").text)
        assert all(url.startswith("/api/docs/assets/") for url in page.loaded() if url != "data:,")
        assert json.loads(page.data("swagger-ui")["data-settings"] or "")["url"] == "/api/openapi.json"
        assert page.data("swagger-ui")["data-redirect"] == "/api/docs/oauth2-redirect"
        assert Page(client.get("/redoc").text).data("redoc")["data-url"] == "/api/openapi.json"
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/api"}, {"url": "https://a.example"}]
    with Client(engine) as client:
        assert client.get("/openapi.json").json()["servers"] == [{"url": "https://a.example"}]


@pytest.mark.parametrize(
    ("options", "there", "gone"),
    [
        ({"openapi_url": None}, [], ["/openapi.json", "/docs", "/redoc"]),
        ({"docs_url": None}, ["/openapi.json", "/redoc"], ["/docs", "/docs/oauth2-redirect"]),
        ({"redoc_url": None, "docs_url": "/help/"}, ["/help/", "/docs/oauth2-redirect"], ["/redoc", "/docs"]),
        ({"swagger_ui_oauth2_redirect_url": None}, ["/docs"], ["/docs/oauth2-redirect"]),
    ],
)
def test_addresses_can_be_changed_and_switched_off(
    absent: Path, options: Any, there: list[str], gone: list[str]
) -> None:
    with Client(documented(absent, **options)) as client:
        assert [client.get(path).status_code for path in there] == [200] * len(there)
        assert [client.get(path).status_code for path in gone] == [404] * len(gone)


def test_head_and_conditions_of_local_files(local: Path, door: Any) -> None:
    with Client(documented(local), door=door) as client:
        address = Page(client.get("/docs").text).loaded()[1]
        got = client.get(address)
        assert client.get(address, headers={"if-none-match": got.headers["etag"]}).status_code == 304
        assert client.head(address).content == b""


def test_a_fastapi_application_serves_its_documentation(door: Any) -> None:
    app = FastAPI(title="Shop")

    @app.get("/a")
    def a() -> int: ...

    with Client(app, door=door) as client:
        assert client.get("/openapi.json").json()["info"]["title"] == "Shop"
        assert "<title>Shop - Swagger UI</title>" in client.get("/docs").text
        app.openapi = lambda: {"openapi": "3.1.0", "paths": {}}  # type: ignore[method-assign]
        assert client.get("/openapi.json").json() == {"openapi": "3.1.0", "paths": {}}


def test_tokens_may_come_from_another_host(local: Path) -> None:
    app = Fenrir(__name__)
    scheme = OAuth2PasswordBearer("https://login.example/token", refreshUrl="https://again.example/")

    @app.fastapi.get("/a")
    def a(token: str = Security(scheme)) -> int: ...

    install_docs(app.engine, DocsOptions(openapi_url="/o.json", docs_url="/d", redoc_url=None), assets=local)
    with Client(app) as client:
        policy = policy_of(client.get("/d"))
    assert policy["connect-src"] == ["'self'", "https://login.example", "https://again.example"]
