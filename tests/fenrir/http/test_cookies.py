from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie, parse_cookie

from fenrir.http.cookies import cookie_header, parse_cookies

from .growth import assert_linear

NAMES = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8).filter(
    lambda n: not n.lower().startswith(("__host-", "__secure-"))
)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2;", {"a": "1", "b": "2"}),
        ("a=1; a=2", {"a": "1"}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a; =b; ; c=1", {"c": "1"}),
        ('a="b c"; d="e', {"a": "b c", "d": '"e'}),
        ('a="\\"\\\\\\054\\303\\274"', {"a": '"\\,ü'}),
        ("a=\x01; b=1", {"b": "1"}),
        ("a\x01=1; b=1", {"b": "1"}),
        ("a b=1; c[d]=2", {"c[d]": "2"}),
        ("a=ü".encode().decode("latin-1"), {"a": "ü"}),
        ("a=\xfc", {"a": "ü"}),
        ("a= b\t;c=1", {"a": "b", "c": "1"}),
        ("", {}),
    ],
)
def test_parse(header: str, expected: dict[str, str]) -> None:
    assert parse_cookies(header) == expected


@pytest.mark.parametrize("space", ["\x85", "\xa0", "\x0b", "\x0c", "\x1c", "\r", "\n"])
def test_unusual_white_space_does_not_make_a_prefixed_name(space: str) -> None:
    assert "__Host-a" not in parse_cookies(f"{space}__Host-a=1")
    assert "__Host-a" not in parse_cookies(f"x=1; {space}__Host-a=1")


def test_limit() -> None:
    assert parse_cookies("a=1; b=2; c=3", limit=2) == {"a": "1", "b": "2"}
    assert len(parse_cookies("; ".join(f"c{n}=1" for n in range(1000)))) == 300


@given(NAMES, VALUES)
def test_round_trip(name: str, value: str) -> None:
    header = cookie_header(name, value, path=None).decode("ascii")
    assert parse_cookies(header) == {name: value}
    assert parse_cookie(header).to_dict() == {name: value}


@given(NAMES, VALUES)
def test_what_werkzeug_writes_is_read(name: str, value: str) -> None:
    assert parse_cookies(dump_cookie(name, value, path=None)) == {name: value}


def test_attributes_are_written_as_werkzeug_writes_them() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    options: dict[str, Any] = {
        "max_age": 60,
        "expires": moment,
        "path": "/p",
        "domain": "example.com",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "partitioned": True,
    }
    assert cookie_header("a", "b", **options).decode() == dump_cookie("a", "b", **options)


@pytest.mark.parametrize(
    "expires", [datetime(1970, 1, 1), 0, 0.5, "Thu, 01 Jan 1970 00:00:00 GMT", "Thu Jan  1 00:00:00 1970"]
)
def test_expires(expires: datetime | int | str) -> None:
    header = cookie_header("a", "", expires=expires, max_age=timedelta(seconds=-1))
    assert header == b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=-1; Path=/"


def test_international_domains_are_ascii() -> None:
    assert b"Domain=xn--bcher-kva.example" in cookie_header("a", "b", domain="bücher.example")


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a\r\nX: y"},
        {"name": "a;b"},
        {"name": "a=b"},
        {"name": "ä"},
        {"value": "a\r\nX: y"},
        {"value": "a\nb"},
        {"value": "a\0"},
        {"value": "a\x7f"},
        {"path": "/;Domain=evil"},
        {"path": "/\r\n"},
        {"path": "/ä"},
        {"domain": "a;b"},
        {"domain": "a\r\nb"},
        {"domain": ""},
        {"domain": "a.b\u2028"},
        {"samesite": "lax\r\n"},
        {"samesite": "sometimes"},
        {"expires": "tomorrow"},
        {"expires": "Thu, 01 Jan 1970 00:00:00 GMT; Secure"},
        {"name": "__Host-a"},
        {"name": "__host-a", "secure": True, "path": "/p"},
        {"name": "__Host-a", "secure": True, "domain": "example.com"},
        {"name": "__Secure-a"},
    ],
)
def test_nothing_breaks_out_of_its_place(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        cookie_header(**{"name": "a", "value": "b", **options})


def test_prefixed_names_with_what_they_need() -> None:
    assert cookie_header("__Host-a", "b", secure=True) == b"__Host-a=b; Secure; Path=/"
    assert cookie_header("__Secure-a", "b", secure=True, path="/p") == b"__Secure-a=b; Secure; Path=/p"


BREAKING = st.text('a;\r\n\0 =,"/\u2028ü', max_size=3)


@given(BREAKING, BREAKING, BREAKING, BREAKING)
def test_no_header_contains_a_line_end(name: str, value: str, path: str, domain: str) -> None:
    try:
        header = cookie_header(f"a{name}", value, path=f"/{path}", domain=f"d{domain}")
    except ValueError:
        return
    assert not set(b"\r\n\0") & set(header)
    assert header.count(b";") == 2


@pytest.mark.parametrize("pattern", [";", '"', "\\", '\\"', "=", "a=1;", 'a="\\";', "\\054", "; "])
def test_linear(pattern: str) -> None:
    assert_linear(lambda header: parse_cookies(header, limit=10**9), lambda size: 'a="' + pattern * size + '"')


@given(st.text())
def test_takes_anything(header: str) -> None:
    parse_cookies(header)
