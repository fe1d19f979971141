"""What an application says of itself: the document on demand, its pages, and the functions behind them."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fenrir.kit.openapi.bundles as bundles
from fenrir.fastapi import APIRouter, FastAPI
from fenrir.fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fenrir.fastapi.openapi.utils import get_openapi
from fenrir.testing import Client

EVIL = "</script></title><script>alert('1')</script>\"'&"
DOORS = ("direct", "asgi")


def text_of(response: Any) -> str:
    return bytes(response.body).decode()


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in bundles._CDN_FILES:
        (tmp_path / name).write_text(f"/* {name} */")
    (tmp_path / "version.json").write_text("{}")
    monkeypatch.setattr(bundles.local_assets, "__defaults__", (tmp_path,))
    return tmp_path


@pytest.fixture
def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles.local_assets, "__defaults__", (tmp_path / "nothing",))


def shop(**options: Any) -> FastAPI:
    app = FastAPI(title="Shop", **options)

    @app.get("/items/{item}")
    def read(item: int) -> int:
        return item

    return app


def test_the_document_is_made_when_it_is_asked_for() -> None:
    code = (
        "import sys, fenrir.fastapi as f\n"
        "app = f.FastAPI()\n"
        "@app.get('/')\n"
        "def read(q: int) -> int: ...\n"
        "app.engine.frozen\n"
        "late = ('fenrir.fastapi.openapi.models', 'fenrir.kit.openapi.compose', 'fenrir.kit.openapi.ui')\n"
        "assert not [name for name in late if name in sys.modules]\n"
        "assert list(app.openapi()['paths']) == ['/']\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_the_document_is_kept_until_routes_change() -> None:
    app = shop()
    made = app.openapi()
    assert app.openapi() is made

    @app.get("/late")
    def late() -> int: ...

    assert list(app.openapi()["paths"]) == ["/items/{item}", "/late"]


def test_attributes_of_routes_count_when_the_document_is_made() -> None:
    app = shop()
    for route in app.routes:
        if hasattr(route, "operation_id"):
            route.operation_id = route.name
            route.tags.append("late")
    operation = app.openapi()["paths"]["/items/{item}"]["get"]
    assert (operation["operationId"], operation["tags"]) == ("read", ["late"])


def test_a_document_of_a_router() -> None:
    router = APIRouter(prefix="/part")

    @router.get("/a")
    def a() -> int: ...

    document = get_openapi(title="Part", version="1", routes=router.routes)
    assert document["info"] == {"title": "Part", "version": "1"}
    assert list(document["paths"]) == ["/part/a"]


def test_an_operation_id_that_is_given_twice_is_warned_of() -> None:
    app = FastAPI()

    @app.get("/a", operation_id="same")
    def first() -> None: ...

    @app.get("/b", operation_id="same")
    def second() -> None: ...

    with pytest.warns(UserWarning, match=r"Duplicate Operation ID same for function second at .*test_documentation"):
        app.openapi()


@pytest.mark.parametrize("door", DOORS)
def test_pages_load_local_files_and_allow_no_other_script(local: Path, door: Any) -> None:
    with Client(shop(), door=door) as client:
        for path, package in (("/docs", "swagger-ui-dist@5"), ("/redoc", "redoc@2")):
            page = client.get(path)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert "https:" not in page.text
            urls = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
            assert urls and all(package in url for url in urls)
            for url in urls:
                assert client.get(url).text == f"/* {url.rpartition('/')[2]} */"
            policy = page.headers["content-security-policy"]
            for script in re.findall(r"<script>(.+?)</script>", page.text, re.DOTALL):
                digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy
        assert "unsafe-inline" not in next(part for part in policy.split(";") if "script-src" in part)


@pytest.mark.parametrize("door", DOORS)
def test_without_local_files_pages_are_upstreams(absent: None, door: Any) -> None:
    with Client(shop(), door=door) as client:
        assert "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js" in client.get("/docs").text
        assert "https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js" in client.get("/redoc").text
        assert "window.opener.swaggerUIRedirectOauth2" in client.get("/docs/oauth2-redirect").text


def test_pages_follow_the_root_path(local: Path) -> None:
    app = shop(servers=[{"url": "https://shop.example"}])

    async def below(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": "/api", "path": "/api" + scope["path"]}
        await app(scope, receive, send)

    with Client(below, door="asgi") as client:
        page = client.get("/docs").text
        assert "url: '/api/openapi.json'" in page
        assert "window.location.origin + '/api/docs/oauth2-redirect'" in page
        assert set(re.findall(r'(?:src|href)="(/\w+)/', page)) == {"/api"}
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/api"}, {"url": "https://shop.example"}]
    with Client(app) as client:
        assert client.get("/openapi.json").json()["servers"] == [{"url": "https://shop.example"}]


def test_attributes_of_the_application_count_when_a_page_is_asked_for(absent: None) -> None:
    app = shop()
    app.title = "Other"
    app.swagger_ui_parameters = {"filter": True}
    with Client(app) as client:
        page = client.get("/docs").text
    assert "<title>Other - Swagger UI</title>" in page
    assert '"filter": true,' in page


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"openapi_url": None}, ["/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect"]),
        ({"openapi_url": ""}, ["/openapi.json", "/docs", "/redoc"]),
        ({"docs_url": None}, ["/docs", "/docs/oauth2-redirect"]),
        ({"redoc_url": None}, ["/redoc"]),
        ({"swagger_ui_oauth2_redirect_url": None}, ["/docs/oauth2-redirect"]),
    ],
)
def test_documentation_can_be_switched_off(absent: None, options: Any, gone: list[str]) -> None:
    with Client(shop(**options)) as client:
        assert [client.get(path).status_code for path in gone] == [404] * len(gone)
        assert client.get("/items/1").json() == 1


def test_nothing_that_is_given_becomes_markup_or_script() -> None:
    page = text_of(
        get_swagger_ui_html(
            openapi_url=EVIL,
            title=EVIL,
            swagger_js_url=EVIL,
            swagger_css_url=EVIL,
            swagger_favicon_url=EVIL,
            oauth2_redirect_url=EVIL,
            init_oauth={"clientId": EVIL, EVIL: 1},
            swagger_ui_parameters={"filter": EVIL, EVIL: 1},
        )
    )
    redoc = text_of(get_redoc_html(openapi_url=EVIL, title=EVIL, redoc_js_url=EVIL, redoc_favicon_url=EVIL))
    for text, scripts in ((page, 2), (redoc, 1)):
        assert text.count("<script") == text.count("</script>") == scripts
        assert "alert('1')<" not in text
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    rest = re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', "", script)
    assert "'" not in rest and '"' not in rest  # every quote has its partner: nothing ends a literal early
    assert json.dumps(EVIL)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") in script


def test_public_functions_take_what_upstreams_take() -> None:
    import inspect

    for module, names in {
        "openapi.docs": ("get_swagger_ui_html", "get_redoc_html", "get_swagger_ui_oauth2_redirect_html"),
        "openapi.utils": ("get_openapi",),
    }.items():
        for name in names:
            theirs, ours = (
                inspect.signature(getattr(importlib.import_module(f"{package}.{module}"), name)).parameters
                for package in ("fastapi", "fenrir.fastapi")
            )
            assert list(ours) == list(theirs)
            assert [item.default for item in ours.values()] == [item.default for item in theirs.values()]
    assert "swaggerUIRedirectOauth2" in text_of(get_swagger_ui_oauth2_redirect_html())


def test_models_have_upstreams_fields_in_upstreams_order() -> None:
    from pydantic import BaseModel

    theirs = importlib.import_module("fastapi.openapi.models")
    ours = importlib.import_module("fenrir.fastapi.openapi.models")
    models = {
        name
        for name, value in vars(theirs).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == theirs.__name__
    }
    assert len(models) > 30
    for name in models:
        expected, actual = getattr(theirs, name).model_fields, getattr(ours, name).model_fields
        assert [(field, info.alias, info.default) for field, info in actual.items()] == [
            (
                field,
                info.alias,
                getattr(ours, type(info.default).__name__)(info.default.value)
                if type(info.default).__module__ == theirs.__name__
                else info.default,
            )
            for field, info in expected.items()
        ], name
