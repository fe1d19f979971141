"""The same requests to a real Flask and to ours, through both doors: the answers must be the same."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from typing import Any

import flask as upstream
import pytest

from fenrir import flask as ours
from fenrir.testing import Client
from tests.fenrir.flask import twin

HEADERS = (
    "content-type",
    "location",
    "allow",
    "vary",
    "x-one",
    "x-two",
    "x-m",
    "x-r",
    "x-shop",
    "x-after",
    "x-this",
    "content-disposition",
    "cache-control",
    "content-length",
    "accept-ranges",
)

GET = [
    "/", "/string/abc", "/string/a%20b%C3%BC", "/string/a%2Fb", "/int/12", "/int/-1", "/int/x", "/float/1.5",
    "/float/1",
    "/path/a/b/c", "/path/", "/uuid/00000000-0000-0000-0000-000000000001", "/uuid/1", "/any/one", "/any/three",
    "/short/ab",
    "/short/abc", "/folder/", "/leaf", "/leaf/", "/either", "/either/", "/page", "/page/3/of", "/only-post", "/verbs",
    "/own-options", "/urls", "/url-error/nothing", "/url-error/integer", "/nowhere",
    *(
        f"/value/{kind}"
        for kind in (
            "str", "bytes", "dict", "list", "status", "status-text", "headers", "both", "pairs", "jsonify",
            "jsonify-many",
            "response", "made", "response-tuple", "stream", "no-content", "xml", "redirect", "redirect-301", "none",
            "number", "quadruple", "dictionary-of-headers", "body-of-both-kinds", "application-of-both-kinds",
        )
    ),
    "/stream-context", "/after-this", "/echo?a=1&b=2&a=3", "/echo?x=%C3%BC+y", "/need", "/need?missing=1",
    "/number?n=5&n=x",
    "/number?n=x", "/number", "/session/show", "/session/in", "/session/len", "/session/clear", "/session/untouched",
    "/raise/mine", "/raise/nearer", "/raise/value",
    *(f"/abort/{code}" for code in (400, 401, 403, 404, 405, 409, 410, 413, 418, 429, 500, 503, 200, 499)),
    "/abort-text/404", "/abort-text/403", "/abort-response", "/template", "/template-plain", "/template-string",
    "/template-stream", "/template-missing", "/send", "/download", "/from/site.css", "/from/none.css",
    "/from/../twin.py", "/from/%2e%2e/twin.py", "/static/site.css", "/static/none", "/static/..%2ftwin.py",
    "/shop/item/1", "/shop/lost", "/shop/fail", "/shop/nowhere", "/shop/admin/", "/shop/admin/?stop=1", "/second/",
    "/second/?stop", "/de/doc/start", "/?answer=early", "/nowhere?answer=early", "/counter/5", "/simple",
]  # fmt: skip


class Answer:
    """What two servers are compared by."""

    def __init__(self, status: int, headers: dict[str, Any], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body!r}"


class Pair:
    """Both applications, asked in turn."""

    def __init__(self, door: Any, bare: bool = False) -> None:
        self.real = twin.make(upstream)
        self.mine = twin.make(ours)
        for app in (self.real, self.mine) if bare else ():
            for table in HOOKS:
                getattr(app, table).clear()
        self.their_client = self.real.test_client()
        self.client = Client(self.mine, door=door, base_url="http://localhost", raise_server_exceptions=False)

    def theirs(self, method: str, url: str, **options: Any) -> Answer:
        if "content" in options:
            options["data"] = options.pop("content")
        got = self.their_client.open(url, method=method, buffered=True, **options)
        return Answer(got.status_code, {h: got.headers.getlist(h) for h in HEADERS}, got.data)

    def own(self, method: str, url: str, **options: Any) -> Answer:
        got = self.client.request(method, url, **options)
        return Answer(got.status_code, {h: got.headers.getall(h) for h in HEADERS}, got.content)


def settled(answer: Answer) -> Answer:
    """Take out what may differ: the order of methods; lengths that one side leaves to the server."""
    headers = {
        name: sorted(re.split(r", *", value[0])) if name == "allow" and value else value
        for name, value in answer.headers.items()
    }
    headers.pop("content-length", None)
    # The charset of a type is a word; upstream's server writes it as we do, but for spaces in lists.
    return Answer(answer.status, headers, answer.body)


HOOKS = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "teardown_appcontext_funcs",
    "url_value_preprocessors",
)


@pytest.fixture(params=["direct", "asgi", "bare"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Both applications; bare are those without hooks, whose views the engine runs the short way."""
    bare = request.param == "bare"
    both = Pair("direct" if bare else request.param, bare)
    yield both
    both.client.close()


@pytest.mark.slow
def test_answers_to_get(pair: Pair) -> None:
    for url in GET:
        assert settled(pair.own("GET", url)) == settled(pair.theirs("GET", url)), url
        if "stream" not in url:  # upstream tears a kept context down twice
            assert pair.mine.trace == pair.real.trace, url
        pair.mine.trace.clear()
        pair.real.trace.clear()


def test_answers_to_head_and_options(pair: Pair) -> None:
    for url in ["/", "/int/1", "/value/dict", "/only-post", "/nowhere", "/own-options"]:
        assert settled(pair.own("HEAD", url)) == settled(pair.theirs("HEAD", url)), url
    for url in ["/", "/only-post", "/verbs", "/own-options", "/nowhere", "/counter/1"]:
        mine, real = settled(pair.own("OPTIONS", url)), settled(pair.theirs("OPTIONS", url))
        assert mine == real, url


POSTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/only-post", {}),
    ("PUT", "/only-post", {}),
    ("POST", "/verbs", {}),
    ("PUT", "/verbs", {}),
    ("DELETE", "/", {}),
    ("POST", "/counter/1", {}),
    ("DELETE", "/counter/1", {}),
    ("POST", "/simple", {}),
    ("POST", "/json", {"json": {"a": [1, 2]}}),
    ("POST", "/json", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/json", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/json", {"content": b"{}", "headers": {"Content-Type": "application/vnd.api+json"}}),
    ("POST", "/json/silent", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/json/silent", {"content": b"{", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/json/force", {"content": b"[1]", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/json/force-silent", {"content": b"[1", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/echo?a=1", {"data": {"b": "2", "c": "ü"}}),
    ("PUT", "/echo", {"content": "täxt".encode(), "headers": {"Content-Type": "text/plain; charset=utf-8"}}),
    ("POST", "/echo", {"headers": {"X-Thing": "y", "Accept": "text/html;q=0.5,application/json"}}),
    ("POST", "/echo", {"headers": {"Authorization": "Basic dXNlcjpwYXNz"}}),
    ("POST", "/shop/item/1", {}),
]


@pytest.mark.parametrize(("method", "url", "options"), POSTS)
def test_answers_to_bodies(pair: Pair, method: str, url: str, options: dict[str, Any]) -> None:
    assert settled(pair.own(method, url, **options)) == settled(pair.theirs(method, url, **options))


def test_uploads(pair: Pair) -> None:
    theirs = pair.theirs("POST", "/upload", data={"f": (io.BytesIO(b"content"), "a.txt"), "x": "1"})
    own = pair.own("POST", "/upload", data={"x": "1"}, files={"f": ("a.txt", b"content", "text/plain")})
    assert settled(own) == settled(theirs)


def test_slash_redirect(pair: Pair) -> None:
    own, theirs = pair.own("GET", "/folder?x=1"), pair.theirs("GET", "/folder?x=1")
    assert own.status == theirs.status == 308
    assert own.headers["location"] == theirs.headers["location"]


def test_cookies_are_written_alike(pair: Pair) -> None:
    while True:  # an Expires has whole seconds: both answers must fall into one
        second = int(time.time())
        pair.client.cookies.clear()
        theirs = pair.real.test_client(use_cookies=False).get("/cookies", headers={"Cookie": 'a="b c"; x=y'})
        own = pair.client.get("/cookies", headers={"Cookie": 'a="b c"; x=y'})
        if int(time.time()) == second:
            break
    assert own.json() == theirs.json
    assert own.headers.getall("set-cookie") == theirs.headers.getlist("Set-Cookie")


def test_permanent_sessions_are_refreshed(pair: Pair) -> None:
    for path in ("/session/permanent", "/session/permanent", "/session/untouched", "/session/clear", "/session/show"):
        theirs, own = pair.their_client.get(path), pair.client.get(path)
        assert own.text == theirs.text
        mine, real = own.headers.getall("set-cookie"), theirs.headers.getlist("Set-Cookie")
        shape = re.compile(r"^(session=)[^;]+|(Expires=)[^;]+")
        assert [shape.sub(r"\1\2", c) for c in mine] == [shape.sub(r"\1\2", c) for c in real], path
        assert own.headers.getall("vary") == theirs.headers.getlist("Vary"), path


def test_flashed_messages(pair: Pair) -> None:
    for path in ("/flash", "/flashed", "/flashed"):
        assert pair.client.get(path, follow_redirects=False).text == pair.their_client.get(path).text


def test_sessions_are_readable_across(pair: Pair) -> None:
    written = pair.client.get("/session/set").headers.getall("set-cookie")[0]
    pair.their_client.set_cookie("session", written.partition(";")[0].removeprefix("session="))
    shown = pair.their_client.get("/session/show").json
    assert shown == pair.client.get("/session/show").json()
    assert shown["tuple"] == "(1, 2)"

    fresh = pair.real.test_client()
    cookie = fresh.get("/session/set").headers["Set-Cookie"].partition(";")[0].removeprefix("session=")
    pair.client.cookies.clear()
    assert pair.client.get("/session/show", cookies={"session": cookie}).json() == shown


def test_conditional_and_ranges(pair: Pair) -> None:
    tag = pair.client.get("/static/site.css").headers["etag"]
    assert pair.client.get("/static/site.css", headers={"If-None-Match": tag}).status_code == 304
    date = pair.client.get("/static/site.css").headers["last-modified"]
    assert pair.client.get("/static/site.css", headers={"If-Modified-Since": date}).status_code == 304
    for wanted in ("bytes=0-3", "bytes=-2", "bytes=100-"):
        own = pair.own("GET", "/static/site.css", headers={"Range": wanted})
        theirs = pair.theirs("GET", "/static/site.css", headers={"Range": wanted})
        assert own.status == theirs.status
        if own.status == 206:
            assert own.body == theirs.body


def test_async_views(pair: Pair) -> None:
    assert pair.client.get("/async").json() == {"path": "/async"}
