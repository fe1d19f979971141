"""One application, written once and built from either package: upstream's falcon or ours."""

from __future__ import annotations

import datetime
import http
import re
from pathlib import Path
from typing import Any


def build(falcon: Any, files: Path) -> Any:
    """Build the application of sync responders."""

    def tag(req: Any, resp: Any, resource: Any, params: Any, name: str, *, end: str = "") -> None:
        resp.append_header("x-hooks", f"before-{name}{end}")
        if "id" in params and params["id"] == "swap":
            params["id"] = "swapped"

    def done(req: Any, resp: Any, resource: Any, name: str) -> None:
        resp.append_header("x-hooks", f"after-{name}")

    def deny(req: Any, resp: Any, resource: Any, params: Any) -> None:
        raise falcon.HTTPUnauthorized(title="Who?", description="say it", challenges=["Basic", "Bearer"], code=7)

    class Things:
        def on_get(self, req: Any, resp: Any, **kw: Any) -> str:
            resp.media = {
                "params": {
                    name: value if isinstance(value, (int, float)) else str(value) for name, value in kw.items()
                },
                "query": req.params,
                "template": req.uri_template,
            }
            return "ignored"

        def on_post(self, req: Any, resp: Any, **kw: Any) -> None:
            resp.media = req.get_media()
            resp.status = falcon.HTTP_201
            resp.location = "/things/new one"

        def on_put(self, req: Any, resp: Any, **kw: Any) -> None:
            resp.data = req.bounded_stream.read()
            resp.content_type = falcon.MEDIA_TEXT

        def on_lock(self, req: Any, resp: Any, **kw: Any) -> None:
            resp.status = http.HTTPStatus.LOCKED
            resp.text = "låst"

        def on_get_list(self, req: Any, resp: Any) -> None:
            resp.text = "list"

        def on_helper(self, req: Any, resp: Any, **kw: Any) -> None:
            raise AssertionError("no verb")

    class Base:
        @falcon.before(tag, "inner")
        def on_get(self, req: Any, resp: Any, id: str) -> None:
            resp.append_header("x-hooks", "get")
            resp.media = id

        def on_post(self, req: Any, resp: Any, id: str) -> None:
            resp.media = id

    @falcon.before(tag, "class", end="!")
    @falcon.after(done, "class")
    @falcon.before(tag, "class2")
    class Hooked(Base):
        @falcon.before(deny)
        @falcon.after(done, "never")
        def on_delete(self, req: Any, resp: Any, id: str) -> None:
            resp.media = id

        def on_post(self, req: Any, resp: Any, id: str) -> None:
            super().on_post(req, resp, id)

    class Params:
        calls = {  # noqa: RUF012
            "int": lambda req: req.get_param_as_int("a", required=True, min_value=1, max_value=9),
            "float": lambda req: req.get_param_as_float("a", default=2.5),
            "uuid": lambda req: str(req.get_param_as_uuid("a")),
            "bool": lambda req: req.get_param_as_bool("a", blank_as_true=False),
            "list": lambda req: req.get_param_as_list("a", int),
            "split": lambda req: req.get_param_as_list("a", delimiter=","),
            "datetime": lambda req: str(req.get_param_as_datetime("a")),
            "date": lambda req: str(req.get_param_as_date("a")),
            "json": lambda req: req.get_param_as_json("a"),
            "dict": lambda req: req.get_param_as_dict("a", delimiter=","),
            "deep": lambda req: req.get_param_as_dict("a", deep_object=True),
            "one": lambda req: req.get_param("a", allow_multiple=False, default="none"),
            "must": lambda req: req.get_param("a", required=True),
            "has": lambda req: req.has_param("a"),
            "header": lambda req: req.get_header_as_int("X-Int", required=True),
            "when": lambda req: str(req.if_modified_since),
            "range": lambda req: [req.range, req.range_unit],
            "etags": lambda req: [[str(t), getattr(t, "is_weak", None)] for t in req.if_none_match or ()],
            "cookies": lambda req: [req.cookies, req.get_cookie_values("a")],
            "accepts": lambda req: [req.client_accepts_json, req.client_accepts_xml, req.client_accepts("text/plain")],
            "prefers": lambda req: req.client_prefers(["application/json", "text/html"]),
            "uri": lambda req: [req.path, req.relative_uri, req.query_string, req.host, req.port, req.prefix, req.uri],
            "forwarded": lambda req: [
                req.forwarded_scheme,
                req.forwarded_host,
                req.forwarded_uri,
                req.access_route[:2],
            ],
            "context": lambda req: [req.context.seen, req.method, req.content_type, req.auth, req.last_event_id],
        }

        def on_get(self, req: Any, resp: Any, call: str) -> None:
            resp.media = Params.calls[call](req)

    class Answers:
        def on_get(self, req: Any, resp: Any, kind: str) -> None:
            getattr(self, "answer_" + kind)(req, resp)

        def answer_empty(self, req: Any, resp: Any) -> None:
            pass

        def answer_none(self, req: Any, resp: Any) -> None:
            resp.status = falcon.HTTP_204

        def answer_unchanged(self, req: Any, resp: Any) -> None:
            resp.status = 304
            resp.etag = "abc"

        def answer_headers(self, req: Any, resp: Any) -> None:
            resp.text = "x"
            resp.cache_control = ["public", "max-age=3"]
            resp.vary = ("accept", "cookie")
            resp.etag = 'W/"5"'
            resp.last_modified = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
            resp.expires = datetime.datetime(2025, 5, 6, 7, 8, 9)
            resp.content_range = (0, 4, 10)
            resp.downloadable_as = "räport.pdf"
            resp.content_location = "/å b"
            resp.retry_after = 5
            resp.accept_ranges = "none"
            resp.append_header("x-many", "1")
            resp.append_header("X-Many", "2")
            resp.set_headers([("x-a", "1"), ("x-b", "2")])
            resp.delete_header("x-b")
            resp.append_link(
                "/next page", "next", title="t", hreflang=["en", "de"], anchor="/a", crossorigin="anonymous"
            )
            resp.append_link("https://x.example/", "https://rel.example/a b", title_star=("en", "ü"))

        def answer_stream(self, req: Any, resp: Any) -> None:
            resp.stream = iter([b"a", b"bc"])
            resp.content_type = "text/plain"

        def answer_file(self, req: Any, resp: Any) -> None:
            resp.set_stream((files / "hello.txt").open("rb"), 5)

        def answer_text_wins(self, req: Any, resp: Any) -> None:
            resp.media = {"a": 1}
            resp.data = b"data"
            resp.text = "text"

        def answer_teapot(self, req: Any, resp: Any) -> None:
            raise falcon.HTTPStatus(falcon.HTTP_418, {"x-tea": "yes"}, "short")

        def answer_found(self, req: Any, resp: Any) -> None:
            raise falcon.HTTPFound("/elsewhere")

        def answer_moved(self, req: Any, resp: Any) -> None:
            raise falcon.HTTPPermanentRedirect("/elsewhere")

        def answer_error(self, req: Any, resp: Any) -> None:
            resp.set_header("x-before", "kept")
            resp.media = "dropped"
            raise falcon.HTTPTooManyRequests(
                title="Slow", description="so <slow>", retry_after=30, href="https://e.example/ü", code=42
            )

        def answer_odd(self, req: Any, resp: Any) -> None:
            raise falcon.HTTPError(falcon.HTTP_792)

        def answer_key(self, req: Any, resp: Any) -> None:
            raise KeyError("mine")

        def answer_index(self, req: Any, resp: Any) -> None:
            raise IndexError("other")

        def answer_own(self, req: Any, resp: Any) -> None:
            raise Own("own")

        def answer_crash(self, req: Any, resp: Any) -> None:
            raise ArithmeticError("crash")

        def answer_urlencoded(self, req: Any, resp: Any) -> None:
            resp.content_type = falcon.MEDIA_URLENCODED
            resp.media = {"a": "1 2", "b": ["x", "y"]}

    class Own(Exception):
        @staticmethod
        def handle(req: Any, resp: Any, ex: Exception, params: Any) -> None:
            resp.status = 599
            resp.media = [str(ex), params]

    class Component:
        def process_request(self, req: Any, resp: Any) -> None:
            req.context.seen = "yes"
            if req.get_param("stop"):
                resp.complete = True
                resp.text = "stopped"
            if req.get_param("refuse"):
                raise falcon.HTTPForbidden

        def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
            resp.set_header("x-resource", type(resource).__name__ if resource else "none")
            if params.get("id") == "replace":
                params["id"] = "replaced"

        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            resp.append_header("x-after", f"{type(resource).__name__} {req_succeeded}")
            if req.get_param("rewrite"):
                resp.media = {"was": resp.text}
                resp.text = None

    class Second:
        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            resp.append_header("x-after", "second")
            if req.get_param("late"):
                raise falcon.HTTPConflict(title="late")

    app = falcon.App(middleware=[Component(), Second()])
    app.add_route("/", Things())
    app.add_route("/things", Things(), suffix="list")
    app.add_route("/things/{id}", Things())
    app.add_route("/things/{id}/parts/{part:int(2, min=10)}", Things())
    app.add_route("/things/{id}/at/{when:dt('%Y-%m')}.{ext}", Things())
    app.add_route("/files/{name}.{ext}", Things())
    app.add_route("/files/fixed.txt", Things())
    app.add_route("/floats/{f:float(max=5)}", Things())
    app.add_route("/uuids/{u:uuid}", Things())
    app.add_route("/tail/{rest:path}", Things())
    app.add_route("/slash/", Things())
    app.add_route("/hooked/{id}", Hooked())
    app.add_route("/params/{call}", Params())
    app.add_route("/answers/{kind}", Answers())
    app.add_sink(lambda req, resp, **kw: setattr(resp, "media", {"sink": kw}), r"/sink/(?P<name>\w+)")
    app.add_sink(lambda req, resp, **kw: setattr(resp, "media", "later"), re.compile("/sink/x"))
    app.add_static_route("/static", files)
    app.add_static_route("/down", files, downloadable=True, fallback_filename="hello.txt")

    def on_lookup(req: Any, resp: Any, ex: Exception, params: Any) -> None:
        resp.status = falcon.HTTP_410
        resp.media = {"type": type(ex).__name__, "params": params}

    def on_index(req: Any, resp: Any, ex: Exception, params: Any) -> None:
        raise falcon.HTTPGone(title="index")

    app.add_error_handler(LookupError, on_lookup)
    app.add_error_handler((IndexError, BufferError), on_index)
    app.add_error_handler(Own)
    return app
