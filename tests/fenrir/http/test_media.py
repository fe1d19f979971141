from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from fenrir.http.media import (
    MediaType,
    Preference,
    best_charset,
    best_encoding,
    best_language,
    best_match,
    parse_accept,
    quality,
)

from .growth import assert_linear


def test_parse() -> None:
    media = MediaType.parse('Application/Problem+JSON; Charset="UTF-8"; a=B')
    assert media.essence == "application/problem+json"
    assert media.charset == "utf-8"
    assert media.is_json
    assert str(media) == "application/problem+json; charset=UTF-8; a=B"
    assert not MediaType.parse("text/json-not").is_json
    assert MediaType.parse("text/html").charset is None


@pytest.mark.parametrize("text", ["", "text", "/", "text/", "/html", "a/b/c", "te xt/html", "*/html", "text/html, a/b"])
def test_malformed(text: str) -> None:
    with pytest.raises(ValueError):
        MediaType.parse(text)


def test_parse_accept() -> None:
    assert parse_accept('text/html;level="1";q=0.5, , */*, a;q=2, b;q=-1, c;q=x, d;q=0.1234') == [
        Preference("text/html", {"level": "1"}, 0.5),
        Preference("*/*", {}, 1.0),
        Preference("d", {}, 0.1234),
    ]


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        # RFC 9110 §12.5.1
        ("text/plain;format=flowed", 1.0),
        ("text/plain", 0.7),
        ("text/html", 0.3),
        ("image/jpeg", 0.5),
        ("text/plain;format=fixed", 0.4),
        ("text/html;level=3", 0.3),
    ],
)
def test_quality_of_the_example_in_the_rfc(media_type: str, expected: float) -> None:
    header = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
    assert quality(header, media_type) == expected


@pytest.mark.parametrize(
    ("accept", "offered", "expected"),
    [
        (None, ["text/html"], "text/html"),
        ("", ["text/html"], "text/html"),
        (None, [], None),
        ("*/*", ["text/html", "application/json"], "text/html"),
        ("application/json", ["text/html", "application/json"], "application/json"),
        ("text/html, application/json", ["application/json", "text/html"], "application/json"),
        ("text/html;q=0.9, application/json", ["text/html", "application/json"], "application/json"),
        ("text/*, text/html;q=0", ["text/html", "text/plain"], "text/plain"),
        ("text/html;q=0", ["text/html"], None),
        ("image/png", ["text/html"], None),
        ("garbage", ["text/html"], None),
    ],
)
def test_best_match(accept: str | None, offered: list[str], expected: str | None) -> None:
    assert best_match(accept, offered) == expected


@pytest.mark.parametrize(
    ("header", "offered", "expected"),
    [
        (None, ["br", "gzip"], "identity"),
        ("", ["br", "gzip"], "identity"),
        ("gzip", ["br", "gzip"], "gzip"),
        ("GZIP", ["gzip"], "gzip"),
        ("gzip, br", ["br", "gzip"], "br"),
        ("br;q=0.5, gzip", ["br", "gzip"], "gzip"),
        ("*", ["br", "gzip"], "br"),
        ("*;q=0", ["br"], None),
        ("identity;q=0", ["br"], None),
        ("*;q=0, identity", ["br"], "identity"),
        ("gzip;q=0.5, identity", ["gzip"], "identity"),
        ("gzip;q=0", ["gzip"], "identity"),
        ("zstd", ["gzip"], "identity"),
    ],
)
def test_encodings(header: str | None, offered: list[str], expected: str | None) -> None:
    assert best_encoding(header, offered) == expected


def test_charsets() -> None:
    assert best_charset(None, ["utf-8"]) == "utf-8"
    assert best_charset("iso-8859-1, utf-8;q=0.5", ["UTF-8", "ISO-8859-1"]) == "ISO-8859-1"
    assert best_charset("*", ["utf-8"]) == "utf-8"
    assert best_charset("iso-8859-1", ["utf-8"]) is None


@pytest.mark.parametrize(
    ("header", "offered", "expected"),
    [
        (None, ["en", "de"], "en"),
        ("de", ["en", "de"], "de"),
        ("de", ["en", "de-AT"], "de-AT"),
        ("de-AT", ["en", "de"], "de"),
        ("de-AT, en;q=0.5", ["en", "de"], "en"),
        ("en-GB, en;q=0.9, de;q=0.8", ["de", "en"], "en"),
        ("den", ["de"], None),
        ("*", ["de"], "de"),
        ("de;q=0, *", ["de", "en"], "en"),
        ("de-AT, de;q=0", ["de"], None),
        ("fr", ["de"], None),
    ],
)
def test_languages(header: str | None, offered: list[str], expected: str | None) -> None:
    assert best_language(header, offered) == expected


TYPES = st.sampled_from(["text/html", "text/plain", "application/json", "image/png"])
RANGES = st.one_of(TYPES, st.sampled_from(["*/*", "text/*", "image/*"]))
WEIGHTS = st.sampled_from(["", ";q=0.1", ";q=0.5", ";q=1"])


@given(st.lists(st.tuples(RANGES, WEIGHTS), min_size=1, max_size=5, unique_by=lambda item: item[0]), TYPES)
def test_quality_as_werkzeug(items: list[tuple[str, str]], media_type: str) -> None:
    header = ", ".join(value + weight for value, weight in items)
    assert quality(header, media_type) == parse_accept_header(header, MIMEAccept)[media_type]


@pytest.mark.parametrize("pattern", [",", "a/b,", ";", '"', "*/*;q=0.1,", ";q=", "q=0."])
def test_linear(pattern: str) -> None:
    assert_linear(lambda header: best_match(header, ["text/html", "a/b"]), lambda size: pattern * size)


@given(st.text())
def test_takes_anything(header: str) -> None:
    best_match(header, ["text/html"])
    best_encoding(header, ["gzip"])
    best_language(header, ["en"])
