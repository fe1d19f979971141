"""The same Bottle program on Bottle and on Fenrir, through the WSGI callable: status, headers and body agree."""

import io
import itertools
import json
import re
import warnings
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import bottle
import pytest

import fenrir.bottle


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.code = int(status.split()[0])
        self.headers = {name.title(): value for name, value in headers if name.lower() != "set-cookie"}
        self.cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        self.body = body


def call(app, method, path, body=b"", **environ):
    env = {}
    setup_testing_defaults(env)
    raw, _, query = path.partition("?")
    env.update(
        REQUEST_METHOD=method,
        PATH_INFO=raw.encode("utf-8").decode("latin-1"),
        QUERY_STRING=query,
        SERVER_PROTOCOL="HTTP/1.1",
        CONTENT_LENGTH=str(len(body)),
    )
    env.update(environ)
    env["wsgi.input"] = io.BytesIO(body)
    env["wsgi.errors"] = io.StringIO()
    given = {}

    def start_response(status, headers, exc_info=None):
        given.update(status=status, headers=headers)

    pieces = app(env, start_response)
    try:
        content = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return Answer(given["status"], given["headers"], content)


def program(b, folder):
    """Build the application; `b` is the module bottle or its replacement."""
    app = b.Bottle()
    request, response = b.request, b.response

    app.route("/")(lambda: "text é")
    app.route("/bytes")(lambda: b"bytes")
    app.route("/none")(lambda: None)
    app.route("/list")(lambda: ["a", "b"])
    app.route("/bytelist")(lambda: [b"a", b"b"])
    app.route("/dict")(lambda: {"a": 1})
    app.route("/iter")(lambda: iter(["", "x", "yé"]))
    app.route("/emptyiter")(lambda: iter([]))
    app.route("/file")(lambda: io.BytesIO(b"from a file"))
    app.route("/badtype")(lambda: iter([1]))
    app.route("/returned")(lambda: b.HTTPResponse("made", 201, {"X-A": "1"}))
    app.route("/dictresponse")(lambda: b.HTTPResponse({"a": 1}, 202))
    app.route("/error")(lambda: b.HTTPError(418, "tea"))
    app.route("/int/<n:int>")(lambda n: repr(n))
    app.route("/float/<n:float>")(lambda n: repr(n))
    app.route("/rest/<p:path>/end")(lambda p: p)
    app.route("/re/<p:re:[a-c]+>")(lambda p: p)
    app.route("/old/:name")(lambda name: name)
    app.route("/name/<name>.<ext>")(lambda name, ext: f"{name} {ext}")
    app.route("/many", method=["GET", "POST"])(lambda: request.method)
    app.route("/any", method="ANY")(lambda: request.method)

    @app.route("/generator")
    def generator():
        response.set_header("X-G", "1")
        yield "a"
        yield "b"

    @app.route("/raises")
    def raises():
        raise ValueError("wrong")

    @app.route("/abort")
    def aborts():
        b.abort(403, "no <b>")

    @app.route("/redirect")
    def redirects():
        response.set_cookie("k", "v", path="/")
        b.redirect("/there?x=1")

    @app.route("/headers")
    def headers():
        response.status = 203
        response.add_header("X-Many", "1")
        response.content_type = "text/plain; charset=latin1"
        return "é"

    @app.route("/nothing")
    def nothing():
        response.status = 204
        return "ignored"

    @app.route("/query")
    def query():
        q = request.query
        return {
            "a": q.get("a"),
            "all": q.getall("a"),
            "missing": q.missing,
            "unicode": q.getunicode("a"),
            "attribute": q.a,
            "int": q.get("n", type=int),
        }

    @app.post("/form")
    def form():
        return {
            "forms": dict(request.forms.items()),
            "params": sorted(request.params.keys()),
            "files": {name: [f.raw_filename, f.file.read().decode()] for name, f in request.files.items()},
        }

    @app.post("/json")
    def posted_json():
        return {"got": request.json}

    @app.post("/body")
    def body():
        return request.body.read()

    @app.route("/about/<x>")
    def about(x):
        r = request
        return {
            "path": r.path,
            "fullpath": r.fullpath,
            "script_name": r.script_name,
            "url": r.url,
            "parts": list(r.urlparts)[:3],
            "ajax": r.is_ajax,
            "auth": r.auth,
            "addr": r.remote_addr,
            "route": r.remote_route,
            "args": r.url_args,
            "type": r.content_type,
            "length": r.content_length,
            "header": r.headers.get("X-Custom"),
            "cookie": r.get_cookie("c"),
            "environ": r.environ["REQUEST_METHOD"],
        }

    @app.route("/static/<name:path>")
    def static(name):
        return b.static_file(name, root=str(folder))

    @app.route("/download")
    def download():
        return b.static_file("a.txt", root=str(folder), download="b.txt")

    @app.route("/secret")
    @b.auth_basic(lambda user, password: password == "pw")
    def secret():
        return "in"

    @app.error(404)
    def missing(error):
        response.set_header("X-Error", "404")
        return f"<{error.status_line}> {error.body}"

    @app.hook("before_request")
    def before():
        request.seen = "before"

    @app.hook("after_request")
    def after():
        response.set_header("X-After", request.seen)

    def upper(callback):
        def wrapper(*args, **kwargs):
            return callback(*args, **kwargs).upper()

        return wrapper

    app.route("/upper", apply=upper)(lambda: "upper")

    class Plugin:
        name = "numbered"
        api = 2

        def apply(self, callback, route):
            def wrapper(*args, **kwargs):
                response.add_header("X-Plugin", route.rule)
                return callback(*args, **kwargs)

            return wrapper

    app.install(Plugin())
    app.route("/unplugged", skip=["numbered"])(lambda: "none")

    def legacy(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}|".encode(), environ["wsgi.input"].read()]

    app.mount("/legacy", legacy)
    child = b.Bottle()
    child.route("/hello/<x>")(lambda x: "child " + x)
    app.mount("/child/", child)
    return app


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    (folder / "a.txt").write_text("0123456789")
    ours = program(fenrir.bottle, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of upstream: the old path syntax, a mount without a slash
        theirs = program(bottle, folder)
    yield theirs, ours
    ours.close()


MULTIPART = (
    b'--B\r\nContent-Disposition: form-data; name="t"\r\n\r\nval\r\n'
    b'--B\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\ndata\r\n--B--\r\n"
)
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}

