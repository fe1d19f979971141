"""Flask-Babel: the language and the zone of a request, in views, templates and outside of requests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, g, render_template_string, request
from flask_babel import (
    Babel,
    force_locale,
    format_currency,
    format_datetime,
    format_decimal,
    get_locale,
    gettext,
    lazy_gettext,
    ngettext,
    refresh,
)

LATER = lazy_gettext("Good evening")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    catalog = Catalog(locale="de")
    catalog.add("Good evening", "Guten Abend")
    catalog.add("Hello %(name)s", "Hallo %(name)s")
    catalog.add(("%(num)s apple", "%(num)s apples"), ("%(num)s Apfel", "%(num)s Äpfel"))
    place = tmp_path / "translations" / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "messages.mo").open("wb") as file:
        write_mo(file, catalog)

    app = Flask(__name__, root_path=str(tmp_path))
    Babel(
        app,
        locale_selector=lambda: request.accept_languages.best_match(["de", "en"]) if request else None,
        timezone_selector=lambda: g.get("zone", "UTC"),
    )

    @app.before_request
    def zone() -> None:
        g.zone = request.args.get("zone", "UTC")

    @app.get("/texts")
    def texts() -> list[str]:
        return [gettext("Hello %(name)s", name="Ada"), ngettext("%(num)s apple", "%(num)s apples", 3), str(LATER)]

    @app.get("/template")
    def template() -> str:
        return render_template_string(
            "{{ _('Good evening') }} {{ moment|datetimeformat('short') }} {{ 1234.5|numberformat }}",
            moment=datetime(2024, 5, 6, 12, 0, tzinfo=UTC),
        )

    @app.get("/formats")
    def formats() -> list[str]:
        moment = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)
        return [format_decimal(1234.5), format_currency(9.5, "EUR"), format_datetime(moment, "medium")]

    @app.get("/forced")
    def forced() -> list[Any]:
        before = str(get_locale())
        with force_locale("de"):
            within = gettext("Good evening")
        return [before, within, gettext("Good evening")]

    return app


def test_texts_in_the_language_of_the_client(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/texts").json == ["Hello Ada", "3 apples", "Good evening"]
    german = client.get("/texts", headers={"Accept-Language": "de"})
    assert german.json == ["Hallo Ada", "3 Äpfel", "Guten Abend"]


def test_templates_know_the_language_and_the_zone(app: Flask) -> None:
    answer = app.test_client().get("/template?zone=Europe/Berlin", headers={"Accept-Language": "de"})
    assert answer.text == "Guten Abend 06.05.24, 14:00 1.234,5"


def test_formats(app: Flask) -> None:
    german = app.test_client().get("/formats", headers={"Accept-Language": "de"}).json
    assert german == ["1.234,5", "9,50\xa0€", "06.05.2024, 12:00:00"]


def test_a_language_for_a_while(app: Flask) -> None:
    assert app.test_client().get("/forced").json == ["en", "Guten Abend", "Good evening"]


def test_outside_of_requests(app: Flask) -> None:
    with app.app_context():
        assert gettext("Good evening") == "Good evening"
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert str(get_locale()) == "de"
        refresh()
        assert gettext("Good evening") == "Guten Abend"
