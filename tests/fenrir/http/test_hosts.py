from __future__ import annotations

import pytest

from fenrir.http.hosts import AllowedHosts, split_host

from .growth import assert_linear


def test_hosts() -> None:
    assert split_host("Example.COM.") == ("example.com", None)
    assert split_host("example.com:80") == ("example.com", 80)
    assert split_host("[::1]:80") == ("[::1]", 80)
    for bad in ("", "a b", "a,b", "u@h", "h/p", "h:", "h:65536", "h:x", "[::1", "h\n", "-a", "é"):
        with pytest.raises(ValueError):
            split_host(bad)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", True),
        ("EXAMPLE.com.", True),
        ("example.com:8000", True),
        ("exampleXcom", False),
        ("example.com.evil", False),
        ("evilexample.com", False),
        ("a.example.com", False),
        ("a.wild.example", True),
        ("a.b.wild.example", True),
        ("wild.example", False),
        ("evilwild.example", False),
        ("ported.example", False),
        ("ported.example:81", True),
        ("example.com@evil", False),
        ("example.com/evil", False),
    ],
)
def test_allowed_hosts_are_compared_literally(host: str, allowed: bool) -> None:
    assert AllowedHosts(["Example.com", "*.wild.example", "ported.example:81"]).allows(host) is allowed


def test_any_host_is_still_a_host() -> None:
    assert AllowedHosts(["*"]).allows("whatever")
    assert not AllowedHosts(["*"]).allows("what ever")
    assert not AllowedHosts([]).allows("a")


@pytest.mark.parametrize("entry", ["", "*.", "**", "*.a:80", "a b", "http://a", "a,b", "a.*", ".a"])
def test_malformed_entries_are_refused_at_once(entry: str) -> None:
    with pytest.raises(ValueError):
        AllowedHosts([entry])


@pytest.mark.parametrize("pattern", ["a", ".", "a.", "-", "[", ":", "1"])
def test_linear(pattern: str) -> None:
    assert_linear(AllowedHosts(["a"]).allows, lambda size: pattern * size)
