"""Responses, requests and headers: the same expressions on a real Flask and on ours."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import flask as upstream
import pytest

from fenrir import flask as ours


def both(run: Any) -> None:
    """Assert that a function of the package gives the same with each of them."""
    results = []
    for flask in (upstream, ours):
        app = flask.Flask("tests.fenrir.flask.twin")
        app.secret_key = "k"
        with app.test_request_context("/p/a?x=1&x=2&y=%20", headers=HEADERS, method="POST", data={"f": "1"}):
            results.append(run(flask))
    assert results[1] == results[0]


HEADERS = {
    "Accept": "text/html;q=0.8, application/json, */*;q=0.1",
    "Accept-Language": "de, en;q=0.5",
    "Authorization": "Bearer abc.def",
    "Cookie": "a=1; b=2; a=3",
    "Date": "Tue, 15 Nov 1994 08:12:31 GMT",
    "Referer": "http://localhost/r",
    "User-Agent": "test/1",
    "X-Forwarded-For": "1.2.3.4, 5.6.7.8",
    "X-Number": "7",
}


def caught(call: Any) -> str:
    try:
        return repr(call())
    except Exception as error:
        return type(error).__name__


def test_responses() -> None:
    def run(flask: Any) -> Any:
        R = flask.Response
        seen: list[Any] = []
        for args in [
            ("x",),
            (b"x", 404),
            ("x", "418 I'm odd"),
            (["a", b"b"], 201),
            (None, 204),
            ("x", 200, {"X-A": "1"}),
            ("x", 200, [("X-A", "1"), ("X-A", "2")]),
            ("x", 200, None, "text/css"),
            ("x", 200, None, "application/json"),
            ("x", 200, None, None, "image/png"),
            ("x", 200, {"Content-Type": "text/x"}),
        ]:
            r = R(*args)
            seen.append((r.status, r.status_code, r.data, r.mimetype, r.content_type, r.headers.getlist("x-a")))
            seen.append((r.is_streamed, r.is_json, r.get_data(as_text=True), r.mimetype_params))
        r = R(iter(["a", "b"]))
        seen += [r.is_streamed, r.data, r.is_streamed]
        r = R('{"a": 1}', mimetype="application/json")
        seen += [r.json, r.get_json(), R("x").get_json(silent=True), caught(lambda: R("{", mimetype="text/json").json)]
        r = R("x")
        r.status = "299 Mine"
        seen.append((r.status_code, r.status))
        r.status_code = 404
        r.data = "längeres"
        r.mimetype = "text/plain"
        r.location = "/x"
        r.last_modified = datetime(2020, 1, 2, tzinfo=UTC)
        r.vary.add("Cookie")
        r.vary.update(["Accept", "cookie"])
        r.set_etag("abc")
        r.headers.remove("content-length")
        seen += [r.status, r.data, sorted((k.lower(), v) for k, v in r.headers.items()), r.get_etag()]
        seen += ["cookie" in r.vary, r.last_modified]
        for call in (lambda: R("x", status=""), lambda: R("x", headers={"X": "a\r\nb"}), lambda: r.headers["none"]):
            seen.append(caught(call))
        return seen

    both(run)


def test_headers_of_responses() -> None:
    def run(flask: Any) -> Any:
        h = flask.Response("x").headers
        h["X-One"] = "1"
        h.add("X-Two", "1")
        h.add("X-Two", "2")
        h.add("X-Params", "v", name="a b", other=None)
        h.setdefault("X-One", "9")
        h.extend({"X-List": ["1", "2"]})
        h.update({"X-Two": "3"})
        seen: list[Any] = [h["x-one"], h.getlist("x-two"), h.get("x-list"), h.getlist("X-List"), h["x-params"]]
        seen += [h.get("none"), h.get("none", 5), h.get("x-one", type=int), "X-ONE" in h]
        seen += [h.pop("x-one"), h.pop("x-one", "gone"), [v for _, v in h], h.get("x-two", type=float)]
        h.remove("x-two")
        del h["x-list"]
        h.set("X-Set", "s")
        return [*seen, [(k.lower(), v) for k, v in h.items()], list(h.values())]

    both(run)


def test_requests() -> None:
    def run(flask: Any) -> Any:
        r = flask.request
        a = r.accept_mimetypes
        seen: list[Any] = [r.args["x"], r.args.getlist("x"), r.args.get("y"), r.args.get("z", 5), r.args.to_dict()]
        seen += [r.args.get("y", type=int), list(r.args), list(r.args.items(multi=True)), "x" in r.args, len(r.args)]
        seen += [r.values["f"], r.form.get("f", type=int), caught(lambda: r.args["none"]), bool(r.files)]
        seen += [a.best_match(["text/html", "application/json"]), a["text/html"], "text/html" in a]
        seen += [a.accept_json, a.best]
        seen += [a.best_match(["image/png"], "none"), r.accept_languages.best_match(["en", "de"])]
        seen += [r.authorization.type, r.authorization.token, r.cookies["b"], r.date, r.referrer, str(r.user_agent)]
        seen += [list(r.access_route), r.headers["x-number"], r.headers.get("X-Number", type=int)]
        seen += ["x-number" in r.headers]
        seen += [caught(lambda: r.headers["none"]), r.mimetype, r.is_json, r.get_json(silent=True), r.query_string]
        seen += [r.full_path, r.url, r.base_url, r.root_url, r.script_root, r.remote_addr, r.method, r.is_secure]
        seen += [r.endpoint, r.view_args, r.blueprint, r.blueprints, r.url_rule, caught(lambda: r.json)]
        seen += [r.environ[k] for k in ("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "SCRIPT_NAME", "HTTP_X_NUMBER")]
        seen += [r.environ["wsgi.url_scheme"], r.environ["CONTENT_TYPE"], r.want_form_data_parsed]
        return seen

    both(run)


def test_json_functions() -> None:
    def run(flask: Any) -> Any:
        json = flask.json
        buffer = io.StringIO()
        json.dump({"b": 1, "a": "ü"}, buffer)
        flask.current_app.json.sort_keys = False
        seen: list[Any] = [buffer.getvalue(), json.dumps({"b": 1, "a": 2}), json.loads("[1]")]
        seen += [json.load(io.StringIO("2"))]
        seen += [caught(lambda: json.dumps(object())), caught(lambda: flask.jsonify(1, a=2))]
        flask.current_app.debug = True
        return [*seen, flask.jsonify({"a": [1]}).data, flask.jsonify().data]

    both(run)


def test_make_response_and_redirect() -> None:
    def run(flask: Any) -> Any:
        made = [
            flask.make_response(),
            flask.make_response("x"),
            flask.make_response("x", 201),
            flask.make_response(("x", 202, {"A": "b"})),
            flask.make_response({"a": 1}, 203),
            flask.redirect("/x", 307),
            flask.redirect("/x?a=b&c"),
        ]
        return [(r.status_code, r.data, r.content_type, r.headers.get("Location")) for r in made]

    both(run)


@pytest.mark.parametrize("attached", [True, False])
def test_files_from_memory(attached: bool) -> None:
    def run(flask: Any) -> Any:
        response = flask.send_file(
            io.BytesIO(b"abc"), download_name="a.txt", as_attachment=attached, last_modified=0, max_age=5
        )
        names = ("content-type", "content-disposition", "last-modified", "content-length", "cache-control")
        seen = [response.headers.get(name) for name in names]
        response.direct_passthrough = False
        seen.append(response.get_data())
        response.close()
        return [*seen, caught(lambda: flask.send_file(io.BytesIO(b"")))]

    both(run)


def test_folders_of_blueprints() -> None:
    def run(flask: Any) -> Any:
        app = flask.Flask("tests.fenrir.flask.twin")
        part = flask.Blueprint(
            "part",
            "tests.fenrir.flask.twin",
            template_folder="part/templates",
            static_folder="part/files",
            static_url_path="/assets",
            url_prefix="/part",
        )

        @part.get("/")
        def index() -> str:
            one = flask.render_template("part.html", x="<")
            return f"{one} {flask.render_template('hello.html')} {flask.url_for('.static', filename='a.txt')}"

        @part.context_processor
        def processor() -> dict[str, str]:
            return {"name": "of the part"}

        @part.app_template_filter()
        def twice(text: str) -> str:
            return text * 2

        @part.app_template_global()
        def seven() -> int:
            return 7

        app.register_blueprint(part)
        client = app.test_client()
        seen = []
        for path in ("/part/", "/part/assets/a.txt", "/part/assets/none", "/part/assets/../twin.py"):
            answer = client.get(path)
            seen.append((answer.status_code, answer.get_data()))
            answer.close()
        with app.test_request_context("/"):
            seen.append((0, flask.render_template_string("{{ 'a'|twice }}{{ seven() }}{{ name }}").encode()))
        return seen

    both(run)
