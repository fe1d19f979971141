"""Sessions: the cookie's format, what is refused, and what a response must say."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import flask as upstream
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from fenrir.core.reply import Reply
from fenrir.flask import Flask, session
from fenrir.kit.sessions import JSONTag, Session, SessionConfig, SignedCookies, TaggedJSONSerializer, save_session
from fenrir.testing import Client

KEY = "k" * 32


def oracle(key: str = KEY, **config: Any) -> Any:
    """Return the serializer of a real Flask."""
    app = upstream.Flask("oracle")
    app.secret_key = key
    app.config.update(config)
    return app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]


VALUES = {
    "text": "hällo",
    "tuple": (1, (2, "x")),
    "bytes": b"\x00\xff",
    "markup": Markup("<b>"),
    "uuid": uuid.UUID(int=5),
    "when": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    "tag": {" t": [1]},
    "tagged twice": {" di": {" t__": 1}},
    "list": [1, None, True, 1.5, {"a": (1,)}],
}


def test_a_real_flask_reads_what_we_write_and_the_other_way_round() -> None:
    cookies = SignedCookies(KEY)
    assert oracle().loads(cookies.write(VALUES)) == VALUES
    assert cookies.read(oracle().dumps(VALUES)) == VALUES


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary() | st.uuids()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), values))
def test_tagged_json_returns_what_it_was_given(data: dict[str, Any]) -> None:
    assert TaggedJSONSerializer().loads(TaggedJSONSerializer().dumps(data)) == data


def test_tags_can_be_added() -> None:
    json = TaggedJSONSerializer()

    class Complex(JSONTag):
        key = " c"

        def check(self, value: Any) -> bool:
            return isinstance(value, complex)

        def to_json(self, value: Any) -> Any:
            return [value.real, value.imag]

        def to_python(self, value: Any) -> Any:
            return complex(*value)

    json.register(Complex)
    assert json.loads(json.dumps({"c": 1 + 2j})) == {"c": 1 + 2j}
    with pytest.raises(KeyError):
        json.register(Complex)


def test_whatever_is_not_ours_is_nothing() -> None:
    cookies = SignedCookies(KEY)
    good = cookies.write({"user": 1})
    payload, _, rest = good.partition(".")
    bad = [
        "", ".", "..", "a.b.c", good[:-1], good + "x", good.replace(".", "", 1), f"{payload}x.{rest}", good[::-1],
        oracle("another key").dumps({"user": 1}), "\x00", "ü" * 10, good.split(".")[0],
        SignedCookies(KEY, salt="other").write({"user": 1}),
        # Signed by us, but not a session.
        oracle().dumps([1]),
    ]  # fmt: skip
    assert [cookies.read(value) for value in bad] == [None] * len(bad)
    assert cookies.read(good) == {"user": 1}


def test_an_old_cookie_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = SignedCookies(KEY)
    value = cookies.write({"user": 1})
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100)
    assert cookies.read(value, max_age=90) is None
    assert cookies.read(value, max_age=110) == {"user": 1}


def test_keys_rotate() -> None:
    old = SignedCookies("old").write({"n": 1})
    older = SignedCookies("older").write({"n": 2})
    now = SignedCookies("new", ["old", "older"])
    assert now.read(old) == {"n": 1}
    assert now.read(older) == {"n": 2}
    assert SignedCookies("new").read(now.write({"n": 3})) == {"n": 3}
    assert oracle("new", SECRET_KEY_FALLBACKS=["older", "old"]).loads(old) == {"n": 1}


def test_keys_are_never_shown() -> None:
    config = SessionConfig(secret_key="hidden key", fallbacks=("older hidden",))
    assert "hidden" not in repr(config)
    app = Flask("x")
    app.secret_key = "hidden key"
    assert "hidden" not in repr(app.config) + repr(app) + repr(vars(app.engine))


def test_without_a_key_reading_finds_nothing_and_writing_is_an_error() -> None:
    for key in (None, "", b""):
        config = SessionConfig(secret_key=key)
        assert config.cookies is None
    session = Session(writable=False)
    assert session.get("x") is None
    assert "x" not in session
    for write in (
        lambda: session.__setitem__("a", 1),
        lambda: session.pop("a", None),
        session.clear,
        lambda: session.setdefault("a"),
        lambda: session.update(a=1),
        session.regenerate,
    ):
        with pytest.raises(RuntimeError, match="no secret key was set"):
            write()


@pytest.mark.parametrize(
    "use",
    [
        lambda s: "x" in s,
        len,
        list,
        bool,
        lambda s: s.get("x"),
        lambda s: s == {},
        lambda s: s.new,
        lambda s: s.permanent,
        lambda s: s.copy(),
        lambda s: s.items().__len__(),
        lambda s: s | {},
        lambda s: {} | s,
        lambda s: list(reversed(s)),
        lambda s: s.pop("x", None),
        lambda s: s.setdefault("x", 1),
    ],
)
def test_every_use_varies_the_response(use: Any) -> None:
    session = Session()
    reply = Reply()
    save_session(session, SessionConfig(secret_key=KEY), reply)
    assert "vary" not in reply.headers
    use(session)
    save_session(session, SessionConfig(secret_key=KEY), reply)
    assert reply.headers.get("vary") == "Cookie"


def test_looking_at_its_repr_is_no_use_and_shows_no_values() -> None:
    session = Session(lambda: {"token": "secret value"})
    repr(session)
    assert not session.accessed
    assert session["token"]
    assert "secret value" not in repr(session)


def test_a_session_joins_and_turns_round_as_a_dictionary_does() -> None:
    session = Session(lambda: {"a": 1, "b": 2})
    assert session | {"b": 3} == {"a": 1, "b": 3}
    assert {"b": 3, "c": 4} | session == {"a": 1, "b": 2, "c": 4}
    assert list(reversed(session)) == ["b", "a"]


def test_only_changes_count_as_modified() -> None:
    session = Session(lambda: {"a": 1})
    session.setdefault("a", 2)
    session.pop("b", None)
    with pytest.raises(KeyError):
        del session["b"]
    assert not session.modified
    session.regenerate()
    assert session.modified and session.renewed and session["a"] == 1


def saved(session: Session, **config: Any) -> Reply:
    """Return a reply into which a session was saved."""
    reply = Reply()
    save_session(session, SessionConfig(secret_key=KEY, **config), reply)
    return reply


def test_the_cookie_has_the_options_of_the_configuration() -> None:
    session = Session()
    session["a"] = 1
    cookie = saved(
        session, cookie_name="s", domain="example.org", path="/x", secure=True, samesite="strict", partitioned=True
    ).headers["set-cookie"]
    assert cookie.startswith("s=")
    assert cookie.partition("; ")[2] == ("Domain=example.org; Secure; HttpOnly; Path=/x; SameSite=Strict; Partitioned")


def test_a_response_with_the_cookie_is_private() -> None:
    session = Session()
    session["a"] = 1
    assert saved(session).headers["cache-control"] == "private"
    assert "cache-control" not in saved(session, private=False).headers


def test_an_emptied_session_deletes_its_cookie() -> None:
    session = Session(lambda: {"a": 1})
    session.clear()
    assert "Max-Age=0" in saved(session).headers["set-cookie"]


def test_permanent_sessions_have_an_end_and_are_refreshed() -> None:
    session = Session(lambda: {"_permanent": True})
    assert "Expires=" in saved(session, lifetime=timedelta(hours=1)).headers["set-cookie"]
    assert "set-cookie" not in saved(session, refresh_each_request=False).headers


def test_values_that_can_not_be_kept_are_errors() -> None:
    session = Session()
    session["a"] = object()
    with pytest.raises(TypeError):
        saved(session)


@pytest.fixture(params=["direct", "asgi"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    app = Flask(__name__)
    app.secret_key = KEY

    @app.get("/login/<user>")
    def login(user: str) -> str:
        session.regenerate()
        session["user"] = user
        return "in"

    @app.get("/who")
    def who() -> str:
        return str(session.get("user"))

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    client = Client(app, door=request.param)
    yield client
    client.close()


def test_a_session_from_login_to_the_next_request(client: Client) -> None:
    assert client.get("/who").text == "None"
    client.get("/login/ada")
    answer = client.get("/who")
    assert (answer.text, answer.headers.get("vary")) == ("ada", "Cookie")
    assert "vary" not in client.get("/plain").headers
    client.cookies["session"] = client.cookies["session"][:-2] + "xx"
    assert client.get("/who").text == "None"
