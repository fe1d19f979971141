"""Sessions beside a real Flask: the same cookies, readable by either, and interfaces of one's own."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import flask as upstream
import pytest

from fenrir import flask as ours
from fenrir.flask import sessions
from fenrir.testing import Client

FLASKS = pytest.mark.parametrize(("one", "other"), [(upstream, ours), (ours, upstream)], ids=["read", "written"])


def make(flask: Any, **config: Any) -> Any:
    app = flask.Flask("sessions")
    app.config.update(SECRET_KEY="key", **config)

    @app.get("/set")
    def put() -> str:
        flask.session["value"] = ("tuple", b"bytes")
        return ""

    @app.get("/permanent")
    def permanent() -> str:
        flask.session.permanent = True
        return ""

    @app.get("/get")
    def get() -> str:
        return repr(flask.session.get("value"))

    @app.get("/clear")
    def clear() -> str:
        flask.session.clear()
        return ""

    return app


def cookies(app: Any, *paths: str) -> list[str]:
    """Return what Set-Cookie says, without the signed value and the moment."""
    client = app.test_client()
    said = [client.get(path).headers.get("Set-Cookie", "none") for path in paths]

    def shown(part: str) -> str:
        return part.partition("=")[0] if part.startswith(("session=", "other=", "Expires=")) else part

    return ["; ".join(shown(part) for part in text.split("; ")) for text in said]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"SESSION_COOKIE_NAME": "other", "SESSION_COOKIE_DOMAIN": "example.org", "SESSION_COOKIE_PATH": "/get"},
        {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_PARTITIONED": True},
        {"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_SAMESITE": "Strict"},
        {"APPLICATION_ROOT": "/root"},
        {"SESSION_REFRESH_EACH_REQUEST": False, "PERMANENT_SESSION_LIFETIME": timedelta(hours=1)},
        {"PERMANENT_SESSION_LIFETIME": 60},
    ],
)
def test_cookies_have_the_same_attributes(config: dict[str, Any]) -> None:
    paths = ("/get", "/set", "/get", "/permanent", "/get", "/clear", "/clear")
    assert cookies(make(ours, **config), *paths) == cookies(make(upstream, **config), *paths)


@FLASKS
def test_a_cookie_of_one_is_read_by_the_other(one: Any, other: Any) -> None:
    writer = make(one).test_client()
    writer.get("/set")
    cookie = writer.get_cookie("session")
    for key, config in (("key", {}), ("new", {"SECRET_KEY_FALLBACKS": ["older", "key"]}), ("new", {})):
        app = make(other, **config)
        app.secret_key = key
        reader = app.test_client()
        reader.set_cookie("session", cookie.value)
        expected = "None" if key == "new" and not config else repr(("tuple", b"bytes"))
        assert reader.get("/get").text == expected


@FLASKS
def test_an_interface_with_a_salt_and_a_digest_of_its_own(one: Any, other: Any) -> None:
    def changed(flask: Any) -> Any:
        class Mine(flask.sessions.SecureCookieSessionInterface):  # type: ignore[misc]
            salt = "mine"
            digest_method = staticmethod(hashlib.sha256)

        app = make(flask)
        app.session_interface = Mine()
        return app.test_client()

    writer, reader, plain = changed(one), changed(other), make(other).test_client()
    writer.get("/set")
    for client in (reader, plain):
        client.set_cookie("session", writer.get_cookie("session").value)
    assert reader.get("/get").text == repr(("tuple", b"bytes"))
    assert plain.get("/get").text == "None"


class Stored(sessions.SessionInterface):
    """Keeps sessions in a dictionary."""

    class Session(dict[str, Any], sessions.SessionMixin):
        id: str

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def open_session(self, app: Any, request: Any) -> Any:
        self.asked.append(request.path)
        session = self.Session(self.kept.get(request.cookies.get("id"), {}))
        session.id = request.cookies.get("id") or str(len(self.asked))
        return session

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        self.kept[session.id] = dict(session)
        response.set_cookie("id", session.id)


@pytest.mark.parametrize("door", ["direct", "asgi", "wsgi"])
def test_sessions_that_are_stored(door: Any) -> None:
    app = make(ours)
    app.session_interface = interface = Stored()
    client = app.test_client() if door == "wsgi" else Client(app, door=door)
    client.get("/set")
    assert interface.kept == {"1": {"value": ("tuple", b"bytes")}}
    assert client.get("/get").text == repr(("tuple", b"bytes"))
    assert interface.asked == ["/set", "/get"]


def test_a_session_is_not_opened_before_somebody_asks() -> None:
    app = make(ours)
    read: list[Any] = []

    class Watching(sessions.TaggedJSONSerializer):
        def loads(self, value: Any) -> Any:
            read.append(value)
            return super().loads(value)

    app.session_interface = interface = sessions.SecureCookieSessionInterface()
    interface.serializer = Watching()
    app.add_url_rule("/no", "no", lambda: "")
    client = app.test_client()
    client.get("/set")
    client.get("/no")
    before = len(read)
    client.get("/get")
    assert len(read) == before + 1


def test_without_a_key_it_is_said_what_is_missing() -> None:
    app = make(ours)
    app.secret_key = None
    app.testing = True
    client = app.test_client()
    assert client.get("/get").text == "None"
    with pytest.raises(RuntimeError, match="no secret key was set"):
        client.get("/set")
    session = app.session_interface.make_null_session(app)
    for change in (session.clear, session.popitem, lambda: session.update(a=1), lambda: session.setdefault("a")):
        with pytest.raises(RuntimeError):
            change()


def test_a_large_cookie_is_warned_of() -> None:
    app = make(ours, MAX_COOKIE_SIZE=20)
    with pytest.warns(UserWarning, match="cookie is too large"):
        app.test_client().get("/set")
