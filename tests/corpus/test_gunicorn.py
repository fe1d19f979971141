"""gunicorn's corpus over a real socket; what we see differently stands in `gunicorn.toml` with the reason."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from ..asteri.forms import FORMS
from ..asteri.serving import current, run, serving
from .gunicorn import Foreign, load, with_host
from .reading import read, splits
from .recorder import Recorder

TABLE = tomllib.loads((Path(__file__).parent / "gunicorn.toml").read_text())
REFUSED = {name: entry for entry in TABLE["refused"] for name in entry["names"]}
ACCEPTED = {name: entry for entry in TABLE["accepted"] for name in entry["names"]}

by_form = pytest.mark.parametrize("form", FORMS)
valid = pytest.mark.parametrize("case", load("valid"), ids=lambda case: case.name)
invalid = pytest.mark.parametrize("case", load("invalid"), ids=lambda case: case.name)


class Outcome(NamedTuple):
    """What became of the bytes of one connection."""

    recorder: Recorder
    statuses: list[int]
    text: bytes

    @property
    def accepted(self) -> bool:
        """Whether the application saw a request and nothing was refused."""
        return bool(self.recorder.seen) and set(self.statuses) == {200}

    @property
    def refusal(self) -> tuple[int | None, str]:
        """The last answer."""
        if not self.statuses:
            return None, ""
        return self.statuses[-1], self.text.split(b"\r\n\r\n")[-1].decode().strip()


def send(form: str, data: bytes) -> Outcome:
    """Send the bytes and the end of the connection, and read to its end."""
    recorder = Recorder()
    received = b""

    async def main() -> None:
        nonlocal received
        async with serving(form, recorder) as server:
            peer = await server.connect()
            await peer.send(data)
            peer.end()
            while piece := await asyncio.wait_for(peer.reader.read(65536), 5):
                received += piece

    current[0] = "asyncio"
    try:
        run(main())
    except ConnectionResetError:  # the answer to a body that never became complete
        assert received == b""
    return Outcome(recorder, [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)], received)


@by_form
@invalid
def test_invalid(form: str, case: Foreign) -> None:
    outcome = send(form, case.data)
    if outcome.text.endswith(b"missing Host\n"):
        outcome = send(form, with_host(case.data))
    assert outcome.accepted == (case.name in ACCEPTED)
    assert all(status < 500 or status in (501, 505) for status in outcome.statuses)


@by_form
@valid
def test_valid(form: str, case: Foreign) -> None:
    outcome = send(form, case.data)
    entry = REFUSED.get(case.name)
    if entry is not None:
        assert outcome.refusal == (entry.get("status"), entry.get("answer", ""))
        if entry.get("answer") != "missing Host":
            return
        outcome = send(form, with_host(case.data))
        if "with_host" in entry:
            assert outcome.refusal[1] == entry["with_host"]
            return
    assert outcome.accepted
    added = ("host", "a") if entry is not None else None
    for (method, target, headers, body), seen, raw in zip(
        case.requests, outcome.recorder.seen, outcome.recorder.targets, strict=True
    ):
        assert (seen[0], seen[4]) == (method, body)
        assert target.endswith(raw.decode("ascii"))
        ours = [(name.decode("ascii"), value.decode("latin-1")) for name, value in seen[3]]
        # One of them sets that underscores are let through, which we have no setting for.
        theirs = [(name.lower(), value) for name, value in headers if "_" not in name]
        assert [pair for pair in ours if pair != added] == theirs


@by_form
@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_outcomes_are_the_same_at_every_split(form: str, kind: str) -> None:
    for case in load(kind):
        for data in (case.data, with_host(case.data)):
            whole = read("interpreted", [data])
            assert all(read(form, pieces) == whole for pieces in splits(data)), case.name


def test_only_what_needs_settings_of_gunicorn_is_accepted() -> None:
    settings = {case.name: case.settings for case in load("invalid")}
    assert [name for name, entry in ACCEPTED.items() if settings[name] != tuple(entry["settings"])] == []


def test_the_table_names_what_exists() -> None:
    assert set(REFUSED) <= {case.name for case in load("valid")}
    assert set(ACCEPTED) <= {case.name for case in load("invalid")}
    assert all(entry["reason"].endswith(".") for entry in [*TABLE["refused"], *TABLE["accepted"]])
