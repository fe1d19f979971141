"""Routing: which route serves a request and what its scope then holds, compared with the original."""

from __future__ import annotations

from typing import Any

import pytest

from .twins import BOTH, OURS, seen


def tell(t: Any, name: str) -> Any:
    """Return an endpoint that says what routing has found."""

    async def endpoint(request: Any) -> Any:
        scope = request.scope
        found = {key: scope.get(key) for key in ("path", "root_path", "app_root_path", "path_params")}
        found["path_params"] = {key: repr(value) for key, value in scope["path_params"].items()}
        return t.JSONResponse({"route": name, "kind": type(scope["route"]).__name__, **found})

    return endpoint


def application(t: Any) -> Any:
    class Endpoint:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await t.PlainTextResponse(f"any {scope['method']}")(scope, receive, send)

    def sync(request: Any) -> Any:
        return t.PlainTextResponse("sync")

    inner = [t.Route("/", tell(t, "inner"), name="home"), t.Route("/{path:path}", tell(t, "rest"), name="rest")]
    routes = [
        t.Route("/", tell(t, "home"), name="home"),
        t.Route("/users/{id:int}", tell(t, "user"), name="user"),
        t.Route("/users/me", tell(t, "never, as the first match wins: no"), name="me"),
        t.Route("/users/{name}", tell(t, "named"), methods=["PUT"], name="named"),
        t.Route("/files/{path:path}", tell(t, "files")),
        t.Route("/uuid/{u:uuid}/{f:float}", tell(t, "values"), name="values"),
        t.Route("/slash/", sync),
        t.Route("/any", Endpoint()),
        t.Route("/café", tell(t, "café")),
        t.Mount("/mounted/{tenant}", routes=inner, name="mounted"),
        t.Mount("/nameless", routes=[t.Route("/x", tell(t, "x"), name="x")]),
        t.Host("{sub}.example.org", t.Router([t.Route("/", tell(t, "sub"), name="home")]), name="sub"),
    ]
    return t.Starlette(routes=routes)


REQUESTS = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("POST", "/"),
    ("GET", "/users/7"),
    ("GET", "/users/me"),
    ("GET", "/users/other"),
    ("PUT", "/users/other"),
    ("PUT", "/users/7"),
    ("GET", "/files/a/b%20c"),
    ("GET", "/uuid/12345678-1234-5678-1234-567812345678/1.50"),
    ("GET", "/slash/"),
    ("DELETE", "/any"),
    ("GET", "/caf%C3%A9"),
    ("GET", "/mounted/blue/"),
    ("GET", "/mounted/blue/deep/er"),
    ("GET", "/nameless/x"),
    ("GET", "/nameless/y"),
    ("GET", "/nowhere"),
    ("GET", "/", {"headers": {"host": "blue.EXAMPLE.org:80"}}),
    ("GET", "/", {"headers": {"host": "blue.example.org:80"}}),
    ("GET", "/", {"headers": {"host": "bad host"}}),
]


def test_the_same_routes_serve() -> None:
    ours, theirs = seen(application, *REQUESTS)
    assert ours == theirs


def test_the_same_below_a_root_path() -> None:
    ours, theirs = seen(application, *REQUESTS, root_path="/base")
    assert ours == theirs
    ours, theirs = seen(application, ("GET", "/base/mounted/blue/x"), root_path="/base")
    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("home", {}),
        ("user", {"id": 7}),
        ("user", {}),
        ("user", {"id": 7, "more": 1}),
        ("named", {"name": "a b"}),
        ("values", {"u": "12345678-1234-5678-1234-567812345678", "f": 2.5}),
        ("mounted", {"tenant": "t", "path": "/x/y"}),
        ("mounted:home", {"tenant": "t"}),
        ("mounted:rest", {"tenant": "t", "path": "p/q"}),
        ("x", {}),
        ("sub:home", {"sub": "blue"}),
        ("sub", {"sub": "blue", "path": "/p"}),
        ("nothing", {}),
    ],
)
def test_the_same_urls(name: str, params: dict[str, Any]) -> None:
    made = []
    for t in BOTH:
        try:
            url = application(t).url_path_for(name, **params)
            made.append((str(url), url.protocol, url.host, str(url.make_absolute_url("https://base.example/r/"))))
        except t.NoMatchFound as exc:
            made.append(str(exc))
    assert made[0] == made[1]


