from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.http.url import (
    URL,
    is_safe_redirect,
    join,
    percent_decode,
    percent_encode,
    quote_path,
    unquote_path,
)

from .growth import assert_linear

BASE = "http://a/b/c/d;p?q"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        # RFC 3986 §5.4.1
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        # §5.4.2
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("http:g", "http:g"),
    ],
)
def test_join(reference: str, expected: str) -> None:
    assert join(BASE, reference) == expected


def test_join_on_paths_alone() -> None:
    assert join("/a/b", "c") == "/a/c"
    assert join("http://a", "b") == "http://a/b"
    assert join("/a", "/.//evil") == "/.//evil"


def test_components() -> None:
    url = URL.parse("HTTP://u:p%40@Example.COM:8080/a%2Fb?x=1&y#f")
    assert (url.scheme, url.netloc, url.path, url.query, url.fragment) == (
        "http",
        "u:p%40@Example.COM:8080",
        "/a%2Fb",
        "x=1&y",
        "f",
    )
    assert (url.hostname, url.port, url.username, url.password) == ("example.com", 8080, "u", "p%40")
    assert str(url) == "http://u:p%40@Example.COM:8080/a%2Fb?x=1&y#f"
    assert "p%40" not in repr(url)


def test_components_that_are_missing() -> None:
    url = URL.parse("/a")
    assert (url.hostname, url.port, url.username, url.password) == (None, None, None, None)
    assert URL.parse("http://[::1]:80/").hostname == "::1"
    assert URL.parse("http://h:/").port is None


def test_replace() -> None:
    url = URL.parse("http://u:p@h:1/a?b#c")
    assert str(url.replace(scheme="https", path="/x", query="", fragment="")) == "https://u:p@h:1/x"
    assert str(url.replace(hostname="::1", port=None)) == "http://u:p@[::1]/a?b#c"
    assert str(url.replace(username=None, password=None, port=2)) == "http://h:2/a?b#c"
    with pytest.raises(ValueError):
        url.replace(netloc="a b")
    with pytest.raises(TypeError):
        url.replace(nonsense="a")


def test_a_path_does_not_turn_into_a_host() -> None:
    assert str(URL(path="//evil/x")) == "/.//evil/x"
    assert str(URL(path="javascript:alert(1)")) == "./javascript:alert(1)"
    assert str(URL(scheme="http", netloc="h", path="evil")) == "http://h/evil"


@pytest.mark.parametrize(
    "text",
    [
        "http://a b/",
        "/a\nb",
        "/\t",
        "http://h:99999/",
        "http://h:x/",
        "http://[::1",
        "//a@evil@h/",
        "//[@h/",
        "//a\\@h/",
        "/\ud800",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ValueError):
        URL.parse(text)


@given(st.text("ab/:?#@.[]%20", max_size=20))
def test_split_as_the_standard_library(text: str) -> None:
    try:
        ours = URL.parse(text)
    except ValueError:
        return
    theirs = urlsplit(text)
    assert (ours.scheme, ours.netloc, ours.path, ours.query, ours.fragment) == tuple(theirs)
    assert ours.hostname == theirs.hostname
    assert ours.port == theirs.port


@given(st.text("ab/:?#@.%20\\;=&", max_size=20))
def test_writing_is_stable(text: str) -> None:
    try:
        url = URL.parse(text)
    except ValueError:
        return
    assert URL.parse(str(url)).netloc == url.netloc
    assert str(URL.parse(str(url))) == str(url)


@given(st.binary())
def test_paths_lose_nothing(raw: bytes) -> None:
    path = unquote_path(percent_encode(raw).encode())
    assert path.encode("utf-8", "surrogateescape") == raw
    assert percent_decode(quote_path(path)) == raw


def test_paths_are_decoded_once() -> None:
    assert unquote_path(b"/%252e%252e/%2F/%00/%zz") == "/%2e%2e///\0/%zz"
    assert unquote_path(b"/%C3%A9\xff") == "/é\udcff"
    assert quote_path("/é \udcff%?#") == "/%C3%A9%20%FF%25%3F%23"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a",
        "a/b",
        "?q=//x",
        "#f",
        "/a?next=http://evil",
        "http://h.example/a",
        "https://H.example:443",
        "./a:b",
        "/a:b",
    ],
)
def test_safe_redirects(target: str) -> None:
    assert is_safe_redirect(target, "h.example")


@pytest.mark.parametrize(
    "target",
    [
        "",
        "//evil",
        "///evil",
        "////evil",
        "/\\evil",
        "\\\\evil",
        "\\/evil",
        "https:evil",
        "https:/evil",
        "https:///evil",
        "http:evil",
        "javascript:alert(1)",
        "data:,x",
        "/%09/evil",
        "/%2fevil",
        "/%5cevil",
        "%2f%2fevil",
        "/\t/evil",
        "/\n/evil",
        " //evil",
        " /a",
        "/a ",
        "\x00//evil",
        "https://evil/a",
        "https://h.example.evil/",
        "https://hxexample/",
        "https://h.example@evil/",
        "https://h.example:pw@h.example/",
        "https://h.example:8443/",
        "https://evil\\@h.example/",
        "https://",
        "ftp://h.example/",
        "//h.example/",
        "java%73cript:x",
        "javascript%3Ax",
        "/\ud800",
        "http://h.example//evil",
    ],
)
def test_unsafe_redirects(target: str) -> None:
    assert not is_safe_redirect(target, "h.example")


def test_absolute_redirects_need_a_host() -> None:
    assert not is_safe_redirect("http://h.example/")
    assert is_safe_redirect("http://h.example:8000/", "h.example:8000")
    assert not is_safe_redirect("http://h.example/", "h.example:8000")
    assert not is_safe_redirect("http://h.example/", "h example")


@given(st.text("/\\:@.%2f09 \t\nevilhtp?#", max_size=12))
def test_safe_redirects_stay_whatever_the_reader(target: str) -> None:
    if is_safe_redirect(target, "h"):
        # A browser removes tabs and line ends, takes \ for /, and resolves against the page.
        seen = target.strip(" ").replace("\\", "/").translate({9: None, 10: None})
        assert urlsplit(seen).netloc in ("", "h")
        assert not seen.startswith("//")


@pytest.mark.parametrize("pattern", ["/", ":", "@", "#", "?", "%", "../", "a."])
def test_linear(pattern: str) -> None:
    assert_linear(is_safe_redirect, lambda size: pattern * size)
    if pattern in ("/", "../", "a.", "?"):
        assert_linear(lambda text: join("http://h/" + text, "x/" + text), lambda size: pattern * size)
