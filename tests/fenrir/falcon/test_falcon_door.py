"""The door beside another dialect, registration's errors, and what upstream has no word for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import falcon as upstream
import pytest

import fenrir.falcon as ours
import fenrir.falcon.asgi
from fenrir.core.application import Application
from fenrir.core.binding import Argument, Binding, Given
from fenrir.core.declare import Mode, Route, caller
from fenrir.core.dialect import Dialect, Renderer
from fenrir.core.errors import StatusError
from fenrir.core.reply import Reply
from fenrir.falcon._dialect import DIALECT
from fenrir.http.headers import MutableHeaders
from fenrir.testing import Client

DOORS = pytest.mark.parametrize("door", ["direct", "asgi"])


class Thing:
    """A resource with one responder."""

    def on_get(self, req: Any, resp: Any, **kw: Any) -> None:
        resp.media = kw


def _other_dialect() -> Dialect:
    def error(c: Any, exc: Exception) -> Reply:
        status = exc.http_status if isinstance(exc, StatusError) else 500
        return Reply(status, MutableHeaders({"x-look": "other"}), b"other")

    return replace(
        DIALECT,
        name="other",
        error=error,
        adopt_error=lambda exc: exc,
        renderer=lambda route: Renderer(lambda c, value: Reply(body=value.encode())),
        head=True,
        options=True,
    )


OTHER = _other_dialect()


def beside() -> tuple[Application, ours.FalconDoor]:
    """Return an application of another dialect with one route of it, and our door to it."""
    engine = Application(OTHER)
    door = ours.FalconDoor(engine, engine.scope)

    def route(path: str, handler: Any) -> None:
        engine.add_route(
            Route(
                pattern=OTHER.parse(path, OTHER.converters),
                methods=frozenset({"GET"}),
                handler=handler,
                mode=Mode.INLINE,
                name=None,
                dialect=OTHER,
                scope=engine.scope,
                source=caller(),
                bind=lambda _: Binding(arguments=(Argument(None, Given(lambda c: c)),)),
            )
        )

    def crash(c: Any) -> str:
        raise StatusError

    route("/other", lambda c: "other says hello")
    route("/crash", crash)
    return engine, door


@DOORS
def test_middleware_surrounds_routes_of_another_dialect(door: Any) -> None:
    engine, falcon = beside()
    seen: list[Any] = []

    class Component:
        def process_request(self, req: Any, resp: Any) -> None:
            resp.set_header("x-in", "1")
            resp.set_cookie("c", "v", secure=False)

        def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
            seen.append((callable(resource), params))

        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            resp.set_header("x-out", f"{resp.status_code} {req_succeeded} {resp.data!r}")

    falcon.add_middleware(Component())
    falcon.add_route("/ours/{id}", Thing())
    with Client(engine, door=door, raise_server_exceptions=False) as client:
        answer = client.get("/other")
        assert (answer.text, answer.headers["x-out"]) == ("other says hello", "200 True b'other says hello'")
        assert (answer.headers["x-in"], answer.headers.getall("set-cookie")) == ("1", ["c=v; HttpOnly"])
        assert client.get("/crash").headers["x-out"] == "500 False b'other'"
        assert client.get("/ours/3").headers["x-out"].startswith("200 True")
        assert client.get("/nowhere").headers["x-out"] == "404 False b'other'"
        assert client.options("/other").headers["x-out"] == "200 True b''"
        assert "content-type" not in client.get("/other").headers
    assert seen == [(True, {}), (True, {}), (False, {"id": "3"}), (True, {})]


@DOORS
def test_beside_another_dialect_the_engine_answers_head_and_options(door: Any) -> None:
    engine, falcon = beside()
    falcon.add_route("/ours/{id}", Thing())
    with Client(engine, door=door) as client:
        assert client.head("/ours/3").status_code == 200
        assert client.options("/ours/3").headers["allow"] == "GET, HEAD, OPTIONS"
        refused = client.post("/ours/3")
        assert (refused.status_code, refused.headers["x-look"]) == (405, "other")


@DOORS
def test_a_handler_of_all_exceptions_leaves_answers_alone(door: Any) -> None:
    class Failing:
        def on_get(self, req: Any, resp: Any) -> None:
            raise ours.HTTPGone

        def on_post(self, req: Any, resp: Any) -> None:
            raise ValueError("caught")

    app = ours.App()
    app.add_route("/", Failing())
    app.add_error_handler(Exception, lambda req, resp, ex, params: setattr(resp, "text", str(ex)))
    with Client(app, door=door) as client:
        assert client.get("/").status_code == 410
        assert client.post("/").text == "caught"


@DOORS
def test_a_component_that_was_not_reached_is_not_left_when_middleware_depends_on_order(door: Any) -> None:
    left: list[str] = []

    class Component:
        def __init__(self, name: str, *, fail: bool = False) -> None:
            self.name, self.fail = name, fail

        def process_request(self, req: Any, resp: Any) -> None:
            if self.fail:
                raise ours.HTTPForbidden

        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            left.append(self.name)

    components = [Component("a"), Component("b", fail=True), Component("c")]
    with Client(ours.App(middleware=components, independent_middleware=False), door=door) as client:
        assert client.get("/").status_code == 403
    assert left == ["a"]
    left.clear()
    with Client(ours.App(middleware=components), door=door) as client:
        assert client.get("/").status_code == 403
    assert left == ["c", "b", "a"]


@DOORS
def test_on_request_serves_the_verbs_without_a_responder(door: Any) -> None:
    class Everything(Thing):
        def on_request(self, req: Any, resp: Any) -> None:
            resp.text = req.method

    app = ours.App()
    app.router_options.default_to_on_request = True
    app.add_route("/", Everything())
    with Client(app, door=door) as client:
        assert client.post("/").text == "POST"
        assert client.get("/").json() == {}
        assert client.options("/").headers["allow"] == "GET"
        assert client.request("ODD", "/").status_code == 400


@DOORS
def test_custom_media_handlers_error_serializer_and_slashes(door: Any) -> None:
    class Upper(ours.media.BaseHandler):
        async def serialize_async(self, media: object, content_type: str) -> bytes:
            return str(media).upper().encode()

        async def deserialize_async(self, stream: Any, content_type: str | None, content_length: int | None) -> Any:
            return (await stream.read()).decode().lower()

    class Echo:
        async def on_post(self, req: Any, resp: Any) -> None:
            resp.content_type = "text/upper"
            resp.media = "got " + await req.media

        async def on_get(self, req: Any, resp: Any) -> None:
            raise ours.HTTPNotFound(description="gone")

    def serializer(req: Any, resp: Any, error: ours.HTTPError) -> None:
        resp.text = f"{error.title}: {error.description}"
        resp.content_type = "text/plain"

    app = fenrir.falcon.asgi.App()
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.media_handlers["text/upper"] = app.resp_options.media_handlers["text/upper"] = Upper()
    app.set_error_serializer(serializer)
    app.add_route("/echo", Echo())
    with Client(app, door=door) as client:
        answer = client.post("/echo/", content=b"ABC", headers={"content-type": "text/upper"})
        assert answer.text == "GOT ABC"
        assert client.get("/echo").text == "404 Not Found: gone"


@DOORS
def test_what_could_split_a_response_never_reaches_the_wire(door: Any) -> None:
    class Splitting:
        def on_get(self, req: Any, resp: Any, kind: str) -> None:
            evil = "x\r\nevil: 1"
            match kind:
                case "value":
                    resp.set_header("x-a", evil)
                case "name":
                    resp.set_header("x\r\ny", "1")
                case "cookie":
                    resp.set_cookie("c", "v", path=evil)
                case "location":
                    raise ours.HTTPFound(evil)

    app = ours.App()
    app.add_route("/{kind}", Splitting())
    with Client(app, door=door, raise_server_exceptions=False) as client:
        for kind in ("value", "name", "cookie"):
            answer = client.get(f"/{kind}")
            assert answer.status_code == 500
            assert "evil" not in answer.headers


def test_cookies_are_written_once_per_name() -> None:
    resp = ours.Response()
    resp.set_cookie("a", "1")
    resp.set_cookie("a", "2", max_age=5, same_site="strict", path="/x")
    resp.set_cookie("b", "3", http_only=False, secure=False)
    assert resp.__reply__().headers.getall("set-cookie") == [
        "a=2; Max-Age=5; Secure; HttpOnly; Path=/x; SameSite=Strict",
        "b=3",
    ]
    with pytest.raises(KeyError):
        resp.set_cookie("a b", "1")
    with pytest.raises(ValueError):
        resp.set_cookie("a", "ü")
    with pytest.raises(ours.HeaderNotSupported):
        resp.set_header("Set-Cookie", "a=1")


TEMPLATES = [
    ["/a/{x}", "/a/{y}"],
    ["/a/{x}", "/a/{x:int}"],
    ["/a/{x:int}", "/a/{y:int}/b"],
    ["/a/{x:int}", "/a/{x:int}/b", "/a/fixed", "/a/{x:int}.{y}"],
    ["/a/{x}.{y}", "/a/{z}.{w}"],
    ["/a/{x}.{y}", "/a/{z}-{w}"],
    ["a"],
    ["/a//b"],
    ["/{x-y}"],
    ["/{}"],
    ["/{x}/{x}"],
    ["/{x:}"],
    ["/{x:foo}"],
    ["/{x:int(0)}"],
    ["/{x:int(2, min=1)}"],
    ["/a b"],
    ["/{p:path}/b"],
    ["/x{p:path}"],
    ["/p/{p:path}", "/p/{p:path}/c"],
    ["/{class}"],
]


@pytest.mark.parametrize("templates", TEMPLATES, ids=" ".join)
def test_templates_are_refused_in_upstreams_words(templates: list[str]) -> None:
    outcomes = []
    for app in (upstream.App(), ours.App()):
        try:
            for template in templates:
                app.add_route(template, Thing())  # type: ignore[attr-defined]
        except ValueError as exc:
            outcomes.append((type(exc).__name__, str(exc)))
        else:
            outcomes.append(("", ""))
    assert outcomes[0] == outcomes[1]


def test_a_template_added_again_replaces_the_first() -> None:
    class Second:
        def on_post(self, req: Any, resp: Any) -> None:
            resp.text = "second"

    app = ours.App()
    app.add_route("/a", Thing())
    app.add_route("/a", Second())
    with Client(app) as client:
        assert client.get("/a").status_code == 405
        assert client.post("/a").text == "second"
    assert not app.engine.frozen.reports


def test_registration_refuses_what_has_no_meaning() -> None:
    app = ours.App()
    with pytest.raises(ours.routing.SuffixedMethodNotFoundError):
        app.add_route("/", Thing(), suffix="nothing")
    with pytest.raises(TypeError):
        app.add_middleware(object())
    with pytest.raises(TypeError):
        app.add_error_handler(str, print)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        app.add_error_handler(KeyError)
    with pytest.raises(ValueError):
        app.router_options.converters["not a name"] = ours.routing.IntConverter


ERRORS = sorted(
    name for name in ours.__all__ if name.startswith("HTTP") and isinstance(getattr(upstream, name, None), type)
)


@pytest.mark.filterwarnings("ignore:.*HTTPPayloadTooLarge")
@pytest.mark.parametrize("name", ERRORS)
def test_error_classes_tell_the_same(name: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "HTTPError": (418,),
        "HTTPStatus": (204,),
        "HTTPMethodNotAllowed": (["GET", "PUT"],),
        "HTTPRangeNotSatisfiable": (10,),
        "HTTPInvalidHeader": ("Bad.", "X-A"),
        "HTTPMissingHeader": ("X-A",),
        "HTTPInvalidParam": ("Bad.", "a"),
        "HTTPMissingParam": ("a",),
    }
    redirects = ("HTTPMovedPermanently", "HTTPFound", "HTTPSeeOther", "HTTPTemporaryRedirect", "HTTPPermanentRedirect")
    given = ("/x",) if name in redirects else arguments.get(name, ())
    theirs, mine = getattr(upstream, name)(*given), getattr(ours, name)(*given)
    assert mine.status_code == theirs.status_code == mine.http_status
    assert dict(mine.headers or {}) == dict(theirs.headers or {})
    if isinstance(theirs, upstream.HTTPError):
        assert mine.to_dict() == theirs.to_dict()
        assert mine.to_json() == theirs.to_json()


def test_every_status_constant_is_upstreams() -> None:
    names = [name for name in dir(upstream.status_codes) if name.startswith("HTTP_")]
    assert {name: getattr(ours, name) for name in names} == {n: getattr(upstream.status_codes, n) for n in names}
