"""Every test runs twice: with orjson, if it is installed, and without. Both must give the same."""

from __future__ import annotations

import enum
import gc
import json as standard
import math
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.http import json
from fenrir.http.json import MAX_DEPTH, JSONError, dumps, loads

from .growth import assert_linear

needs_orjson = pytest.mark.skipif(json.orjson is None, reason="compares with orjson")


@pytest.fixture(params=["orjson", "standard library"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "standard library":
        monkeypatch.setattr(json, "orjson", None)
    elif json.orjson is None:
        pytest.skip("orjson is not installed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        (' [1, 2.5, true, "é"] \n', [1, 2.5, True, "é"]),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2**64),
        ("-9223372036854775809", -(2**63) - 1),
        ("[" + "9" * 4000 + "]", [int("9" * 4000)]),
        ('"' + "9" * 40 + '"', "9" * 40),
        ("0.1234567890123456789012", 0.1234567890123456789012),
        ("-0", 0),
        ("1e-400", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\ud800"', "\\ud800"),
        ('"\\\\\\\\ud800 \\u00e9"', "\\\\ud800 é"),
        ('"\\u0000"', "\0"),
        ('"\x7f"', "\x7f"),
        ('"\ufeff"', "\ufeff"),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ('["' + "[" * 500 + '\\"' + "{" * 500 + '"]', ["[" * 500 + '"' + "{" * 500]),
        ("[" + "[]," * 500 + "[]]", [[]] * 501),
    ],
)
def test_accepted(text: str, expected: Any) -> None:
    for data in (text, text.encode(), bytearray(text.encode()), memoryview(text.encode())):
        value = loads(data)
        if expected is not None:
            assert value == expected
            assert type(value) is type(expected)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"[-1E400]",
        b"1.7976931348623159e308",
        b"1" * 400 + b".0",
        b"9" * 5000,
        b'"\\ud800"',
        b'"\\uDFFF"',
        b'"\\ude00\\ud83d"',
        b'{"\\uD800": 1}',
        b'{"a": "\\ud800", "a": 1}',
        b'"\\ud83d\\\\ude00"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b"\xc0\xae",
        b"[1,]",
        b"{'a': 1}",
        b'{"a" 1}',
        b"01",
        b"+1",
        b"1.",
        b".5",
        b"0x10",
        b"1_0",
        b"[1] 2",
        b'"\t"',
        b'"\x00"',
        b"\x0b1",
        b"\xc2\xa01",
        b"// c\n1",
        b'"\\x41"',
        b'"\\u12"',
        b'"open',
        b"nul",
        b"True",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        '"\ud800"',
        "\ufeff{}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_refused(data: bytes | str) -> None:
    with pytest.raises(JSONError) as caught:
        loads(data)
    assert len(str(caught.value)) < 100


def test_errors_say_where() -> None:
    for data, position in ((b"[1 2]", 3), (b'["\xc3\xa9", x]', 6), (b"[\xff]", 1), (b'["\\ud800"]', 2)):
        with pytest.raises(JSONError) as caught:
            loads(data)
        assert caught.value.pos == position
        assert caught.value.msg


TEXTS = st.one_of(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=8,
    ).map(lambda value: standard.dumps(value, ensure_ascii=False)),
    st.text('[]{}",:0123456789.eE+-\\ud8c truefalsn\x00é', max_size=30),
)


@needs_orjson
@given(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_both_libraries_agree(data: bytes) -> None:
    results = []
    present = json.orjson
    for library in (json._import_orjson(), None):
        json.orjson = library
        try:
            results.append(("value", repr(loads(data))))
        except JSONError as error:
            results.append(("error", repr((error.msg, error.pos))))
        finally:
            json.orjson = present
    assert results[0] == results[1]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=8,
)


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Text(enum.StrEnum):
    A = "a"


Point = namedtuple("Point", "x y")


@dataclass
class Record:
    a: int


class Name(str):
    pass


def test_round_trip() -> None:
    @given(JSON)
    def check(value: Any) -> None:
        assert loads(dumps(value)) == value

    check()


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


STRUCTURE = st.text('[]{}"\\\\a', max_size=6)


@given(
    st.recursive(
        STRUCTURE,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRUCTURE, inner, max_size=3),
        max_leaves=12,
    )
)
def test_depth_is_counted_outside_strings(value: Any) -> None:
    json.MAX_DEPTH, limit = 3, MAX_DEPTH  # type: ignore[misc]
    try:
        if depth(value) <= 3:
            assert loads(standard.dumps(value)) == value
        else:
            with pytest.raises(JSONError):
                loads(standard.dumps(value))
    finally:
        json.MAX_DEPTH = limit  # type: ignore[misc]


