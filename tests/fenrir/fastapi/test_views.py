"""Request and response classes, and declarations that are refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fenrir.core.declare import DeclarationError
from fenrir.fastapi import APIRouter, Depends, FastAPI, Request, Response
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, Package, compare, get, post

both_doors = pytest.mark.parametrize("door", DOORS)


def inspecting(p: Package) -> Any:
    app = p.main.FastAPI()

    @app.get("/look/{name:path}")
    async def look(request: p.main.Request, name: str) -> Any:
        url = request.url
        return {
            "method": request.method, "url": str(url), "path": url.path, "query": url.query,
            "base": str(request.base_url), "scheme": url.scheme, "host": url.hostname,
            "last": request.query_params.get("a"),
            "all": request.query_params.getlist("a"), "pairs": request.query_params.multi_items(),
            "header": request.headers.get("X-Thing"), "in": "x-thing" in request.headers,
            "many": request.headers.getlist("x-thing"), "cookies": request.cookies, "params": request.path_params,
            "scope": [request.scope["type"], request["path"], request["query_string"].decode()], "name": name,
        }  # fmt: skip

    @app.post("/json")
    async def as_json(request: p.main.Request) -> Any:
        return [await request.json(), len(await request.body())]

    @app.post("/stream")
    async def stream(request: p.main.Request) -> Any:
        return sum([len(piece) async for piece in request.stream()])

    @app.post("/form")
    async def form(request: p.main.Request) -> Any:
        async with request.form() as form:
            return [form.get("a"), form.getlist("a"), form.multi_items()]

    @app.get("/named/{n}", name="thing")
    async def named(n: int, request: p.main.Request) -> Any:
        return [str(request.url_for("thing", n=n)), str(app.url_path_for("thing", n=n))]

    return app


@both_doors
def test_a_request_looks_as_upstreams(door: str) -> None:
    requests = [
        get("/look/a%20b/c?a=1&a=2&b=%C3%A9", headers={"x-thing": "t", "cookie": "k=v; l=w"}),
        get("/look/x"),
        post("/json", json={"a": 1}),
        post("/stream", content=b"x" * 100_000),
        post("/stream"),
        post("/form", content=b"a=1&a=2&b=", headers={"content-type": "application/x-www-form-urlencoded"}),
        post("/form", content=b"a=1"),
        get("/named/3"),
    ]
    compare(inspecting, requests, door)


@both_doors
def test_files(door: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>")
    app = FastAPI()

    @app.get("/page")
    async def send_page() -> Any:
        return FileResponse(page, filename="é.html", headers={"x-a": "1"})

    @app.get("/typed", response_class=FileResponse)
    async def typed() -> Any:
        return str(page)

    @app.get("/lost")
    def lost() -> Any:
        return FileResponse(tmp_path / "nothing")

    with Client(app, door=door, raise_server_exceptions=False) as client:
        response = client.get("/page")
        assert (response.status_code, response.text) == (200, "<p>")
        assert response.headers.get("content-type") == "text/html; charset=utf-8"
        assert response.headers.get("content-disposition") == "attachment; filename*=utf-8''%C3%A9.html"
        assert client.get("/page", headers={"range": "bytes:1"}).text == "Malformed range header."
        assert client.get("/page", headers={"range": "bytes=1-1"}).text == "p"
        assert client.request("HEAD", "/page").status_code == 405
        assert client.get("/typed").text == "<p>"
        assert client.get("/lost").status_code == 500


def test_a_view_changes_its_reply() -> None:
    response = JSONResponse({"a": 1}, headers={"X-A": "1"})
    view = Response.over(response.__reply__())
    view.headers["x-a"] = "2"
    view.status_code = 404
    assert response.headers["X-A"] == "2" and response.status_code == 404 and view.body == b'{"a":1}'
    view.body = b"other"
    assert response.body == b"other"


def test_cookies_are_deleted_as_they_were_set() -> None:
    response = Response()
    response.set_cookie("a", "1", max_age=3, path="/x", secure=True)
    response.delete_cookie("a", path="/x")
    first, second = response.headers.getlist("set-cookie")
    assert "Max-Age=3" in first and "Secure" in first and "Path=/x" in second and "Max-Age=0" in second


def test_body_iterator_can_be_replaced() -> None:
    response = StreamingResponse(iter(["a"]))
    response.body_iterator = [b"b"]

    async def read() -> list[bytes]:
        return [piece async for piece in response.__reply__().stream]  # type: ignore[union-attr]

    assert asyncio.run(read()) == [b"b"]


@both_doors
def test_responses_are_asgi_applications(door: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            response = StreamingResponse(iter(["a", "b"])) if scope["path"].endswith("/s") else JSONResponse([1])
            await response(scope, receive, send)

    outer = FastAPI()
    outer.mount("/m", app)
    with Client(outer, door=door) as client:
        assert client.get("/m/s").text == "ab" and client.get("/m/j").json() == [1]


@both_doors
def test_connection_annotation_is_the_request(door: Any) -> None:
    app = FastAPI()

    def who(connection: HTTPConnection) -> str | None:
        return connection.client.host if connection.client else None

    @app.get("/")
    async def root(request: Request, host: str | None = Depends(who)) -> Any:
        return [host == (request.client.host if request.client else None), await request.is_disconnected()]

    with Client(app, door=door) as client:
        assert client.get("/").json() == [True, False]


@pytest.mark.parametrize(
    "error, declare",
    [
        (TypeError, lambda app: app.get("/", response_modle=int)),
        (TypeError, lambda app: APIRouter(prefx="/x")),  # type: ignore[call-arg]
        (TypeError, lambda app: app.include_router(APIRouter(), perfix="/x")),
        (DeclarationError, lambda app: APIRouter(prefix="x")),
        (DeclarationError, lambda app: APIRouter(prefix="/x/")),
        (DeclarationError, lambda app: app.get("/", status_code=204, response_model=int)(lambda: 1)),
        (DeclarationError, lambda app: app.middleware("https")),
        (DeclarationError, lambda app: app.add_event_handler("start", lambda: 1)),
        (DeclarationError, lambda app: app.get("/")(3)),
    ],
)
def test_mistakes_are_refused_at_registration(error: type[Exception], declare: Any) -> None:
    with pytest.raises(error):
        declare(FastAPI())


def test_a_router_can_not_contain_itself() -> None:
    outer, inner = APIRouter(), APIRouter()
    outer.include_router(inner)
    with pytest.raises(DeclarationError):
        inner.include_router(outer)
    with pytest.raises(DeclarationError):
        outer.include_router(outer)
