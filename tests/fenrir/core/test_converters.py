import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.core.converters import (
    DEFAULT,
    Converter,
    ConverterError,
    Converters,
    any_of,
    floating,
    integer,
    pattern_of,
    string,
    tail,
    unique,
)

ID = "0f3b0c2e-9d5f-4c57-8c1f-0c2f4a7e6b11"


@pytest.mark.parametrize(
    ("converter", "text", "value"),
    [
        (string(), "Zoë", "Zoë"),
        (string(length=2), "ab", "ab"),
        (string(min=2, max=3), "abc", "abc"),
        (integer(), "-7", -7),
        (integer(signed=False), "007", 7),
        (integer(digits=3), "042", 42),
        (integer(min=1, max=5), "5", 5),
        (floating(), "3", 3.0),
        (floating(), "-3.25", -3.25),
        (floating(point=True), "3.0", 3.0),
        (unique(), ID.upper(), uuid.UUID(ID)),
        (tail(), "a/b/", "a/b/"),
        (any_of("a", "c d"), "c d", "c d"),
        (pattern_of("[a-c]{2}"), "ab", "ab"),
    ],
)
def test_text_becomes_a_value(converter, text, value):
    assert converter.parse(text) == value
    assert type(converter.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("converter", "text"),
    [
        (string(), ""),
        (string(), "a/b"),
        (string(length=2), "abc"),
        (string(min=2), "a"),
        (string(max=2), "abc"),
        (integer(), "1.0"),
        (integer(), " 1"),
        (integer(), "+1"),
        (integer(), "1\n"),
        (integer(), "1_0"),
        (integer(), "٣"),
        (integer(signed=False), "-1"),
        (integer(digits=3), "42"),
        (integer(min=1), "0"),
        (integer(max=5), "6"),
        (integer(), "9" * 5000),
        (floating(), "nan"),
        (floating(), "1e5"),
        (floating(), "1."),
        (floating(point=True), "1"),
        (floating(max=1), "1.5"),
        (unique(), ID.replace("-", "")),
        (tail(), ""),
        (tail(), "/etc"),
        (any_of("a", "b"), "ab"),
        (pattern_of("a|b"), "bc"),
    ],
)
def test_text_does_not_match(converter, text):
    with pytest.raises(ValueError):
        converter.parse(text)


@given(st.integers())
def test_whole_numbers_come_back(number):
    assert integer().parse(integer().build(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_decimal_numbers_come_back_nearly(number):
    assert floating().parse(floating().build(number)) == pytest.approx(number, abs=1e-12)


def test_a_value_that_could_not_match_is_not_built():
    for converter, value in ((string(), "a/b"), (string(), ""), (integer(digits=2), 100), (any_of("a"), "b")):
        with pytest.raises(ValueError):
            converter.build(value)
    assert integer(digits=4).build(7) == "0007"
    assert unique().build(ID) == ID


@pytest.mark.parametrize(
    ("regex", "several"),
    [
        ("[a-z]+", False),
        ("[^/]+", False),
        (r"\d{4}-\w+", False),
        ("(?:ab|cd)", False),
        (".+", True),
        ("[^a]+", True),
        (r"\S+", True),
        ("a/b", True),
        ("[ -~]+", True),
    ],
)
def test_an_expression_that_can_match_a_slash_takes_several_segments(regex, several):
    assert pattern_of(regex).multi_segment is several


def test_groups_of_an_expression_are_plain_and_anchors_are_dropped():
    converter = pattern_of(r"^(?P<year>\d{4})-(\d\d)$")
    assert converter.parse("2026-05") == "2026-05"
    with pytest.raises(ConverterError, match="refers back"):
        pattern_of(r"(a)\1")
    assert pattern_of("(?i)abc").parse("ABC") == "ABC"


@pytest.mark.parametrize("regex", ["(", "[a", "*", ""])
def test_a_broken_expression_is_refused(regex):
    with pytest.raises(ConverterError):
        pattern_of(regex)


@pytest.mark.parametrize(
    ("name", "arguments", "text", "value"),
    [
        ("int", "min=1, max=5", "5", 5),
        ("int", None, "5", 5),
        ("int", "", "5", 5),
        ("int", "signed=False", "5", 5),
        ("any", "a,b,'c d'", "c d", "c d"),
        ("any", '"x,y",z', "x,y", "x,y"),
        ("re", "[0-9]{2}", "42", "42"),
        ("regex", "'[0-9]{2}'", "42", "42"),
    ],
)
def test_a_table_resolves_a_type_with_arguments(name, arguments, text, value):
    assert DEFAULT.resolve(name, arguments).parse(text) == value


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nosuch", None, "known are any, float, int"),
        ("int", "big=1", "big"),
        ("int", "min='x'", "must be a number"),
        ("int", "min=5,max=1", "max is less than min"),
        ("int", "min=1,min=2", "given twice"),
        ("int", "min=1,2", "named argument"),
        ("int", ",,", "can not read"),
        ("str", "length=1,max=2", "either length"),
        ("any", "", "texts to choose from"),
    ],
)
def test_a_wrong_type_says_why(name, arguments, message):
    with pytest.raises(ConverterError, match=message):
        DEFAULT.resolve(name, arguments)


def test_extending_a_table_leaves_the_first_alone():
    hexadecimal = Converter("hex", "[0-9a-f]+", lambda text: int(text, 16), lambda value: f"{value:x}")
    table = DEFAULT.extend({"hex": hexadecimal})
    assert table.resolve("hex").parse("ff") == 255
    assert "hex" not in DEFAULT
    table.register("three", lambda factor=3: integer(min=factor))
    assert table.resolve("three", "4").parse("4") == 4
    with pytest.raises(ConverterError, match="identifier"):
        table.register("a-b", hexadecimal)


def test_a_table_has_its_own_default():
    assert Converters().default.parse("x") == "x"
    assert DEFAULT.extend(default=integer()).default.parse("1") == 1


def test_a_converter_with_groups_is_refused():
    with pytest.raises(ConverterError, match="groups"):
        Converter("x", "(a)")
