from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from fenrir.http.headers import (
    MutableHeaders,
    format_params,
    is_token,
    parse_dict_params,
    parse_list,
    quote_if_needed,
    split_list,
)

from .growth import assert_linear

TOKENS = st.text("!#$%&'*+-.^_`|~0123456789abcXYZ", min_size=1)
PRINTABLE = st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E))


def test_names_are_stored_lower_case_and_found_in_any_case() -> None:
    headers = MutableHeaders({"Content-Type": "text/html"})
    assert headers.raw == [(b"content-type", b"text/html")]
    assert headers["CONTENT-TYPE"] == "text/html"
    assert "Content-type" in headers
    assert "content-types" not in headers
    assert 3 not in headers


def test_set_replaces_all_in_the_first_place() -> None:
    headers = MutableHeaders([("a", "1"), ("b", "2"), ("A", "3"), ("c", "4")])
    headers["A"] = "5"
    assert headers.items() == [("a", "5"), ("b", "2"), ("c", "4")]
    headers["d"] = "6"
    assert headers.keys() == ["a", "b", "c", "d"]


def test_add_keeps_order_and_getall_gives_all() -> None:
    headers = MutableHeaders()
    headers.add("Set-Cookie", "a=1")
    headers.add("X", "y")
    headers.add("set-cookie", "b=2")
    assert headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert headers.get("set-cookie") == "a=1"
    assert list(headers) == ["set-cookie", "x", "set-cookie"]
    assert len(headers) == 3
    assert headers.values() == ["a=1", "y", "b=2"]


def test_removing() -> None:
    headers = MutableHeaders([("a", "1"), ("b", "2"), ("a", "3")])
    del headers["A"]
    assert headers.keys() == ["b"]
    headers.remove("absent")
    with pytest.raises(KeyError):
        del headers["absent"]
    with pytest.raises(KeyError):
        headers["absent"]


def test_setdefault_and_copy() -> None:
    headers = MutableHeaders()
    assert headers.setdefault("A", "1") == "1"
    assert headers.setdefault("a", "2") == "1"
    other = headers.copy()
    other.add("b", "2")
    assert headers.keys() == ["a"]
    assert other != headers
    other.remove("b")
    assert other == headers


def test_extend_takes_headers_mappings_and_pairs() -> None:
    headers = MutableHeaders()
    headers.extend(MutableHeaders({"a": "1"}))
    headers.extend({"b": "2"})
    headers.extend([(b"C", b"3")])
    assert headers.raw == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\rb", "a\0b", "\x7f", "\x1b[0m", "\u2028", "日本"])
def test_values_that_could_split_a_response_are_refused(value: str) -> None:
    headers = MutableHeaders({"x": "kept"})
    for change in (headers.set, headers.add, lambda n, v: headers.extend([("ok", "1"), (n, v)])):
        with pytest.raises(ValueError):
            change("x", value)
    assert headers.raw == [(b"x", b"kept")]


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "ä", "\u212a", b"a\xff", "(a)", " a"])
def test_names_that_are_no_tokens_are_refused(name: str) -> None:
    with pytest.raises(ValueError):
        MutableHeaders().add(name, "x")


def test_kelvin_sign_is_not_k() -> None:
    assert "\u212aey" not in MutableHeaders({"key": "1"})


@given(st.binary(), st.binary())
def test_no_accepted_field_contains_a_line_end(name: bytes, value: bytes) -> None:
    headers = MutableHeaders()
    try:
        headers.add(name, value)
    except ValueError:
        return
    stored_name, stored_value = headers.raw[0]
    assert is_token(stored_name.decode("ascii"))
    assert not set(b"\r\n\0") & set(stored_value)


def test_vary_is_a_set() -> None:
    headers = MutableHeaders()
    headers.vary("Cookie")
    headers.vary("cookie")
    headers.vary("Accept")
    assert headers.getall("vary") == ["Cookie, Accept"]
    headers.vary("*")
    headers.vary("Origin")
    assert headers.getall("vary") == ["*"]
    with pytest.raises(ValueError):
        headers.vary("a b")


def test_repr_hides_cookies() -> None:
    assert "secret" not in repr(MutableHeaders({"set-cookie": "secret"}))


def test_lists() -> None:
    assert split_list('a, "b, c" ,,d="e,f"') == ["a", '"b, c"', 'd="e,f"']
    assert parse_list('a, "b, \\"c", ,d="e"') == ["a", 'b, "c', 'd="e"']
    assert parse_list('"open, a, b') == ['"open, a, b']
    assert parse_list("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text/HTML", ("text/html", {})),
        ("text/html; Charset=UTF-8", ("text/html", {"charset": "UTF-8"})),
        ('form-data; name="a;b"; filename="c\\"d"', ("form-data", {"name": "a;b", "filename": 'c"d'})),
        ("a; b=1; b=2; c; =3", ("a", {"b": "1"})),
        ("a; filename=x; filename*=UTF-8''%e2%82%ac", ("a", {"filename": "€"})),
        ("a; filename*=UTF-8''%e2%82%ac; filename=x", ("a", {"filename": "€"})),
        ("a; filename*=iso-8859-1'en'%A3", ("a", {"filename": "£"})),
        ("a; filename*=UTF-8''%ff; filename=x", ("a", {"filename": "x"})),
        ("a; filename*=utf-7''+AGE-", ("a", {})),
        ("a; filename*=UTF-8''%zz", ("a", {})),
        ('a; b="open', ("a", {"b": '"open'})),
        ('a; b="', ("a", {"b": '"'})),
        ("", ("", {})),
    ],
)
def test_params(text: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_dict_params(text) == expected


@given(st.dictionaries(TOKENS.map(str.lower).filter(lambda t: t[-1] != "*"), PRINTABLE, max_size=5))
def test_params_survive_a_round_trip(params: dict[str, str]) -> None:
    assert parse_dict_params(format_params("x/y", params)) == ("x/y", params)


@given(st.dictionaries(st.text("abc", min_size=1), st.text('ab "\\;,=', min_size=1), max_size=4))
def test_params_are_read_as_werkzeug_reads_them(params: dict[str, str]) -> None:
    text = format_params("x/y", params)
    assert parse_dict_params(text) == parse_options_header(text)


def test_non_ascii_params_are_extended_values() -> None:
    text = format_params("attachment", {"filename": "naïve €.txt"})
    assert text == "attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt"
    assert parse_dict_params(text)[1] == {"filename": "naïve €.txt"}


@pytest.mark.parametrize("text", ["a\nb", "ä\r", "\0"])
def test_quoting_refuses_controls(text: str) -> None:
    with pytest.raises(ValueError):
        format_params("x", {"a": text})
    with pytest.raises(ValueError):
        quote_if_needed("\r")
    with pytest.raises(ValueError):
        format_params("x", {"a b": "c"})


def test_quote_if_needed() -> None:
    assert quote_if_needed("token") == "token"
    assert quote_if_needed("") == '""'
    assert quote_if_needed('a"b\\') == '"a\\"b\\\\"'


@pytest.mark.parametrize("pattern", [";", '"', '\\"', '";', ';a="', ",", '"\\', " ;", "a=\\", '"a,'])
def test_parsers_of_values_are_linear(pattern: str) -> None:
    assert_linear(parse_dict_params, lambda size: 'a;b="' + pattern * size)
    assert_linear(parse_list, lambda size: '"' + pattern * size)


@given(st.text())
def test_parsers_of_values_take_anything(text: str) -> None:
    parse_dict_params(text)
    parse_list(text)
