"""The same Sanic program on Sanic and on Fenrir, over ASGI: status, headers, body and order of events agree."""

import json
import re
import warnings

import pytest
import sanic
import sanic.exceptions
import sanic.response
import sanic.views

import fenrir.sanic
import fenrir.sanic.exceptions
import fenrir.sanic.response
import fenrir.sanic.views
from fenrir.testing import Client


def program(s, folder, events):
    """Build the application; `s` is the package sanic or its replacement."""
    app = s.Sanic("differential")
    text, to_json, exceptions = s.text, s.json, s.exceptions

    @app.get("/")
    async def index(request):
        return text("é")

    @app.get("/sync")
    def sync(request):
        return to_json({"args": request.args, "pairs": request.query_args})

    @app.get("/html")
    async def html(request):
        return s.html("<p>")

    @app.get("/raw")
    async def raw(request):
        return s.raw(b"\xff")

    @app.get("/empty")
    async def empty(request):
        return s.empty()

    @app.get("/redirect")
    async def redirect(request):
        return s.redirect("/a b?é=1")

    @app.get("/file")
    async def file(request):
        return await s.file(folder / "a.txt", last_modified=None)

    @app.get("/attachment")
    async def attachment(request):
        return await s.response.file_stream(folder / "a.txt", chunk_size=3, headers={"X-A": "1"})

    @app.get("/cookies")
    async def cookies(request):
        response = text(str(request.cookies.get("c")))
        response.add_cookie("a", "b", httponly=True, max_age=5)
        response.delete_cookie("d")
        return response

    @app.get("/stream")
    async def stream(request):
        response = await request.respond(content_type="text/csv")
        response.headers["X-S"] = "1"
        await response.send("a,")
        await response.send("b")
        await response.eof()

    @app.get("/respond")
    async def respond(request):
        await request.respond(to_json({"a": 1}, status=201))

    @app.get("/nothing")
    async def nothing(request):
        return None

    for kind in ("int", "float", "str", "alpha", "slug", "path", "ymd", "uuid"):
        app.add_route(lambda request, value: text(repr(value)), f"/{kind}/<value:{kind}>", name=f"kind_{kind}")
    app.add_route(lambda request, value: text(repr(value)), "/regex/<value:[a-c]+>", name="regex")

    @app.get("/ext/<file:ext>")
    async def ext(request, file, ext):
        return text(f"{file} {ext}")

    @app.get("/strict", strict_slashes=True)
    async def strict(request):
        return text("strict")

    @app.get("/versioned", version=2)
    async def versioned(request):
        return text(request.path)

    @app.post("/body")
    async def body(request):
        files = {name: [f.name, f.type, f.body.decode()] for name, (f, *_) in request.files.items()}
        return to_json({"json": None if request.form or files else request.json, "form": request.form, "files": files})

    @app.post("/upload", stream=True)
    async def upload(request):
        size = 0
        async for piece in request.stream:
            size += len(piece)
        return text(str(size))

    @app.get("/about/<x>")
    async def about(request, x):
        r = request
        return to_json(
            {
                "path": r.path,
                "query": r.query_string,
                "method": r.method,
                "token": r.token,
                "credentials": r.credentials.username if r.credentials and r.credentials.auth_type == "Basic" else None,
                "header": r.headers.get("x-custom"),
                "id": str(r.id),
                "match": r.match_info,
                "name": r.name,
                "template": r.uri_template,
                "remote": r.remote_addr,
                "safe": [r.is_safe, r.is_idempotent, r.is_cacheable],
                "type": r.content_type,
                "url": app.url_for("about", x=x, q="1 2"),
                "external": app.url_for("about", x=x, _external=True, _server="http://h", _anchor="f"),
                "bp": app.url_for("bp.item", n=5),
            }
        )

    def raising(exception):
        async def handler(request):
            raise exception

        return handler

    raised = {
        "forbidden": exceptions.Forbidden("no", context={"a": 1}),
        "teapot": exceptions.SanicException("tea", status_code=418, headers={"X-T": "1"}),
        "unauthorized": exceptions.Unauthorized("who", scheme="Basic", realm="r"),
        "server": exceptions.ServerError("broken"),
        "plain": RuntimeError("secret"),
        "value": ValueError("value"),
        "key": KeyError("key"),
    }
    for name, exception in raised.items():
        app.add_route(raising(exception), f"/raise/{name}", name=f"raise_{name}")

    @app.exception(ValueError, KeyError)
    async def taken(request, exception):
        return text(f"taken {type(exception).__name__}", status=422)

    @app.get("/jsonerror", error_format="json")
    async def jsonerror(request):
        raise exceptions.NotFound("gone", extra={"hidden": 1})

    @app.get("/htmlerror", error_format="html")
    async def htmlerror(request):
        raise exceptions.NotFound("gone <b>")

    class View(s.views.HTTPMethodView):
        async def get(self, request, n):
            return text(f"get {n}")

        def post(self, request, n):
            return text(f"post {n}")

    app.add_route(View.as_view(), "/view/<n:int>")

    bp = s.Blueprint("bp", url_prefix="/bp", version=1)

    @bp.get("/<n:int>")
    async def item(request, n):
        return text(f"item {n} {request.name}")

    @bp.on_request
    async def only_here(request):
        events.append("bp request")

    @bp.exception(ZeroDivisionError)
    async def divided(request, exception):
        return text("divided", status=400)

    @bp.get("/divide")
    async def divide(request):
        return text(str(1 / 0))

    inner = s.Blueprint("inner", url_prefix="/inner")
    inner.get("/x")(lambda request: text("grouped"))
    inner_route = inner.get("/named", name="named")
    inner_route(lambda request: text(request.name))
    app.blueprint(bp)
    app.blueprint(s.Blueprint.group(inner, url_prefix="/group"))

    @app.on_request
    async def first(request):
        events.append("request 1")
        request.ctx.started = True
        if request.args.get("early"):
            return text("early", status=209)

    @app.middleware("request")
    def second(request):
        events.append("request 2")

    @app.on_request(priority=9)
    def urgent(request):
        events.append("request urgent")

    @app.on_response
    async def out_first(request, response):
        events.append(f"response 1 {response.status}")
        response.headers["X-Out"] = str(request.ctx.started)

    @app.on_response
    def out_second(request, response):
        events.append("response 2")
        if request.args.get("replace"):
            return text("replaced", headers={"X-R": "1"})

    @app.on_response(priority=9)
    def out_urgent(request, response):
        events.append("response urgent")

    for name in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        for number in (1, 2):

            def listener(app, name=name, number=number):
                events.append(f"{name} {number}")

            app.register_listener(listener, name)

    app.static("/static", str(folder))
    return app


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    (folder / "a.txt").write_text("0123456789")
    events = ([], [])
    sanic.Sanic.test_mode = fenrir.sanic.Sanic.test_mode = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of upstream
        theirs = Client(program(sanic, folder, events[0]), door="asgi", raise_server_exceptions=False)
        ours = Client(program(fenrir.sanic, folder, events[1]), door="asgi", raise_server_exceptions=False)
        direct = Client(ours.app, door="direct", raise_server_exceptions=False)
        with theirs, ours:
            yield theirs, ours, direct, events
    direct.close()