def test_ordinary_nesting_of_many_objects() -> None:
    value: Any = [{"a": [{"b": ["]", '"', "\\"]}]} for _ in range(300)]
    for _ in range(MAX_DEPTH - 5):
        value = [value, "}"]
    assert loads(dumps(value)) == value
    with pytest.raises(JSONError):
        loads(dumps([value]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, "é", None, True]}, '{"a":[1,"é",null,true]}'),
        ({"a": 2**64, "b": -(2**70)}, '{"a":18446744073709551616,"b":-1180591620717411303424}'),
        ({1: "a", None: "b", False: "c", 1.5: "d"}, '{"1":"a","null":"b","false":"c","1.5":"d"}'),
        ("null", '"null"'),
        ((1, Point(2, 3)), "[1,[2,3]]"),
        (OrderedDict(a=Name("b")), '{"a":"b"}'),
        ({Name("a"): 1}, '{"a":1}'),
        ([Colour.RED, Number.ONE, Text.A, None], '["red",1,"a",null]'),
        ([Colour.RED, Number.ONE, Text.A], '["red",1,"a"]'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ([uuid.UUID(int=1), None], '["00000000-0000-0000-0000-000000000001",null]'),
        ('\u2028\x7f\0"\\\n', '"\u2028\x7f\\u0000\\"\\\\\\n"'),
    ],
)
def test_written(value: Any, expected: str) -> None:
    assert dumps(value) == expected.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_is_never_written(value: float) -> None:
    class Odd(enum.Enum):
        NAN = value

    for obj in (value, [value], {"a": {"b": value}}, (None, value), {value: 1}, ["null", value], Odd.NAN):
        with pytest.raises(ValueError):
            dumps(obj)
    with pytest.raises(ValueError):
        dumps([object()], default=lambda obj: value)


def test_what_is_not_json_goes_to_default() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    for obj in (moment, Record(1), {1, 2}, b"x", object()):
        with pytest.raises(TypeError):
            dumps([obj])
        assert dumps([obj, 2], default=lambda o: type(o).__name__) == f'["{type(obj).__name__}",2]'.encode()
        assert dumps([obj, None], default=lambda o: None) == b"[null,null]"


def test_errors_of_default_come_through() -> None:
    def broken(obj: Any) -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        dumps(object(), default=broken)


def test_refused_on_writing() -> None:
    with pytest.raises(ValueError):
        dumps("\ud800")
    with pytest.raises(ValueError):
        dumps({"\ud800": 1})
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError):
        dumps(cycle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError):
        dumps(deep)
    with pytest.raises(TypeError):
        dumps({(1, 2): 3})


@pytest.mark.parametrize(
    "pattern", [b"[", b'"', b'\\"', b"\\", b'[["', b"9", b"[],", b'"[', b"\\ud83d", b'{"', b"{}[", b"-1e9,"]
)
def test_refusing_is_linear(pattern: bytes) -> None:
    def read(data: bytes) -> None:
        with pytest.raises(JSONError):
            loads(data)

    assert_linear(read, lambda size: b"[" * 150 + b"[]," * 60 + b'"' + pattern * size)
    assert_linear(read, lambda size: b"[" + b"[]," * 210 + pattern * size)


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was(collects: bool) -> None:
    """It rests while very many containers are made, whether they are made or refused."""
    was = gc.isenabled()
    many = b"[" + b"[]," * 120_000 + b"[]]"
    try:
        gc.enable() if collects else gc.disable()
        assert len(loads(many)) == 120_001
        assert gc.isenabled() is collects
        with pytest.raises(JSONError):
            loads(many[:-1])
        assert gc.isenabled() is collects
    finally:
        gc.enable() if was else gc.disable()


@pytest.mark.parametrize(
    "value", [{"a": [1, "ü"]}, [], {"a": None}, {"doubtful": 1}, {1: 2}, {"a": {1, 2}}, {"a": 1 << 70}]
)
def test_the_quick_way_writes_what_the_long_way_does(value: Any) -> None:
    def long(value: Any) -> bytes:
        return dumps(value, default=list) + b" "

    out = json.quick_writer(list, b'"doubtful', long)(value)
    assert out is not None and out.rstrip() == dumps(value, default=list)


@pytest.mark.parametrize("value", [{"a": math.nan}, {"a": object()}, ["\ud800"]])
def test_the_quick_way_raises_what_the_long_way_does(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        json.quick_writer(list, b"-", dumps)(value)


@pytest.mark.parametrize("value", [None, "a", 1, 1.5, (1,), {1}, b"x"])
def test_the_quick_way_is_for_containers(value: Any) -> None:
    assert json.quick_writer(list, b"-", dumps)(value) is None
