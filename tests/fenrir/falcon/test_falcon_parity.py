"""The same application on upstream's falcon and on ours answers the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon as upstream
import falcon.testing
import pytest

import fenrir.falcon
from fenrir.testing import Client
from tests.fenrir.falcon.common_app import build

Request = tuple[str, str, dict[str, str], bytes]


def get(path: str, **headers: str) -> Request:
    return "GET", path, {name.replace("_", "-"): value for name, value in headers.items()}, b""


def send(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Request:
    return method, path, {"content-type": kind} if body else {}, body


REQUESTS: list[Request] = [
    get("/"),
    get("/?a=1&a=2&b=&c=%C3%BC+x"),
    get("/things"),
    get("/things/"),
    get("/things/7"),
    get("/things/7/"),
    get("/things/caf%C3%A9"),
    get("/things/a%2Fb"),
    get("/things/replace"),
    get("/things/7/parts/12"),
    get("/things/7/parts/09"),
    get("/things/7/parts/123"),
    get("/things/7/at/2024-05.json"),
    get("/things/7/at/2024-13.json"),
    get("/files/a.b.txt"),
    get("/files/fixed.txt"),
    get("/files/plain"),
    get("/floats/4.5"),
    get("/floats/6"),
    get("/floats/inf"),
    get("/uuids/12345678123456781234567812345678"),
    get("/uuids/x"),
    get("/tail/"),
    get("/tail/a//b/"),
    get("/tail"),
    get("/slash"),
    get("/slash/"),
    get("/nowhere"),
    get("/nowhere", accept="application/xml"),
    get("/nowhere", accept="image/png"),
    get("/nowhere", accept="application/vnd.x+json"),
    send("POST", "/", b'{"a": [1, null]}'),
    send("POST", "/", b"{"),
    send("POST", "/", b""),
    send("POST", "/", b"x", "text/odd"),
    send("POST", "/", b"a=1&b=2&b=3", "application/x-www-form-urlencoded"),
    send("PUT", "/", b"raw \xc3\xbc", "text/plain"),
    send("LOCK", "/"),
    send("DELETE", "/"),
    send("HEAD", "/"),
    send("OPTIONS", "/"),
    send("OPTIONS", "/things"),
    send("QUERY", "/"),
    send("HELPER", "/"),
    send("HELPER", "/nowhere"),
    get("/hooked/1"),
    get("/hooked/swap"),
    send("POST", "/hooked/1"),
    send("DELETE", "/hooked/1"),
    send("PATCH", "/hooked/1"),
    get("/params/int"),
    get("/params/int?a=5"),
    get("/params/int?a=0"),
    get("/params/int?a=10"),
    get("/params/int?a=x"),
    get("/params/float"),
    get("/params/float?a=1e3"),
    get("/params/uuid?a=nope"),
    get("/params/uuid?a=12345678123456781234567812345678"),
    get("/params/bool?a=on"),
    get("/params/bool?a="),
    get("/params/bool?a=maybe"),
    get("/params/list?a=1&a=2"),
    get("/params/list?a=1&a=b"),
    get("/params/split?a=1,2"),
    get("/params/datetime?a=2024-05-06T07:08:09%2B00:00"),
    get("/params/datetime?a=2024"),
    get("/params/date?a=2024-05-06"),
    get("/params/json?a=%7B%22x%22:1%7D"),
    get("/params/json?a=%7B"),
    get("/params/dict?a=x,1,y,2"),
    get("/params/dict?a=x,1,y"),
    get("/params/deep?a[x]=1&a[y]=2"),
    get("/params/one?a=1&a=2"),
    get("/params/one"),
    get("/params/must"),
    get("/params/has?a"),
    get("/params/has?a="),
    get("/params/header"),
    get("/params/header", x_int="12"),
    get("/params/header", x_int="y"),
    get("/params/when", if_modified_since="Mon, 06 May 2024 07:08:09 GMT"),
    get("/params/when", if_modified_since="yesterday"),
    get("/params/range", range="bytes=1-5"),
    get("/params/range", range="bytes=-5"),
    get("/params/range", range="bytes=5-"),
    get("/params/range", range="bytes=5-1"),
    get("/params/range", range="bytes=-"),
    get("/params/range", range="bytes=1-2,4-5"),
    get("/params/range", range="5"),
    get("/params/etags", if_none_match='"a", W/"b"'),
    get("/params/etags", if_none_match="*"),
    get("/params/cookies", cookie="a=1; b=2; a=3"),
    get("/params/accepts"),
    get("/params/accepts", accept="text/*;q=0.5, application/json"),
    get("/params/prefers", accept="text/html, application/json;q=0.9"),
    get("/params/prefers", accept="image/*"),
    get("/params/uri?x=1&y=%20", host="api.example.com:8080"),
    get("/params/forwarded", host="h", x_forwarded_proto="HTTPS", x_forwarded_for="1.1.1.1, 2.2.2.2"),
    get("/params/forwarded", host="h", forwarded="for=1.2.3.4;host=out.example;proto=https, for=5.6.7.8"),
    get("/params/forwarded", host="h", x_forwarded_host="p", x_real_ip="3.3.3.3"),
    get("/params/context", authorization="Basic x", last_event_id="9"),
    *(get(f"/answers/{kind}") for kind in (
        "empty", "none", "unchanged", "headers", "stream", "file", "text_wins", "teapot", "found", "moved", "error",
        "odd", "key", "index", "own", "crash", "urlencoded",
    )),
    get("/answers/error", accept="text/xml"),
    get("/answers/error", accept="application/xml;q=0.3, application/json;q=0.2"),
    get("/answers/error", accept="application/x-www-form-urlencoded"),
    get("/things?stop=1"),
    get("/nowhere?stop=1"),
    get("/things?refuse=1"),
    get("/things?rewrite=1"),
    get("/things?late=1"),
    get("/sink/abc/def"),
    get("/sink/xyz"),
    send("DELETE", "/sink/abc"),
    get("/sink/"),
    get("/static/hello.txt"),
    get("/static/hello.txt", range="bytes=1-2"),
    get("/static/hello.txt", range="bytes=9-"),
    get("/static/nope.txt"),
    get("/static/../secret"),
    get("/static/%2e%2e/secret"),
    get("/static/"),
    get("/static/hello.txt", if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT"),
    send("OPTIONS", "/static/hello.txt"),
    get("/down/hello.txt"),
    get("/down/nope"),
    get("/down"),
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("falcon")
    (folder / "hello.txt").write_text("hello")
    (folder.parent / "secret").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def oracle(files: Path) -> Any:
    return falcon.testing.TestClient(build(upstream, files), headers={"host": "testserver"})


@pytest.fixture(scope="module", params=["direct", "asgi"])
def ours(request: pytest.FixtureRequest, files: Path) -> Iterator[Client]:
    app = build(fenrir.falcon, files)
    with Client(app, door=request.param, raise_server_exceptions=False) as client:
        yield client


LATER = {"content-length", "transfer-encoding", "connection", "date", "server"}


def _headers(items: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in items if name.lower() not in LATER}


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("request_", REQUESTS, ids=[f"{r[0]} {r[1]} {'/'.join(r[2].values())}" for r in REQUESTS])
def test_same_answer(oracle: Any, ours: Client, request_: Request) -> None:
    method, target, headers, body = request_
    path, _, query = target.partition("?")
    theirs = oracle.simulate_request(
        method, path, query_string=query, headers={"host": "testserver", **headers}, body=body or None
    )
    mine = ours.request(method, target, headers={"accept": "*/*", **headers}, content=body)
    assert mine.status_code == theirs.status_code
    assert mine.content == theirs.content
    assert _headers(mine.headers.items()) == _headers(theirs.headers.items())


@pytest.mark.parametrize("path", ["/", "/things/7", "/nowhere", "/answers/stream", "/answers/error"])
def test_upstreams_own_test_client_drives_the_application_by_wsgi(oracle: Any, files: Path, path: str) -> None:
    app = build(fenrir.falcon, files)
    try:
        mine = falcon.testing.TestClient(app).simulate_get(path)
    finally:
        app.close()
    theirs = oracle.simulate_get(path)
    assert (mine.status_code, mine.content) == (theirs.status_code, theirs.content)
    assert _headers(mine.headers.items()) == _headers(theirs.headers.items())


CORS = [
    {},
    {"origin": "https://a.example"},
    {"origin": "https://b.example"},
]


@pytest.mark.parametrize("headers", CORS, ids=lambda headers: headers.get("origin", "same"))
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT"])
@pytest.mark.parametrize(
    "options", [{}, {"allow_origins": "https://a.example", "allow_credentials": "*"}], ids=["*", "a"]
)
def test_cross_origin_requests(options: dict[str, Any], method: str, headers: dict[str, str]) -> None:
    def make(package: Any) -> Any:
        class Thing:
            def on_get(self, req: Any, resp: Any) -> None:
                resp.text = "x"

        app = package.App(middleware=package.CORSMiddleware(expose_headers=["x-a", "x-b"], **options))
        app.add_route("/", Thing())
        return app

    sent = {**headers, "access-control-request-method": "GET", "access-control-request-headers": "x-c"}
    theirs = falcon.testing.TestClient(make(upstream)).simulate_request(method, "/", headers=sent)
    with Client(make(fenrir.falcon)) as client:
        mine = client.request(method, "/", headers={"accept": "*/*", **sent})
    assert mine.status_code == theirs.status_code
    ours, expected = _headers(mine.headers.items()), _headers(theirs.headers.items())
    # An answer for one origin only must not be cached for another; upstream does not say so.
    varies = "Origin" in ours.pop("vary", "")
    assert varies == (bool(options) and headers.get("origin") == "https://a.example")
    expected.pop("vary", None)
    assert ours == expected
