"""What takes a short way here gives what upstream's way gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import flask as upstream
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fenrir.flask as ours
from fenrir.core.context import RequestContext
from fenrir.testing import Client
from fenrir.testing.exchange import MemoryExchange

MIMETYPES = (None, "text/plain", "application/json", "text/html", "image/svg+xml", "application/javascript", "x", "")


def shown(package: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        made = package.Response(*args, **kwargs)
    except Exception as exc:
        return type(exc), str(exc)
    values = (made.status, made.status_code, list(made.headers), made.mimetype, made.content_type, made.content_length)
    return values, made.get_data(), made.direct_passthrough, made.is_sequence, made.response, repr(made)


@given(
    st.sampled_from(["", "text", "ü", b"", b"bytes", bytearray(b"b"), None, ["a", b"b"]]),
    st.sampled_from([None, 200, "201 Made", 204]),
    st.sampled_from([None, {}, {"X-A": "1"}, [("Content-Type", "x/y")], [("content-length", "1")]]),
    st.sampled_from([*MIMETYPES, "a\nb"]),
    st.sampled_from([None, "text/css"]),
    st.booleans(),
)
def test_responses(body: Any, status: Any, headers: Any, mimetype: Any, kind: Any, direct: bool) -> None:
    arguments = (body, status, headers, mimetype, kind, direct)
    assert shown(ours, *arguments) == shown(upstream, *arguments)


def test_a_class_of_ones_own() -> None:
    def classes(package: Any) -> list[Any]:
        class Json(package.Response):  # type: ignore[misc, name-defined]
            default_mimetype = "application/json"
            default_status = 202

        class Free(package.Response):  # type: ignore[misc, name-defined]
            automatically_set_content_length = False

        return [(made.status, list(made.headers), made.get_data()) for made in (Json("{}"), Free(b"x"))]

    assert classes(ours) == classes(upstream)


@given(st.text(alphabet="ab=&%2+;é\x00/?", max_size=20))
def test_arguments(query: str) -> None:
    raw = query.encode()
    environ = {"QUERY_STRING": raw.decode("latin-1"), "REQUEST_METHOD": "GET", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    expected = upstream.Request({**environ, "wsgi.url_scheme": "http"}).args
    made = ours.Request.of(RequestContext(MemoryExchange(query=raw), cast(Any, None))).args
    assert type(made) is type(expected) and made == expected
    assert list(made.items(multi=True)) == list(expected.items(multi=True))


VALUES: list[Any] = [
    {"b": 1, "a": [1.5, None, True, "ü</script>"]},
    [{"when": datetime(2024, 1, 2, 3, 4, tzinfo=UTC)}, Decimal("1.10")],
    {"inf": float("inf"), "big": 10**30},
    {1: "keys", 2: "of other types"},
    {"unknown": object},
    {"mixed": {1: 1, "a": 2}},
    [],
    {},
    "text",
    b"bytes",
    "ü",
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_of_views(value: Any) -> None:
    def answer(package: Any) -> Any:
        app = package.Flask("views")
        app.logger.disabled = True
        app.get("/")(lambda: value)
        made = app.test_client().get("/")
        return made.status, made.headers.get("content-type"), made.get_data()

    expected = answer(upstream)
    assert answer(ours) == expected
    app = ours.Flask("views")
    app.logger.disabled = True
    app.get("/")(lambda: value)
    with Client(app) as client:
        made = client.get("/")
        headers = dict(made.headers)
        assert (str(made.status_code), headers["content-type"], made.content) == (expected[0][:3], *expected[1:])


@pytest.mark.parametrize("value", ["text", {"a": 1}, "response"])
def test_a_response_class_of_ones_own_sees_every_value(value: Any) -> None:
    class Marked(ours.Response):
        def get_wsgi_headers(self, environ: Any) -> Any:
            headers = super().get_wsgi_headers(environ)
            headers["X-Marked"] = "yes"
            return headers

    app = ours.Flask("own")
    app.response_class = Marked
    app.get("/")(lambda: ours.Response("plain") if value == "response" else value)
    with Client(app) as client:
        assert dict(client.get("/").headers)["x-marked"] == "yes"


def test_a_value_in_a_circle_says_so() -> None:
    app = ours.Flask("circle")
    value: dict[str, Any] = {}
    value["self"] = [value]
    app.get("/")(lambda: value)
    for _ in range(2):
        with pytest.raises(ValueError, match="Circular reference detected"):
            app.json.response(value)
    app.testing = True
    with pytest.raises(ValueError, match="Circular reference detected"):
        app.test_client().get("/")


def test_a_request_is_what_it_is_set_to() -> None:
    app = ours.Flask("set")

    @app.get("/<name>")
    def view(name: str) -> Any:
        request = ours.request._get_current_object()  # type: ignore[attr-defined]
        request.method, request.path, request.query_string = "PUT", "/other", b"a=1"
        request.view_args = {"name": "other"}
        return [request.method, request.path, request.args["a"], request.view_args, request.url, request.url_rule.rule]

    with Client(app) as client:
        assert client.get("/x?b=2").json() == [
            "PUT", "/other", "1", {"name": "other"}, "http://testserver/other?a=1", "/<name>",
        ]  # fmt: skip
