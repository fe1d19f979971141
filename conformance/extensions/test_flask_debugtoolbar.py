"""Flask-DebugToolbar: a bar in the pages of an application in debug mode, with what a request did."""

from __future__ import annotations

import re

import pytest
from flask import Blueprint, Flask, jsonify, redirect, render_template_string
from flask_debugtoolbar import DebugToolbarExtension
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

PAGE = "<html><head></head><body>{{ greeting }}</body></html>"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.debug = True
    app.config.update(
        SECRET_KEY="key",
        SQLALCHEMY_DATABASE_URI="sqlite:///:memory:",
        SQLALCHEMY_RECORD_QUERIES=True,
        DEBUG_TB_INTERCEPT_REDIRECTS=True,
    )
    database = SQLAlchemy(app)
    DebugToolbarExtension(app)
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @app.get("/")
    def index() -> str:
        app.logger.warning("seen in the panel")
        return render_template_string(PAGE, greeting="hello")

    @shop.get("/<int:n>")
    def item(n: int) -> str:
        database.session.execute(text("select 41 + 1"))
        return render_template_string(PAGE, greeting=n)

    @app.get("/json")
    def plain() -> object:
        return jsonify(a=1)

    @app.get("/go")
    def go() -> object:
        return redirect("/")

    app.register_blueprint(shop)
    return app


def test_the_bar_is_in_the_page(app: Flask) -> None:
    page = app.test_client().get("/").text
    assert 'id="flDebug"' in page and page.index("hello") < page.index('id="flDebug"')
    assert "seen in the panel" in page
    for panel in ("Versions", "Time", "HTTP Headers", "Request Vars", "Config", "Templates", "Logging", "Route List"):
        assert panel in page, panel


def test_only_pages_have_it(app: Flask) -> None:
    assert app.test_client().get("/json").json == {"a": 1}


def test_the_queries_of_a_request(app: Flask) -> None:
    page = app.test_client().get("/shop/7").text
    assert "shop.item" in page
    assert "41 + 1" in re.sub("<[^>]*>", "", page)


def test_its_files_are_served(app: Flask) -> None:
    client = app.test_client()
    file = re.search(r'src="(/_debug_toolbar/static/[^"]*\.js)"', client.get("/").text)
    assert file is not None
    with client.get(file[1]) as answer:
        assert answer.status_code == 200 and "javascript" in answer.content_type


def test_redirects_are_shown(app: Flask) -> None:
    answer = app.test_client().get("/go", headers={"Accept": "text/html"})
    assert answer.status_code == 200 and 'href="/"' in answer.text


def test_without_debug_mode_there_is_nothing() -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    DebugToolbarExtension(app)
    app.add_url_rule("/", "index", lambda: PAGE)
    assert app.test_client().get("/").text == PAGE
