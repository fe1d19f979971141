"""One application, written once, made from either package: `flask` (the oracle) or `fenrir.flask`."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

KEY = "a key that both know"


def make(flask: Any) -> Any:
    """Return the application, made with a package that speaks Flask."""
    app = flask.Flask("tests.fenrir.flask.twin")
    app.secret_key = KEY
    trace: list[str] = []
    app.trace = trace
    _plain(app, flask)
    _values(app, flask)
    _requests(app, flask)
    _sessions(app, flask)
    _errors(app, flask)
    _templates(app, flask)
    _blueprints(app, flask)
    _views(app, flask)
    return app


def _plain(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> str:
        return "index"

    @app.get("/string/<name>")
    def string(name: str) -> str:
        return f"string {name}"

    @app.get("/int/<int:n>")
    def integer(n: int) -> dict[str, Any]:
        return {"n": n, "type": type(n).__name__}

    @app.get("/float/<float:x>")
    def floating(x: float) -> dict[str, Any]:
        return {"x": x}

    @app.get("/path/<path:rest>")
    def path(rest: str) -> str:
        return rest

    @app.get("/uuid/<uuid:u>")
    def unique(u: uuid.UUID) -> str:
        return f"{u.hex}"

    @app.get("/any/<any(one,two):which>")
    def choice(which: str) -> str:
        return which

    @app.get("/short/<string(length=2):code>")
    def short(code: str) -> str:
        return code

    @app.get("/folder/")
    def folder() -> str:
        return "folder"

    @app.get("/leaf")
    def leaf() -> str:
        return "leaf"

    @app.get("/either/", strict_slashes=False)
    def either() -> str:
        return "either"

    @app.route("/page", defaults={"n": 1})
    @app.route("/page/<int:n>/of")
    def page(n: int) -> str:
        return f"page {n}"

    @app.route("/verbs", methods=["POST", "PUT"])
    def verbs() -> str:
        return flask.request.method

    @app.post("/only-post")
    def only_post() -> str:
        return "posted"

    @app.route("/own-options", methods=["GET", "OPTIONS"])
    def own_options() -> str:
        return f"mine {flask.request.method}"

    @app.get("/urls")
    def urls() -> list[str]:
        url_for = flask.url_for
        return [
            url_for("index"),
            url_for("integer", n=5, q="a b", empty=None, many=["x", "y"]),
            url_for("string", name="a/b ü"),
            url_for("path", rest="a/b ü"),
            url_for("index", _external=True),
            url_for("index", _scheme="https", _external=True),
            url_for("index", _anchor="a b"),
            url_for("page"),
            url_for("page", n=3),
            url_for("static", filename="site.css"),
            url_for("shop.item", n=1),
            url_for("shop.admin.home"),
        ]

    @app.get("/url-error/<endpoint>")
    def url_error(endpoint: str) -> str:
        try:
            return str(flask.url_for(endpoint))
        except Exception as error:
            return type(error).__name__


class BothKinds:
    """A body, and a WSGI application, that could be an async iterator as well: a stand-in of a test often is."""

    def __iter__(self) -> Any:
        return iter(["a", "b"])

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> str:
        raise AssertionError("there is no need to ask the loop")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("299 Called", [("X-One", "1")])
        return [b"called"]


def _values(app: Any, flask: Any) -> None:
    results = {
        "str": lambda: "ü",
        "bytes": lambda: b"\x00\xff",
        "dict": lambda: {"b": 1, "a": [1.5, None, True, "ü"]},
        "list": lambda: [1, 2],
        "status": lambda: ("created", 201),
        "status-text": lambda: ("odd", "299 My Own"),
        "headers": lambda: ("x", {"X-One": "1"}),
        "both": lambda: ({"a": 1}, 202, {"X-One": "1"}),
        "pairs": lambda: ("x", 203, [("X-Two", "1"), ("X-Two", "2")]),
        "jsonify": lambda: flask.jsonify(
            a=1, when=datetime(2020, 1, 2, tzinfo=UTC), d=Decimal("1.5"), u=uuid.UUID(int=1)
        ),
        "jsonify-many": lambda: flask.jsonify(1, 2),
        "response": lambda: flask.Response("r", status=404, mimetype="text/plain"),
        "made": lambda: flask.make_response("m", 400, {"X-M": "1"}),
        "response-tuple": lambda: (flask.Response("r", mimetype="text/css"), 206, {"X-R": "1"}),
        "stream": lambda: iter(["a", "b", "c"]),
        "no-content": lambda: ("", 204),
        "xml": lambda: flask.Response("<a/>", mimetype="application/xml"),
        "redirect": lambda: flask.redirect("/int/1?a=b&c"),
        "redirect-301": lambda: flask.redirect("https://example.org/ü", 301),
        "none": lambda: None,
        "number": lambda: 7,
        "quadruple": lambda: (1, 2, 3, 4),
        "body-of-both-kinds": lambda: flask.Response(BothKinds(), mimetype="text/plain"),
        "application-of-both-kinds": BothKinds,
        "dictionary-of-headers": lambda: with_headers({"X-One": "1", "Location": "/int/1"}),
    }

    def with_headers(headers: Any) -> Any:
        response = flask.make_response("x", 418)
        response.headers = headers
        return response

    @app.get("/value/<kind>")
    def value(kind: str) -> Any:
        return results[kind]()

    @app.get("/cookies")
    def cookies() -> Any:
        response = flask.make_response(flask.request.cookies)
        response.set_cookie("a", "b c;d", max_age=60, httponly=True, samesite="Lax")
        response.set_cookie("plain", "1", path="/x", secure=True)
        response.delete_cookie("gone")
        return response

    @app.get("/stream-context")
    def stream_context() -> Any:
        def pieces() -> Any:
            yield "from "
            yield flask.request.path

        return flask.Response(flask.stream_with_context(pieces()), mimetype="text/plain")

    @app.get("/after-this")
    def after_this() -> str:
        @flask.after_this_request
        def add(response: Any) -> Any:
            response.headers["X-This"] = response.headers.get("X-After", "before the others")
            return response

        return "x"


def _requests(app: Any, flask: Any) -> None:
    @app.route("/echo", methods=["GET", "POST", "PUT"])
    def echo() -> dict[str, Any]:
        r = flask.request
        return {
            "args": r.args.to_dict(flat=False),
            "form": r.form.to_dict(flat=False),
            "values": r.values.to_dict(flat=False),
            "data": r.data.decode(),
            "method": r.method,
            "path": r.path,
            "full_path": r.full_path,
            "url": r.url,
            "base_url": r.base_url,
            "host": r.host,
            "host_url": r.host_url,
            "url_root": r.url_root,
            "endpoint": r.endpoint,
            "blueprint": r.blueprint,
            "blueprints": r.blueprints,
            "view_args": r.view_args,
            "rule": str(r.url_rule),
            "is_json": r.is_json,
            "mimetype": r.mimetype,
            "content_type": r.content_type,
            "content_length": r.content_length,
            "best": r.accept_mimetypes.best_match(["application/json", "text/html"]),
            "is_secure": r.is_secure,
            "scheme": r.scheme,
            "x": r.headers.get("x-thing"),
            "user": r.authorization.username if r.authorization else None,
            "query": r.query_string.decode(),
            "cookies": r.cookies.to_dict(),
        }

    @app.post("/json")
    def body() -> Any:
        return flask.jsonify(got=flask.request.json)

    @app.post("/json/<how>")
    def body_how(how: str) -> Any:
        return flask.jsonify(flask.request.get_json(force="force" in how, silent="silent" in how))

    @app.get("/need")
    def need() -> str:
        return str(flask.request.args["missing"])

    @app.get("/number")
    def number() -> dict[str, Any]:
        args = flask.request.args
        return {"n": args.get("n", 7, type=int), "all": args.getlist("n"), "in": "n" in args}

    @app.post("/upload")
    def upload() -> Any:
        file = flask.request.files["f"]
        return {
            "filename": file.filename,
            "content": file.read().decode(),
            "type": file.mimetype,
            "form": flask.request.form.to_dict(),
        }


def _sessions(app: Any, flask: Any) -> None:
    session = flask.session

    @app.get("/session/set")
    def set_session() -> str:
        session["text"] = "hällo"
        session["tuple"] = (1, 2)
        session["bytes"] = b"\x00"
        session["uuid"] = uuid.UUID(int=7)
        session["when"] = datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
        session["dict"] = {" t": 1}
        return "set"

    @app.get("/session/show")
    def show() -> dict[str, str]:
        return {key: repr(session[key]) for key in sorted(session)}

    @app.get("/session/in")
    def within() -> str:
        return str("text" in session)

    @app.get("/session/len")
    def length() -> str:
        return str(len(session))

    @app.get("/session/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    @app.get("/session/permanent")
    def permanent() -> str:
        session.permanent = True
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/session/untouched")
    def untouched() -> str:
        return "-"

    @app.get("/flash")
    def flash() -> Any:
        flask.flash("one")
        flask.flash("two", "error")
        return flask.redirect(flask.url_for("flashed"))

    @app.get("/flashed")
    def flashed() -> list[Any]:
        return [list(pair) for pair in flask.get_flashed_messages(with_categories=True)]


def _errors(app: Any, flask: Any) -> None:
    class Mine(Exception):
        pass

    class Nearer(Mine):
        pass

    @app.errorhandler(Mine)
    def mine(error: Exception) -> Any:
        return f"mine {type(error).__name__}", 418

    @app.errorhandler(403)
    def forbidden(error: Any) -> Any:
        return f"forbidden: {error.code} {error.name} {error.description}", 403

    @app.get("/raise/<kind>")
    def raised(kind: str) -> str:
        raise {"mine": Mine, "nearer": Nearer, "value": ValueError}[kind]("x")

    @app.get("/abort/<int:code>")
    def aborted(code: int) -> str:
        flask.abort(code)

    @app.get("/abort-text/<int:code>")
    def aborted_text(code: int) -> str:
        flask.abort(code, "because <of> this")

    @app.get("/abort-response")
    def aborted_response() -> str:
        flask.abort(flask.Response("whole", 299))


def _templates(app: Any, flask: Any) -> None:
    @app.context_processor
    def processor() -> dict[str, Any]:
        return {"added": "processed", "name": "overridden"}

    @app.template_filter("loud")
    def loud(text: str) -> str:
        return text.upper()

    @app.template_test("short")
    def short_text(text: str) -> bool:
        return len(text) < 3

    @app.template_global("twice")
    def twice(text: str) -> str:
        return text * 2

    @app.get("/template")
    def template() -> str:
        return flask.render_template("hello.html", name="<b>")

    @app.get("/template-plain")
    def template_plain() -> str:
        return flask.render_template("plain.txt", value="<b>")

    @app.get("/template-string")
    def template_string() -> str:
        return flask.render_template_string(
            "{{ x }} {{ added }} {{ 'a'|loud }} {{ 'ab' is short }} {{ twice('z') }} {{ url_for('leaf') }}"
            " {{ config.TESTING }} {{ session.get('nothing') }} {{ g.get('nothing', 'no') }} {{ missing }}|",
            x="<i>",
        )

    @app.get("/template-stream")
    def template_stream() -> Any:
        return flask.stream_template("hello.html", name="&")

    @app.get("/template-missing")
    def template_missing() -> str:
        return flask.render_template("nowhere.html")

    @app.get("/send")
    def send() -> Any:
        return flask.send_file("static/site.css")

    @app.get("/download")
    def download() -> Any:
        return flask.send_file("static/site.css", as_attachment=True, download_name="ü.css", max_age=60)

    @app.get("/from/<path:name>")
    def from_directory(name: str) -> Any:
        return flask.send_from_directory("static", name)


def _blueprints(app: Any, flask: Any) -> None:
    trace = app.trace
    shop = flask.Blueprint("shop", "tests.fenrir.flask.twin", url_prefix="/shop")
    admin = flask.Blueprint("admin", "tests.fenrir.flask.twin", url_prefix="/admin")

    class Lost(Exception):
        pass

    @shop.before_request
    def shop_before() -> None:
        trace.append("shop before")

    @shop.after_request
    def shop_after(response: Any) -> Any:
        trace.append("shop after")
        response.headers["X-Shop"] = "1"
        return response

    @shop.teardown_request
    def shop_teardown(exc: Any) -> None:
        trace.append(f"shop teardown {exc!r}")

    @shop.get("/item/<int:n>")
    def item(n: int) -> dict[str, Any]:
        r = flask.request
        return {
            "n": n,
            "endpoint": r.endpoint,
            "blueprint": r.blueprint,
            "near": flask.url_for(".item", n=2),
            "lang": flask.g.get("lang"),
        }

    @shop.get("/lost")
    def lost() -> str:
        raise Lost

    @shop.get("/fail")
    def fail() -> str:
        raise ValueError("fail")

    @shop.errorhandler(Lost)
    def found(error: Exception) -> Any:
        return "lost and found", 410

    @shop.app_errorhandler(409)
    def conflict(error: Any) -> Any:
        return "app conflict", 409

    @admin.before_request
    def admin_before() -> Any:
        trace.append("admin before")
        if "stop" in flask.request.args:
            return "stopped", 401
        return None

    @admin.get("/")
    def home() -> str:
        return f"{flask.request.endpoint} {flask.request.blueprints}"

    shop.register_blueprint(admin)

    language = flask.Blueprint("language", "tests.fenrir.flask.twin", url_prefix="/<lang>/doc")

    @language.url_value_preprocessor
    def take(endpoint: str, values: dict[str, Any]) -> None:
        flask.g.lang = values.pop("lang")

    @language.url_defaults
    def put(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", flask.g.lang)

    @language.get("/<name>")
    def document(name: str) -> str:
        return f"{flask.g.lang} {name} {flask.url_for('language.document', name='other')}"

    app.register_blueprint(shop)
    app.register_blueprint(language)
    app.register_blueprint(admin, url_prefix="/second", name="second")

    @app.before_request
    def before() -> Any:
        trace.append("before")
        if flask.request.args.get("answer") == "early":
            return "early"
        return None

    @app.before_request
    def before_again() -> None:
        trace.append("before again")

    @app.after_request
    def after(response: Any) -> Any:
        trace.append("after")
        response.headers["X-After"] = "1"
        return response

    @app.after_request
    def after_again(response: Any) -> Any:
        trace.append("after again")
        return response

    @app.teardown_request
    def teardown(exc: Any) -> None:
        trace.append(f"teardown {exc!r}")

    @app.teardown_appcontext
    def teardown_app(exc: Any) -> None:
        trace.append(f"teardown app {exc!r}")


def _views(app: Any, flask: Any) -> None:
    from importlib import import_module

    views = import_module(f"{flask.__name__}.views")

    class Counter(views.MethodView):  # type: ignore[misc]
        def __init__(self, start: int) -> None:
            self.start = start

        def get(self, n: int) -> dict[str, Any]:
            return {"n": n + self.start}

        def post(self, n: int) -> str:
            return "posted"

    class Simple(views.View):  # type: ignore[misc]
        methods = ("GET", "POST")

        def dispatch_request(self) -> str:
            return f"simple {flask.request.method}"

    app.add_url_rule("/counter/<int:n>", view_func=Counter.as_view("counter", 10))
    app.add_url_rule("/simple", view_func=Simple.as_view("simple"))

    @app.get("/async")
    async def awaited() -> dict[str, Any]:
        return {"path": flask.request.path}
