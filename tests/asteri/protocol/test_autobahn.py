"""A selection of the Autobahn suite's cases, against a server process of each form; `make autobahn` runs all.

The suite comes from the package index the first time.
"""

from __future__ import annotations

import asyncio

import pytest

from conformance.autobahn.__main__ import run, serving
from conformance.autobahn.suite import load_cases, select

SELECTED = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]  # 247, of which most only wait, all at once
COSTLY = ["9.1.1", "9.2.1", "9.4.9", "9.5.6", "12.1.3", "12.5.12", "13.1.1", "13.3.4", "13.5.11", "13.7.4"]


@pytest.mark.slow
@pytest.mark.parametrize(("door", "pure"), [("direct", ""), ("direct", "1"), ("asgi", "")])
def test_no_case_fails(door: str, pure: str) -> None:
    cases = select(load_cases(), [*SELECTED, *COSTLY])
    assert len(cases) == 247 + len(COSTLY)
    with serving(door, ASTERI_PURE=pure) as port:
        outcomes = asyncio.run(run(cases, port))
    assert [outcome for outcome in outcomes if outcome.verdict == "FAILED"] == []
    # On a loaded machine a case that waits for a moment may see less than it could.
    assert len([outcome for outcome in outcomes if outcome.verdict == "NON-STRICT"]) <= 2


@pytest.mark.slow
def test_a_server_that_is_wrong_fails() -> None:
    cases = select(load_cases(), ["1.1.3", "6.3.*", "7.9.*", "12.1.1"])
    with serving("direct", "--ws-max-message", "100", "--no-ws-deflate") as port:
        outcomes = {outcome.number: outcome.verdict for outcome in asyncio.run(run(cases, port))}
    assert outcomes["1.1.3"] == outcomes["12.1.1"] == "FAILED"
    assert outcomes["6.3.1"] == outcomes["7.9.1"] == "OK"
