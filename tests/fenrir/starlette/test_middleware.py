"""Middleware over ASGI, compared with the original request by request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any, Literal

import pytest

from .twins import BOTH, OURS, THEIRS, seen

ELSEWHERE = "https://elsewhere.example"
Headers = dict[str, str]


def get(path: str, **headers: str) -> tuple[str, str, dict[str, Headers]]:
    return "GET", path, {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def application(*middleware: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    """Return what builds an application; each middleware is a function of the toolkit."""

    def make(t: Any) -> Any:
        async def long(request: Any) -> Any:
            return t.PlainTextResponse("x" * 4000, headers={"Vary": "Accept-Language"})

        async def stream(request: Any) -> Any:
            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(3):
                    yield b"piece " * 100

            return t.StreamingResponse(pieces(), media_type=request.query_params.get("type", "text/plain"))

        async def echo(request: Any) -> Any:
            return t.PlainTextResponse(await request.body())

        def fail(request: Any) -> Any:
            raise {"value": ValueError("nobody"), "http": t.HTTPException(418, headers={"a": "b"})}[
                request.query_params.get("kind", "value")
            ]

        def user(request: Any) -> Any:
            return t.JSONResponse([request.user.is_authenticated, request.user.display_name, request.auth.scopes])

        routes = [
            t.Route("/long", long),
            t.Route("/stream", stream),
            t.Route("/echo", echo, methods=["POST"]),
            t.Route("/free", echo, methods=["POST"], max_body_size=100),
            t.Route("/fail", fail),
            t.Route("/user", user),
        ]
        return t.Starlette(routes=routes, middleware=[build(t) for build in middleware], **options)

    return make


CORS = [
    get("/long"),
    get("/long", origin=ELSEWHERE),
    get("/long", origin="https://other.example"),
    get("/fail?kind=http", origin=ELSEWHERE),
    *(
        ("OPTIONS", "/long", {"headers": {"origin": origin, "access-control-request-method": method, **more}})
        for origin in (ELSEWHERE, "https://a.wild.example", "https://other.example")
        for method in ("GET", "PUT", "QUERY", "BREW")
        for more in (
            {},
            {"access-control-request-headers": "X-One, content-type"},
            {"access-control-request-private-network": "true"},
        )
    ),
]
CODINGS = [get(path, accept_encoding=coding) for path in ("/long", "/stream", "/stream?type=image/png", "/fail?kind=http") for coding in ("gzip", "br")]  # fmt: skip  # noqa: E501
HOSTS = [get("/long", host=host) for host in ("good.example", "GOOD.example:1", "a.b.example", "b.example", "w.test", "bad host", "[::1]:80")]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("middleware", "requests"),
    [
        (lambda t: t.Middleware(t.CORSMiddleware, allow_origins=[ELSEWHERE]), CORS),
        (lambda t: t.Middleware(t.CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]), CORS),
        (lambda t: t.Middleware(t.CORSMiddleware, allow_origins=["*"], allow_credentials=True, max_age=5), CORS),
        (
            lambda t: t.Middleware(
                t.CORSMiddleware,
                allow_origin_regex=r"https://.*\.wild\.example",
                allow_headers=["X-One"],
                expose_headers=["a", "b"],
                allow_private_network=True,
            ),
            CORS,
        ),
        (lambda t: t.Middleware(t.GZipMiddleware), CODINGS),
        (lambda t: t.Middleware(t.GZipMiddleware, minimum_size=5000, compresslevel=1), CODINGS),
        (lambda t: t.Middleware(t.GZipMiddleware, exclude_content_types=("text/*; q=1",)), CODINGS),
        (
            lambda t: t.Middleware(
                t.TrustedHostMiddleware, allowed_hosts=["good.example", "*.b.example", "www.w.example"]
            ),
            HOSTS,
        ),
        (lambda t: t.Middleware(t.TrustedHostMiddleware), HOSTS),
        (lambda t: t.Middleware(t.HTTPSRedirectMiddleware), HOSTS),
        (
            lambda t: t.Middleware(t.RequestBodyLimitMiddleware, max_body_size=5),
            [("POST", path, {"content": b"x" * size}) for path in ("/echo", "/free", "/long") for size in (5, 6, 101)],
        ),
    ],
)
def test_the_same_answers(middleware: Any, requests: Any) -> None:
    ours, theirs = seen(application(middleware), *requests)
    assert ours == theirs


def test_an_answer_to_an_unhandled_exception_has_cors_headers() -> None:
    """Deviates: without them the page could not even read that the server has failed (PARITY.md)."""
    make = application(
        lambda t: t.Middleware(t.CORSMiddleware, allow_origins=[ELSEWHERE]), lambda t: t.Middleware(t.GZipMiddleware)
    )
    ours, theirs = seen(make, get("/fail", origin=ELSEWHERE), raise_server_exceptions=False)
    *same, headers, content = ours[0]
    assert (same, content) == (list(theirs[0][:3]), theirs[0][4])
    added = [("access-control-allow-origin", ELSEWHERE), ("vary", "Origin")]
    assert sorted(headers) == sorted([*theirs[0][3], *added])


def test_the_same_handlers_answer_exceptions() -> None:
    def make(t: Any) -> Any:
        async def by_status(request: Any, exc: Any) -> Any:
            return t.PlainTextResponse(f"status {exc.status_code}", status_code=exc.status_code)

        def by_class(request: Any, exc: Any) -> Any:
            return t.PlainTextResponse(f"class {exc}", status_code=400)

        def last(request: Any, exc: Any) -> Any:
            return t.PlainTextResponse(f"last {exc}", status_code=500)

        handlers = {404: by_status, LookupError: by_class, Exception: last}

        def fail(request: Any) -> Any:
            raise {"key": KeyError("k"), "value": ValueError("v"), "http": t.HTTPException(418)}[
                request.path_params["kind"]
            ]

        return t.Starlette(routes=[t.Route("/{kind}", fail)], exception_handlers=handlers)

    requests = [get("/key"), get("/value"), get("/http"), get("/no/where"), ("POST", "/key", {})]
    ours, theirs = seen(make, *requests, raise_server_exceptions=False)
    assert ours == theirs
    ours, theirs = seen(make, *requests)
    assert ours == theirs


def test_sessions_are_read_by_the_other_side() -> None:
    def make(t: Any) -> Any:
        def count(request: Any) -> Any:
            request.session["n"] = request.session.get("n", 0) + 1
            return t.PlainTextResponse(str(request.session["n"]))

        def clear(request: Any) -> Any:
            request.session.clear()
            return t.PlainTextResponse("")

        options = {"secret_key": "k", "https_only": True, "domain": "testserver.local", "partitioned": True}
        return t.Starlette(
            routes=[t.Route("/", count), t.Route("/clear", clear)],
            middleware=[t.Middleware(t.SessionMiddleware, **options)],
        )

    clients = [t.TestClient(make(t), base_url="https://testserver") for t in BOTH]
    cookie = ""
    for turn in range(4):
        answer = clients[turn % 2].get("/", headers={"cookie": cookie})
        assert answer.text == str(turn + 1)
        set_cookie = answer.headers["set-cookie"]
        flags = "httponly; samesite=lax; secure; domain=testserver.local; partitioned"
        cookie, attributes = set_cookie.split("; ", 1)
        assert attributes == f"path=/; Max-Age=1209600; {flags}"
    cleared = [client.get("/clear", headers={"cookie": cookie}).headers["set-cookie"] for client in clients]
    assert cleared[0] == cleared[1]
    forged = cookie[:-3] + "abc"
    assert clients[0].get("/", headers={"cookie": forged}).text == "1"


def test_authentication() -> None:
    def make(t: Any) -> Any:
        class Backend(t.AuthenticationBackend):  # type: ignore[misc, name-defined]
            async def authenticate(self, conn: Any) -> Any:
                name = conn.headers.get("authorization")
                if name == "bad":
                    raise t.AuthenticationError("who?")
                return name and (t.AuthCredentials(["read"]), t.SimpleUser(name))

        return application(lambda t: t.Middleware(t.AuthenticationMiddleware, backend=Backend()))(t)

    ours, theirs = seen(make, get("/user"), get("/user", authorization="me"), get("/user", authorization="bad"))
    assert ours == theirs


trace: ContextVar[str] = ContextVar("trace", default="")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_context_variables_come_back_from_below(backend: Literal["asyncio", "trio"]) -> None:
    """Deviates: the original's are lost (its own test for it is expected to fail)."""
    after: list[str] = []

    async def endpoint(request: Any) -> Any:
        trace.set(trace.get() + " below")
        return OURS.PlainTextResponse("")

    async def dispatch(request: Any, call_next: Any) -> Any:
        trace.set("above")
        response = await call_next(request)
        after.append(trace.get())
        return response

    middleware = [OURS.Middleware(OURS.BaseHTTPMiddleware, dispatch=dispatch)] * 2
    app = OURS.Starlette(routes=[OURS.Route("/", endpoint)], middleware=middleware)
    OURS.TestClient(app, backend=backend).get("/")
    assert after == ["above below", "above below"]


