"""The corpus itself: its files are what the package says, and no rule is without a case."""

from __future__ import annotations

import re

import pytest

from .cases import FOLDER, KINDS, Case, load, parse

CASES = [case for kind in KINDS for case in load(kind)]
STATUSES = {400, 413, 414, 417, 421, 431, 501, 505}
# Sections that rule what a server must make of a request's bytes. What is missing here is about responses, clients and
# intermediaries, or says what an application does with fields.
SECTIONS = {
    "RFC 9112": "2.1 2.2 2.3 3 3.2 3.2.1 3.2.2 3.2.3 3.2.4 5 5.1 5.2 6.1 6.2 6.3 7 7.1 7.1.1 7.1.2 8 9.3 9.3.2 11.2",
    "RFC 9110": "2.5 4.2.3 5.1 5.3 5.4 5.5 5.6.1 6.5.1 7.2 7.6.1 7.8 8.6 9.1 9.3.6 10.1.1 15.5.14",
}
# Rows of the table of faults; 34 and 36 are about time and resets, and stand in tests/asteri/protocol.
ROWS = {*range(1, 34), 35, 49}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_file_is_consistent(case: Case) -> None:
    text = (FOLDER / f"{case.name}.toml").read_bytes()
    assert text.endswith(b"\n") and not re.search(rb"[\r\t]| \n", text), "an editor may change this"
    assert text.replace("§".encode(), b"").isascii(), "write bytes as \\u00.."
    assert max(map(len, text.split(b"\n"))) < 400, "use a repetition"
    assert re.fullmatch(r"RFC \d{4} §[\d.]+", case.rule)
    assert case.why.endswith(".") and "\n" not in case.why
    assert (case.status in STATUSES and bool(case.reason)) if case.kind == "invalid" else case.status is None
    assert case.requests or case.kind != "valid"
    # Nothing is read behind a request that ends the connection.
    assert all(request.keep_alive for request in case.requests[:-1])
    assert case.kind == "valid" or all(request.keep_alive for request in case.requests)


def test_every_rule_has_a_case() -> None:
    rules = {case.rule for case in CASES}
    wanted = {f"{document} §{section}" for document, sections in SECTIONS.items() for section in sections.split()}
    assert wanted - rules == set()


def test_every_row_of_the_table_of_faults_has_a_case() -> None:
    assert ROWS - {case.row for case in CASES if case.row is not None} == set()


def test_no_two_cases_are_the_same() -> None:
    seen: dict[bytes, str] = {}
    twice = [(case.name, seen[case.data]) for case in CASES if seen.setdefault(case.data, case.name) != case.name]
    assert twice == []


def test_a_mistake_in_a_file_is_an_error() -> None:
    text = b'rule = "r"\nwhy = "w"\nrequest = "x"\n'
    assert parse("valid/a", text).data == b"x"
    for wrong in (
        b"",
        text + b"statsu = 400\n",
        text + b'[[requests]]\nmethod = "GET"\npath = "/"\nheaders = []\nx = 1\n',
    ):
        with pytest.raises(ValueError):
            parse("valid/a", wrong)