MULTIPART = {"files": {"f": ("n.txt", b"data", "text/plain")}, "data": {"t": "val"}}
PATHS = """
/ /sync?a=1&a=2&b= /html /raw /empty /redirect /file /attachment /stream /respond /nothing
/int/-5 /int/x /float/1.5 /float/.5 /str/x /str/x/ /alpha/abc /alpha/a1 /slug/a-b /slug/A /path/a/b
/ymd/2024-02-03 /ymd/2024-13-03 /uuid/12345678-1234-5678-1234-567812345678 /uuid/x /regex/abc /regex/abd
/ext/a.tar /ext/a /strict /strict/ /v2/versioned /versioned /about/z?q=1 /raise/forbidden /raise/teapot
/raise/unauthorized /raise/server /raise/plain /raise/value /raise/key /jsonerror /htmlerror /view/3 /v1/bp/5
/v1/bp/divide /group/inner/x /group/inner/named /nowhere /?early=1 /?replace=1 /nowhere?early=1 /static/a.txt
/static/none /cookies
""".split()  # noqa: SIM905 - one to a line would be a page
CASES = [
    *[("GET", path, {}) for path in PATHS],
    ("POST", "/", {}),
    ("HEAD", "/", {}),
    ("OPTIONS", "/", {}),
    ("POST", "/view/3", {}),
    ("PUT", "/view/3", {}),
    ("POST", "/body", {"json": {"a": [1]}}),
    ("POST", "/body", {"content": b"{", "headers": {"content-type": "application/json"}}),
    ("POST", "/body", {}),
    ("POST", "/body", {"data": {"a": "1", "b": "é"}}),
    ("POST", "/body", MULTIPART),
    ("POST", "/upload", {"content": [b"abc", b"de"]}),
    ("GET", "/nowhere", {"headers": {"accept": "application/json"}}),
    ("GET", "/nowhere", {"headers": {"accept": "text/html"}}),
    ("GET", "/raise/forbidden", {"headers": {"accept": "application/json"}}),
    ("GET", "/about/z", {"headers": {"authorization": "Bearer tok", "x-request-id": "7", "x-custom": "c"}}),
    ("GET", "/about/z", {"headers": {"authorization": "Basic dTpw", "x-request-id": "abc"}}),
    ("GET", "/cookies", {"cookies": {"c": "1"}}),
    ("HEAD", "/static/a.txt", {}),
]


@pytest.mark.parametrize(
    ("method", "path", "options"), CASES, ids=[f"{case[0]} {case[1]} {number}" for number, case in enumerate(CASES)]
)
def test_the_answers_agree(both, method, path, options):
    theirs, ours, direct, events = both
    answers = []
    for client, log in ((theirs, events[0]), (ours, events[1]), (direct, events[1])):
        log.clear()
        client.cookies.clear()
        answers.append((client.request(method, path, **options), list(log)))
    (upstream, expected), *given = answers
    for answer, log in given:
        assert answer.status_code == upstream.status_code
        assert log == expected
        assert _headers(answer) == _headers(upstream)
        assert _cookies(answer) == _cookies(upstream)
        if "text/html" in upstream.headers.get("content-type", "") and "<h1>" in upstream.text:
            assert re.search("<h1>.*?<p>", answer.text)[0] == re.search("<h1>.*?<p>", upstream.text)[0]
        elif "json" in upstream.headers.get("content-type", "") and method != "HEAD":
            theirs_value, ours_value = json.loads(upstream.text), json.loads(answer.text)
            if isinstance(theirs_value, dict) and "id" in theirs_value and "-" in theirs_value["id"]:
                theirs_value["id"] = ours_value["id"] = None
            assert ours_value == theirs_value
        elif path != "/strict/":  # upstream's message names the path without its slash
            assert answer.content == upstream.content


def _cookies(answer):
    return [set(cookie.replace('""', "").split("; ")) for cookie in answer.headers.getall("set-cookie")]


def _headers(answer):
    volatile = ("content-length", "transfer-encoding", "set-cookie", "last-modified", "cache-control")
    return {
        name: set(value.split(", ")) if name == "allow" else value
        for name, value in answer.headers.items()
        if name not in volatile
    }