def test_the_page_about_an_error_escapes_what_it_shows() -> None:
    def fail(request: Any) -> Any:
        raise ValueError("<script>" + request.query_params["q"])

    app = OURS.Starlette(debug=True, routes=[OURS.Route("/", fail)])
    client = OURS.TestClient(app, raise_server_exceptions=False)
    page = client.get("/?q=<b>", headers={"accept": "text/html"})
    assert page.status_code == 500 and "ValueError: &lt;script&gt;&lt;b&gt;" in page.text
    assert "<script>" not in page.text and "def fail" in page.text
    text = client.get("/?q=x").text
    assert text.startswith("Traceback") and "ValueError: <script>x" in text


def test_middleware_is_shown_and_unpacked_as_upstream() -> None:
    shown = []
    for t in BOTH:
        entry = t.Middleware(t.GZipMiddleware, 5, compresslevel=2)
        cls, args, kwargs = entry
        shown.append((repr(entry), cls is t.GZipMiddleware, args, kwargs))
    assert shown[0] == shown[1]
    app = THEIRS.Starlette(), OURS.Starlette()
    for made in app:
        made.middleware_stack = made.build_middleware_stack()
        with pytest.raises(RuntimeError, match="Cannot add middleware after an application has started"):
            made.add_middleware(OURS.GZipMiddleware)
