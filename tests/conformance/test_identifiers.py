"""Lists of test ids are short and lose nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.identifiers import dump, load, parts
from conformance.suite import suites

FILES = st.sampled_from(["tests/test_a.py", "tests/test_b.py", "tests/deep/test_a.py"])
NAMES = st.sampled_from(["test_a", "test_b", "TestA::test_a", "TestA::test_b"])
PARAMETERS = st.just("") | st.text(" :[]-/x1", max_size=6).map("[{}]".format)
IDENTIFIERS = st.builds("{}::{}{}".format, FILES, NAMES, PARAMETERS)


def test_the_form() -> None:
    ids = {"t/b.py::C::test_x", "t/a.py::test_p[1]", "t/a.py::test_p[ ::b]", "t/a.py::test_q"}
    assert dump(ids) == "t/a.py\n test_p\n  [ ::b]\n  [1]\n test_q\nt/b.py\n C::test_x\n"
    assert load(dump(ids)) == ids
    assert load("") == set()


def test_parts() -> None:
    assert parts("t/a.py::C::test_p[x::y[0]]") == ("t/a.py", "C::test_p", "[x::y[0]]")
    assert parts("t/a.py::test") == ("t/a.py", "test", "")


@pytest.mark.parametrize("text", [" test_x\n", "  [1]\n", "a.py\n  [1]\n"])
def test_what_stands_below_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="without a"):
        load(text)


@given(st.sets(IDENTIFIERS))
def test_nothing_is_lost(ids: set[str]) -> None:
    # pytest never has both `test` and `test[...]` in one file; this form would take the first for a heading.
    bare = {identifier for identifier in ids if identifier.endswith("]") is False}
    ids -= {name for name in bare if any(other.startswith(f"{name}[") for other in ids)}
    assert load(dump(ids)) == ids


@pytest.mark.parametrize("suite", suites(), ids=lambda suite: suite.name)
def test_the_committed_lists_are_in_the_form(suite: object) -> None:
    text = (suite.folder / "baseline.txt").read_text()  # type: ignore[attr-defined]
    assert dump(load(text)) == text
