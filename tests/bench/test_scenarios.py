"""bench: that scenarios and contenders fit each other, and what counts as a right answer."""

from __future__ import annotations

import json

import pytest

from bench import run
from bench.contenders import APPS, CONTENDERS
from bench.scenarios import MIB, SCENARIOS, USER


def test_every_scenario_of_a_contender_exists() -> None:
    assert {name for contender in CONTENDERS.values() for name in contender.scenarios} == set(SCENARIOS)


def test_every_application_that_is_named_exists() -> None:
    for contender in CONTENDERS.values():
        for part in contender.command:
            if part.endswith(":app"):
                assert (APPS / f"{part[:-4]}.py").is_file(), contender.name
            elif part.endswith("_app.py"):
                assert (APPS / part).is_file(), contender.name


def test_no_application_is_without_a_contender() -> None:
    words = {part for contender in CONTENDERS.values() for part in contender.command}
    modules = {path.stem for path in APPS.glob("*.py")} - {"work"}
    assert {name for name in modules if not any(name in word for word in words)} == set()


@pytest.mark.parametrize(
    ("scenario", "body", "right"),
    [
        ("plaintext", b"Hello, World!", True),
        ("plaintext", b"Hello, World", False),
        ("json", b'{"message":"Hello, World!"}', True),
        ("json", b'{"message": "Hello"}', False),
        ("json", b"Hello, World!", False),
        ("body", json.dumps(USER).encode(), True),
        ("body", json.dumps(USER | {"address": {}}).encode(), False),
        ("upload", b'{"size": 1048576}', True),
        ("upload", b'{"size": 1048575}', False),
        ("download", b"x" * MIB, True),
        ("download", b"x" * (MIB - 1), False),
    ],
)
def test_an_answer_is_right_or_wrong(scenario: str, body: bytes, right: bool) -> None:
    assert SCENARIOS[scenario].is_answered_by(body) is right


def test_names_are_chosen_in_the_order_of_declaration() -> None:
    assert [one.name for one in run.scenarios("json,plaintext")] == ["plaintext", "json"]
    assert [one.name for one in run.contenders("fenrir-uvicorn,fenrir-asteri")] == ["fenrir-asteri", "fenrir-uvicorn"]


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown scenario plain; known are plaintext, json"):
        run.scenarios("plain")
