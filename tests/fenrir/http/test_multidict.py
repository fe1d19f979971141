from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict

from fenrir.http.multidict import MultiDict
from fenrir.http.query import QueryParams

PAIRS = [("a", "1"), ("b", "x"), ("a", "2")]


def test_first_value_wins_as_in_werkzeug() -> None:
    d = MultiDict(PAIRS)
    assert d["a"] == d.get("a") == "1"
    assert list(d) == ["a", "b"]
    assert len(d) == 2
    assert "a" in d and "c" not in d
    assert d.getlist("a") == d.getall("a") == ["1", "2"]
    assert d.getlist("c") == []
    with pytest.raises(KeyError):
        d["c"]


def test_last_value_wins_in_query_params_as_in_starlette() -> None:
    d = QueryParams(PAIRS)
    assert d["a"] == d.get("a") == "2"
    assert dict(d.items()) == {"a": "2", "b": "x"}
    assert d.first["a"] == "1"
    assert str(d) == "a=1&b=x&a=2"


def test_conversion() -> None:
    d = MultiDict(PAIRS)
    assert d.get("a", type=int) == 1
    assert d.get("b", type=int) is None
    assert d.get("b", 7, int) == 7
    assert d.get("c", default=8, type=int) == 8
    assert d.getlist("a", int) == [1, 2]
    assert MultiDict([("a", "1"), ("a", "x")]).getlist("a", type=int) == [1]


def test_conversion_lets_other_errors_through() -> None:
    def broken(value: str) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        MultiDict(PAIRS).get("a", type=broken)


def test_views() -> None:
    d = MultiDict(PAIRS)
    assert list(d.items()) == [("a", "1"), ("b", "x")]
    assert d.items(multi=True) == d.multi_items() == PAIRS
    assert d.lists() == [("a", ["1", "2"]), ("b", ["x"])]
    assert d.to_dict() == {"a": "1", "b": "x"}
    assert d.to_dict(flat=False) == {"a": ["1", "2"], "b": ["x"]}
    assert list(d.values()) == ["1", "x"]


def test_immutable() -> None:
    d: Any = MultiDict(PAIRS)
    with pytest.raises(TypeError):
        d["a"] = "3"
    with pytest.raises(TypeError):
        hash(d)
    d.getlist("a").append("3")
    d.lists()[0][1].append("3")
    d.multi_items().clear()
    assert d.getlist("a") == ["1", "2"]


def test_equality() -> None:
    assert MultiDict(PAIRS) == MultiDict([("a", "1"), ("a", "2"), ("b", "x")])
    assert MultiDict(PAIRS) != MultiDict([("a", "2"), ("a", "1"), ("b", "x")])
    assert MultiDict({"a": "1"}) == {"a": "1"}
    assert MultiDict(PAIRS) != 3
    assert repr(MultiDict({"a": 1})) == "MultiDict([('a', 1)])"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())))
def test_as_werkzeug(pairs: list[tuple[str, int]]) -> None:
    ours, theirs = MultiDict(pairs), ImmutableMultiDict(pairs)
    assert list(ours.items()) == list(theirs.items())
    assert sorted(ours.items(multi=True)) == sorted(theirs.items(multi=True))
    assert ours.to_dict(flat=False) == theirs.to_dict(flat=False)
    assert len(ours) == len(theirs)
