"""The fuzzing itself: a short campaign that finds nothing, and planted faults that it must find.

The long campaigns are `make fuzz`; this one is the same for everybody, because its seed is fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from asteri.wire.limits import Limits
from fuzz.engine import Finding, Target, campaign, replay
from fuzz.shrink import minimise
from fuzz.targets import TARGETS
from tests.asteri.forms import family

SEED = 20261125
SAMPLES = {"connection-asyncio": 500, "connection-uvloop": 500}


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Any]:
    family("compiled")  # skips where nothing is compiled: there is nothing to compare with
    made = TARGETS[request.param]()
    yield made
    made.close()


def short(target: Target, samples: int | None = None) -> list[Finding]:
    (tally,), findings = campaign([target], SEED, samples=samples or SAMPLES.get(target.name, 6000))
    assert tally.samples and tally.executions >= tally.samples
    return findings


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, indirect=True)
def test_nothing_is_found(target: Any) -> None:
    findings = short(target)
    assert not findings, f"seed {SEED}: {findings}"


class _Lenient:
    """A form of the request parser that allows one byte more in a line."""

    def __init__(self, limits: Limits) -> None:
        self.parser = family("compiled")["request_cy"].RequestParser(
            Limits(request_line=limits.request_line + 1, header=limits.header, header_count=limits.header_count,
                   header_total=limits.header_total, chunk_extensions=limits.chunk_extensions, body=limits.body)
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parser, name)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["request"], indirect=True)
def test_a_form_that_is_one_byte_more_lenient_is_found_and_made_small(target: Any, tmp_path: Path) -> None:
    target._parsers["compiled"] = _Lenient
    (finding, *_) = short(target)
    assert "differs" in finding.verdict and len(finding.sample[0]) == 41
    path = finding.write(tmp_path)
    assert replay(path, {"request": target}) == Finding("request", 0, finding.sample, finding.verdict)
    target._parsers["compiled"] = target._parsers["interpreted"]
    assert replay(path, {"request": target}) is None


@pytest.mark.slow
@pytest.mark.parametrize("target", ["connection-asyncio"], indirect=True)
def test_a_server_that_ends_what_it_should_cut_is_found(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = family("interpreted")["h1_cy"].H1Protocol
    monkeypatch.setattr(protocol, "abort", protocol.finish_writing)
    verdicts = [finding.verdict for finding in short(target)]
    assert any("incomplete answer" in verdict or "forms differ" in verdict for verdict in verdicts), verdicts


@pytest.mark.slow
@pytest.mark.parametrize("target", ["forms"], indirect=True)
def test_a_form_that_depends_on_the_cuts_is_found(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("fenrir.http.forms._StrictParser._on_segment_headerline")
    assert any(finding.verdict.startswith("cuts matter") for finding in short(target))


def test_an_exception_is_a_finding() -> None:
    class Broken:
        name = "broken"
        executions = 0

        def sample(self, chance: Random) -> Any:
            return [chance.randrange(100) for _ in range(20)]

        def judge(self, sample: Any) -> str | None:
            self.executions += 1
            if 7 in sample:
                raise LookupError("seven")
            return None

        def close(self) -> None:
            """Hold nothing."""

    _, (finding,) = campaign([Broken()], SEED, samples=200)
    assert finding.sample == [7] and finding.verdict.startswith("LookupError: seven (test_campaign.py:")


def test_minimise_leaves_only_what_fails() -> None:
    sample = ([b"some bytes", b"others"], "text", 12, True)
    small = minimise(sample, lambda s: len(s[0]) > 0 and b"t" in s[0][-1] and s[2] > 3)
    assert small == ([b"t"], "", 4, False)
