from __future__ import annotations

from http import HTTPStatus

import pytest

from fenrir.http.status import PHRASES, forbids_body, parse_status, phrase


def test_every_status_of_the_standard_library_has_a_phrase() -> None:
    assert {status.value for status in HTTPStatus} <= PHRASES.keys()
    assert phrase(404) == "Not Found"
    assert phrase(413) == "Content Too Large"
    assert phrase(299) == ""


@pytest.mark.parametrize("status", [404, "404", "404 Not Found", b"404 Nope", "404 ", HTTPStatus.NOT_FOUND])
def test_parse(status: int | str) -> None:
    parsed = parse_status(status)
    assert parsed == 404
    assert type(parsed) is int


@pytest.mark.parametrize(
    "status", [0, 99, 1000, True, "", "40", "4040", "404Not", "404 a\r\nb", "٤٠٤", " 404", "404 \0"]
)
def test_refuse(status: int | str) -> None:
    with pytest.raises(ValueError):
        parse_status(status)


def test_no_body() -> None:
    assert [code for code in PHRASES if forbids_body(code)] == [100, 101, 102, 103, 204, 304]
