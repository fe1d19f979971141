"""A header block as pairs, cut by a scan or by methods of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..forms import FORMS, family

NAMES = st.text("abzABZ09!#-_~", min_size=1, max_size=20).map(str.encode)
VALUES = st.lists(st.sampled_from([b"a", b" ", b"\t", b":", b"_", b"Z", b"\xff"]), max_size=8).map(b"".join)


def block(form: str, data: bytes) -> list[tuple[bytes, bytes]]:
    pairs: list[tuple[bytes, bytes]] = family(form)["headers_cy"].header_block(data).raw
    return pairs


@pytest.mark.parametrize("form", FORMS)
def test_names_are_lower_case_values_stripped_and_underscores_dropped(form: str) -> None:
    assert block(form, b"") == []
    assert block(form, b"X:") == [(b"x", b"")]
    data = b"Host:a:1\r\nX-Z: \t b c\t \r\nx_y: 1\r\nA: \t\r\na:Z"
    assert block(form, data) == [(b"host", b"a:1"), (b"x-z", b"b c"), (b"a", b""), (b"a", b"Z")]


@pytest.mark.parametrize("form", FORMS)
def test_the_single_bytes_that_all_of_python_shares_are_left_alone(form: str) -> None:
    assert block(form, b"Q: 1") == [(b"q", b"1")]
    assert bytes([81]) == b"Q" and b"Q".lower() == b"q"


@pytest.mark.parametrize("form", FORMS)
def test_a_block_without_a_colon_is_a_defect_of_the_parser(form: str) -> None:
    with pytest.raises(ValueError, match="not validated"):
        block(form, b"a: b\r\nc")


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_both_forms_agree(fields: list[tuple[bytes, bytes]]) -> None:
    data = b"\r\n".join(name + b":" + value for name, value in fields)
    expected = [(name.lower(), value.strip(b" \t")) for name, value in fields if b"_" not in name]
    assert block("compiled", data) == block("interpreted", data) == expected