def test_paths_are_checked_when_routes_are_declared() -> None:
    told = []
    for t in BOTH:
        for declare in (
            lambda t: t.Route("no-slash", print),
            lambda t: t.Route("/{a}/{a}/{b}/{b}", print),
            lambda t: t.Route("/{a:unknown}", print),
            lambda t: t.Mount("no-slash", print),
            lambda t: t.Mount("/nothing"),
            lambda t: t.Host("/host", print),
        ):
            with pytest.raises((AssertionError, ValueError)) as refused:
                declare(t)
            told.append((type(refused.value), str(refused.value)))
    assert told[: len(told) // 2] == told[len(told) // 2 :]


def test_a_slash_redirect_keeps_scheme_and_host_of_the_client() -> None:
    """Behind a proxy the application sees another scheme; the original's redirect would leave https."""
    app = application(OURS)
    client = OURS.TestClient(app, follow_redirects=False)
    assert client.get("/slash?q=1").headers["location"] == "/slash/?q=1"
    assert client.get("/users/7/").headers["location"] == "/users/7"
    assert client.get("https://testserver/slash").headers["location"] == "https://testserver/slash/"
    assert OURS.TestClient(app).get("/slash").text == "sync"
    assert client.post("/slash").status_code == 307
    # Two slashes at the beginning would name a host.
    router = OURS.Router([OURS.Route("/{path:path}/", tell(OURS, "any"))])
    location = (
        OURS.TestClient(router, follow_redirects=False).get("http://testserver//evil.example").headers["location"]
    )
    assert location == "http://testserver//evil.example/"


def test_routes_are_equal_and_shown_as_upstream() -> None:
    shown = []
    for t in BOTH:
        endpoint = t.PlainTextResponse
        route, other = t.Route("/a", endpoint, methods=["get"]), t.Route("/a", endpoint, methods=["GET"])
        assert route == other and t.Router([route]) == t.Router([other])
        assert t.WebSocketRoute("/w", endpoint) == t.WebSocketRoute("/w", endpoint)
        assert t.Mount("/m", endpoint) == t.Mount("/m/", endpoint) and t.Host("h", endpoint) == t.Host("h", endpoint)
        mount = t.Mount("/m", routes=[route], name="m")
        shown.append([repr(route), repr(t.WebSocketRoute("/w", endpoint)), repr(mount)[:25], repr(mount.routes)])
    assert shown[0] == shown[1]


def test_a_route_alone_is_an_application() -> None:
    for t in BOTH:
        client = t.TestClient(t.Route("/a/{b}", tell(t, "alone")))
        with pytest.raises(KeyError):  # no router has put the route into the scope
            client.get("/a/b")
        assert client.get("/c").text == "Not Found"
        assert client.post("/a/b").text == "Method Not Allowed"


def test_the_list_of_routes_tells_of_every_change() -> None:
    router = OURS.Router()
    changes: list[int] = []
    router.watch_routes(lambda: changes.append(len(router.routes)))
    a, b, c = (OURS.Route(f"/{name}", print) for name in "abc")
    router.routes.append(a)
    router.routes.insert(0, b)
    router.routes.extend([c])
    router.routes.remove(c)
    router.routes[0] = c
    router.routes[:] = [a, b, c]
    router.routes.reverse()
    router.routes.sort(key=lambda route: route.path)
    assert [route.path for route in router.routes] == ["/a", "/b", "/c"]
    router.routes.pop()
    del router.routes[0]
    router.routes += [a]
    router.routes = [a, b, c]  # the list itself replaced
    router.routes.clear()
    router.mount("/m", print)
    assert changes == [1, 2, 3, 2, 2, 3, 3, 3, 2, 1, 2, 2, 3, 0, 1]
    assert isinstance(router.routes, list)


def test_the_expression_of_a_path_is_compiled_when_it_is_asked_for() -> None:
    from fenrir.starlette.routing import Route

    route = Route("/a/{b:int}", lambda request: None)
    assert "path_regex" not in vars(route)
    assert route.path_regex.match("/a/12") and not route.path_regex.match("/a/x")
    assert route.path_regex is route.path_regex
    route.path = "/other"
    route._compile()
    assert route.path_regex.match("/other")
