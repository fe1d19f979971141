"""JSON beside a real Flask: what is written, what is read, with and without an application."""

from __future__ import annotations

import dataclasses
import decimal
import io
import uuid
from datetime import UTC, date, datetime
from typing import Any

import flask as upstream
import pytest
from markupsafe import Markup

from fenrir import flask as ours


@dataclasses.dataclass
class Point:
    x: int
    y: decimal.Decimal


VALUES = [
    {"b": 1, "a": [1.5, None, True, "ü"]},
    {"when": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "day": date(2020, 1, 2)},
    {"id": uuid.UUID(int=7), "price": decimal.Decimal("1.50"), "point": Point(1, decimal.Decimal(2))},
    [Markup("<b>"), "</script>", float("inf")],
    {1: "number", "1": "text"},
]

TEXTS: list[str | bytes] = ["[1, 2.5, null]", b'"\xc3\xbc"', "NaN", '"\\ud800"', '{"a":1,"a":2}', "[", "", "1e999"]


def outcome(call: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return repr(call(*args, **kwargs))
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("config", [{}, {"sort_keys": False}, {"ensure_ascii": False}, {"compact": False}], ids=str)
def test_what_is_written(value: Any, config: dict[str, Any]) -> None:
    written = []
    for flask in (upstream, ours):
        app = flask.Flask("json")
        for name, setting in config.items():
            setattr(app.json, name, setting)
        plain = outcome(flask.json.dumps, value), outcome(flask.json.dumps, value, indent=1)
        with app.app_context():
            file = io.StringIO()
            dumped = outcome(flask.json.dump, value, file), file.getvalue()
            within = outcome(flask.json.dumps, value)
            body = outcome(lambda flask=flask: flask.jsonify(value).data)
        written.append((plain, dumped, within, body))
    assert written[0] == written[1]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_read(text: str | bytes) -> None:
    read = []
    for flask in (upstream, ours):
        app = flask.Flask("json")
        with app.app_context():
            within = outcome(flask.json.loads, text), outcome(flask.json.loads, text, parse_float=str)
        read.append((outcome(flask.json.loads, text), within))
    assert read[0] == read[1]


def test_a_body_nested_without_end_is_the_clients_mistake() -> None:
    app = ours.Flask("json")
    app.add_url_rule("/", "index", lambda: ours.jsonify(ours.request.get_json()), methods=["POST"])
    answer = app.test_client().post("/", data="[" * 100_000, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("flask", [upstream, ours], ids=["flask", "fenrir"])
def test_a_provider_of_ones_own(flask: Any) -> None:
    class Provider(flask.json.provider.JSONProvider):  # type: ignore[misc]
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return f"<{obj}>"

        def loads(self, s: Any, **kwargs: Any) -> Any:
            return ["read", s.decode()]

    app = flask.Flask("json")
    app.json = Provider(app)
    app.add_url_rule("/", "index", lambda: flask.jsonify(flask.request.get_json()), methods=["POST"])
    app.add_url_rule("/dict", "plain", lambda: {"a": 1})
    client = app.test_client()
    answer = client.post("/", data="x", content_type="application/json")
    assert (answer.data, answer.content_type) == (b"<['read', 'x']>", "application/json")
    assert client.get("/dict").data == b"<{'a': 1}>"
