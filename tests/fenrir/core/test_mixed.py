import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.core.converters import DEFAULT
from fenrir.core.mixed import Mixed
from fenrir.core.pattern import Static, braces


def matched(text: str, segment: str) -> list[object] | None:
    values = Mixed(braces(f"/{segment}", DEFAULT).segments[0]).match(text)
    return None if values is None else values[::-1]


@pytest.mark.parametrize(
    ("segment", "text", "values"),
    [
        ("{name}.txt", "a.txt", ["a"]),
        ("{name}.txt", "a.b.txt", ["a.b"]),
        ("{name}.txt", ".txt", None),
        ("{name}.txt", "a.html", None),
        ("v{n:int}", "v12", [12]),
        ("v{n:int}", "vx", None),
        ("aa{n}aa", "aaa", None),
        ("{a}.{b}", "x.y.z", ["x.y", "z"]),
        ("{a}.{b}", "x.", None),
        ("{a:int}.{b:int}", "1.2", [1, 2]),
        ("{a:int}.{b:int}", "1.2.3", None),
        ("{a}-{n:int}", "x-y-3", ["x-y", 3]),
        ("{a:float}.{b}", "1.5.x", [1.5, "x"]),
        ("{a:int}{b}", "12x", [12, "x"]),
        ("{a:int}{b}", "12", [1, "2"]),
        ("{a}{b}", "xy", ["x", "y"]),
    ],
)
def test_values(segment, text, values):
    assert matched(text, segment) == values


PARTS = st.lists(st.sampled_from(["{s}", "{i:int}", "-", "1", "a"]), min_size=1, max_size=6).filter(
    lambda parts: any(part[0] == "{" for part in parts)
)


@given(PARTS, st.text(alphabet="-1a", max_size=10))
def test_the_same_as_one_greedy_expression(parts, text):
    named = [part.replace("s", f"s{place}").replace("i:", f"i{place}:") for place, part in enumerate(parts)]
    segment = braces("/" + "".join(named), DEFAULT).segments[0]
    regex = "".join(re.escape(p.text) if isinstance(p, Static) else f"({p.converter.regex})" for p in segment)
    match = re.fullmatch(regex, text)
    values = Mixed(segment).match(text)
    if match is None:
        assert values is None
    else:
        converters = [part.converter for part in segment if not isinstance(part, Static)]
        assert values is not None
        assert values[::-1] == [c.convert(group) for c, group in zip(converters, match.groups(), strict=True)]


@pytest.mark.parametrize("segment", ["{a}-{b}-{c}-{d}-{e}!", "{a}-{b}-{c}-{n:int}", "{a:int}.{b:int}.{c:int}.{d:int}"])
@pytest.mark.parametrize("unit", ["-", "1.", "x-", "1-"])
def test_a_hostile_segment_costs_little(segment, unit):
    text = unit * (8000 // len(unit)) + "x"
    begin = time.perf_counter()
    matched(text, segment)
    assert time.perf_counter() - begin < 0.1
