"""Flask-Login: logging in and out, being remembered, pages that need a login, and the user of a request."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, g, render_template_string, request, session
from flask_login import (
    FlaskLoginClient,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
    user_logged_in,
)


class User(UserMixin):
    def __init__(self, id: str) -> None:
        self.id = id


USERS = {"1": User("1"), "2": User("2")}


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="key", TESTING=True)
    manager = LoginManager(app)
    manager.login_view = "account.login"
    manager.user_loader(USERS.get)

    @manager.request_loader
    def by_key(request: object) -> User | None:
        return USERS.get(request.headers.get("X-Key", ""))  # type: ignore[attr-defined]

    account = Blueprint("account", __name__)

    @account.route("/login", methods=["GET", "POST"])
    def login() -> str:
        if request.method == "GET":
            return "who are you?"
        return str(login_user(USERS[request.form["id"]], remember="remember" in request.form))

    @account.get("/logout")
    @login_required
    def logout() -> str:
        return str(logout_user())

    @account.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    app.register_blueprint(account)

    @app.get("/me")
    @login_required
    def me() -> str:
        return render_template_string("{{ current_user.id }} {{ current_user.is_authenticated }}")

    @app.get("/me/async")
    @login_required
    async def me_async() -> str:
        return str(current_user.id)

    @app.get("/fresh")
    @fresh_login_required
    def fresh() -> str:
        return "fresh"

    @app.get("/open")
    def anyone() -> str:
        return str(current_user.is_anonymous)

    return app


def test_a_page_that_needs_a_login_leads_there(app: Flask) -> None:
    answer = app.test_client().get("/me")
    assert (answer.status_code, answer.location) == (302, "/login?next=%2Fme")
    assert app.test_client().get("/me", follow_redirects=True).text == "who are you?"


def test_in_and_out(app: Flask) -> None:
    with app.test_client() as client:
        assert client.get("/open").text == "True"
        client.post("/login", data={"id": "1"})
        assert session["_user_id"] == "1" and g._login_user.id == "1"
        assert client.get("/me").text == "1 True"
        assert client.get("/me/async").text == "1"
        assert client.get("/logout").text == "True"
        assert client.get("/me").status_code == 302


def test_remembered_but_not_fresh(app: Flask) -> None:
    client = app.test_client()
    client.post("/login", data={"id": "2", "remember": "1"})
    assert client.get("/fresh").text == "fresh"
    client.delete_cookie("session")
    assert client.get("/me").text == "2 True"
    assert client.get("/fresh").status_code == 401
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"


def test_a_key_instead_of_a_session(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/me", headers={"X-Key": "2"}).text == "2 True"
    assert client.get("/me", headers={"X-Key": "3"}).status_code == 302


def test_signals_and_the_test_client(app: Flask) -> None:
    seen = []
    with user_logged_in.connected_to(lambda sender, user: seen.append(user.id), app):
        app.test_client().post("/login", data={"id": "1"})
    assert seen == ["1"]
    app.test_client_class = FlaskLoginClient
    with app.test_client(user=USERS["2"]) as client:
        assert client.get("/me").text == "2 True"