CASES = [
    *[
        ("GET", path, b"", {})
        for path in [
            "/",
            "/bytes",
            "/none",
            "/list",
            "/bytelist",
            "/dict",
            "/iter",
            "/emptyiter",
            "/file",
            "/badtype",
            "/returned",
            "/dictresponse",
            "/error",
            "/int/-5",
            "/int/x",
            "/float/1.5",
            "/rest/a/b/end",
            "/re/abc",
            "/re/abd",
            "/old/x",
            "/name/a.b",
            "/many",
            "/any",
            "/generator",
            "/raises",
            "/abort",
            "/redirect",
            "/headers",
            "/nothing",
            "/nowhere",
            "/upper",
            "/unplugged",
            "/legacy/a/b",
            "/child/hello/y",
            "/query?a=1&a=2&n=x",
            "/query?a=%C3%A9&n=7",
            "/about/z",
            "/static/a.txt",
            "/static/none",
            "/static/../x",
            "/download",
            "/secret",
            "/é",
        ]
    ],
    ("POST", "/", b"", {}),
    ("HEAD", "/dict", b"", {}),
    ("HEAD", "/static/a.txt", b"", {}),
    ("PUT", "/any", b"", {}),
    ("POST", "/many", b"", {}),
    ("POST", "/form?q=1", b"a=1&b=%C3%A9&a=2", FORM),
    ("POST", "/form", MULTIPART, {"CONTENT_TYPE": "multipart/form-data; boundary=B"}),
    ("POST", "/json", b'{"a": [1]}', {"CONTENT_TYPE": "application/json"}),
    ("POST", "/json", b"{", {"CONTENT_TYPE": "application/json"}),
    ("POST", "/json", b"{}", {}),
    ("POST", "/body", b"raw \xff", {}),
    ("POST", "/legacy/in", b"sent", {}),
    ("GET", "/secret", b"", {"HTTP_AUTHORIZATION": "Basic dTpwdw=="}),
    ("GET", "/secret", b"", {"HTTP_AUTHORIZATION": "Basic dTpubw=="}),
    ("GET", "/static/a.txt", b"", {"HTTP_RANGE": "bytes=2-4"}),
    ("GET", "/about/z", b"", {"SCRIPT_NAME": "/app", "HTTP_X_CUSTOM": "c", "HTTP_COOKIE": "c=1; d=2"}),
    ("GET", "/about/z", b"", {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest", "HTTP_X_FORWARDED_FOR": "1.2.3.4, 5.6.7.8"}),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "environ"), CASES, ids=[f"{c[0]} {c[1]} {i}" for i, c in enumerate(CASES)]
)
def test_the_answers_agree(both, method, path, body, environ):
    theirs, ours = (call(app, method, path, body, **environ) for app in both)
    assert ours.code == theirs.code
    for answer in (theirs, ours):
        for volatile in ("Date", "Etag", "Content-Length"):
            answer.headers.pop(volatile, None)
    if theirs.code == 405:
        theirs.headers.pop("Allow"), ours.headers.pop("Allow")  # ours names HEAD, which GET answers
    if theirs.code == 500:
        assert ours.headers.pop("X-After") == "before"  # ours runs after_request on every answer
    assert ours.headers == theirs.headers
    assert ours.cookies == theirs.cookies
    if theirs.code >= 400 and b"<html>" in theirs.body:
        assert b"<html>" in ours.body
        assert re.search(b"<h1>.*</h1>", ours.body)[0] == re.search(b"<h1>.*</h1>", theirs.body)[0]
    elif "json" in theirs.headers.get("Content-Type", ""):
        if method != "HEAD":
            assert json.loads(ours.body) == json.loads(theirs.body)
    else:
        assert ours.body == theirs.body


def test_the_wsgi_door_is_valid(tmp_path):
    (tmp_path / "a.txt").write_text("0123456789")
    app = program(fenrir.bottle, tmp_path)
    checked = validator(app)
    try:
        for path in ("/", "/dict", "/generator", "/raises", "/nowhere", "/static/a.txt"):
            assert call(checked, "GET", path).code in (200, 404, 500)
        assert call(checked, "POST", "/body", b"sent", CONTENT_TYPE="text/plain").body == b"sent"
    finally:
        app.close()


def test_a_stream_is_not_collected():
    app = fenrir.bottle.Bottle()
    closed = []

    @app.route("/")
    def endless():
        try:
            for number in itertools.count():
                yield f"{number}\n"
        finally:
            closed.append(True)

    env = {}
    setup_testing_defaults(env)
    try:
        pieces = app(env, lambda status, headers, exc_info=None: None)
        assert [next(pieces), next(pieces)] == [b"0\n", b"1\n"]
        pieces.close()
        assert closed == [True]
    finally:
        app.close()
