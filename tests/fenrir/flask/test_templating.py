"""Templates beside a real Flask: where they are looked for, what they know, and what is told of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import flask as upstream
import pytest

from fenrir import flask as ours

BOTH = pytest.mark.parametrize("flask", [upstream, ours], ids=["flask", "fenrir"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, name, text in (
        ("app", "shared.html", "of the application {{ added }}"),
        ("shop", "shared.html", "of the shop"),
        ("shop", "item.html", "item {{ n }} {{ added }} {{ request.path }} {% include 'part.txt' %}"),
        ("shop", "part.txt", "{{ '<' }}"),
        ("shop", "macros.html", "{% macro greet(name) %}hello {{ name }}{% endmacro %}"),
        ("shop", "pieces.html", "{% for n in range(3) %}{{ n }}{{ g.word }}{% endfor %}"),
    ):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / name).write_text(text)
    return tmp_path


def make(flask: Any, folder: Path) -> Any:
    app = flask.Flask("templates_of_a_test", root_path=str(folder), template_folder="app")
    shop = flask.Blueprint("shop", "templates_of_a_shop", root_path=str(folder), template_folder="shop")
    app.context_processor(lambda: {"added": "app"})
    shop.context_processor(lambda: {"added": "shop"})
    shop.app_template_filter("twice")(lambda text: text * 2)
    app.template_test("long")(lambda text: len(text) > 3)

    @shop.get("/<name>")
    def show(name: str) -> Any:
        flask.g.word = "x"
        return flask.render_template([name, "shared.html"], n=1)

    @shop.get("/stream")
    def stream() -> Any:
        flask.g.word = "x"
        return flask.stream_template("pieces.html")

    app.register_blueprint(shop, url_prefix="/shop")
    return app


@pytest.mark.parametrize("path", ["/shop/item.html", "/shop/shared.html", "/shop/none.html", "/shop/stream"])
def test_pages_are_the_same(folder: Path, path: str) -> None:
    assert make(ours, folder).test_client().get(path).text == make(upstream, folder).test_client().get(path).text


def test_the_search_is_explained_in_the_same_words(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = []
    for flask in (upstream, ours):
        app = make(flask, folder)
        app.config["EXPLAIN_TEMPLATE_LOADING"] = True
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for path in ("/shop/shared.html", "/shop/none.html", "/shop/item.html"):
                app.test_client().get(path)
        told.append([record.getMessage() for record in caplog.records if record.name == app.name])
    assert told[0] == told[1] and "multiple loaders returned a match" in told[1][0]


@BOTH
def test_parts_of_templates(flask: Any, folder: Path) -> None:
    app = make(flask, folder)
    with app.test_request_context("/shop/item.html"):
        assert flask.get_template_attribute("macros.html", "greet")("<Ada>") == "hello &lt;Ada&gt;"
        assert flask.render_template_string("{{ 'ab'|twice }} {{ 'abcd' is long }} {{ session }}") != ""
        assert "".join(flask.stream_template_string("{{ a }}{{ b }}", a=1, b="<")) == "1&lt;"
    assert sorted(app.jinja_env.list_templates()) == [
        "item.html",
        "macros.html",
        "part.txt",
        "pieces.html",
        "shared.html",
    ]


@BOTH
def test_signals_and_context(flask: Any, folder: Path) -> None:
    app = make(flask, folder)
    seen: list[Any] = []

    def before(sender: Any, template: Any, context: dict[str, Any], **_: Any) -> None:
        context["added"] = "by a receiver"
        seen.append(template.name)

    with flask.before_render_template.connected_to(before, app), app.test_request_context("/"):
        assert flask.render_template("shared.html") == "of the application by a receiver"
    assert seen == ["shared.html"]


@BOTH
def test_an_environment_of_ones_own(flask: Any, folder: Path) -> None:
    class Environment(flask.templating.Environment):  # type: ignore[misc]
        pass

    class Application(flask.Flask):  # type: ignore[misc]
        jinja_environment = Environment
        jinja_options = {"line_statement_prefix": "%%", "autoescape": False}  # noqa: RUF012

    app = Application("templates_of_a_test", root_path=str(folder), template_folder="app")
    assert type(app.jinja_env) is Environment and app.jinja_env.app is app
    with app.app_context():
        assert flask.render_template_string("%% if true\n{{ '<' }}\n%% endif") == "<\n"
