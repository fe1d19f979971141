"""bench/reliability, every measurement in small: the targets that do not depend on how fast the machine is, are met.

In full size they are run by hand (`make reliability`); here a few seconds each show that the server keeps its promises
and that the instruments work. Ratios of latencies are left to the full runs.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict

import pytest

from bench.reliability import abuse, attackers, context, footprint, idle, readers, soak
from bench.reliability.context import judge
from bench.reliability.holdings import Holdings, compare
from bench.reliability.report import Report, page
from bench.reliability.traffic import REQUESTS, Batch, make_batches, statuses

pytestmark = pytest.mark.timing

SMALL: dict[str, Callable[[], Report]] = {
    "footprint": footprint.measure,
    "idle": lambda: idle.measure(connections=400, seconds=1.0),
    "readers": lambda: readers.measure(clients=10, mebibytes=64, seconds=1.0),
    "context": lambda: context.measure(rounds=1, connections=2),
    "soak, direct": lambda: soak.measure(requests=12_000, warm_up=12_000),
    "soak, asgi": lambda: soak.measure(requests=8_000, warm_up=8_000, interface="asgi"),
    "abuse": lambda: abuse.measure(connections=2_000, warm_up=2_000),
    "attackers": lambda: attackers.measure(
        connections=60, rate=300, header_timeout=1.0, interval=0.3, baseline=0.5, modes="header"
    ),
}
TIMING = "as a multiple"  # such checks need a machine of one's own
MEMORY, NOISE = "growth of memory (RSS)", 10.0  # after so few requests the allocator is not settled


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_in_small(name: str) -> None:
    report = SMALL[name]()
    missed = [
        asdict(check)
        for check in report.checks
        if not check.met
        and TIMING not in check.what
        and not (check.what == MEMORY and isinstance(check.measured, float) and check.measured < NOISE)
    ]
    assert len(report.checks) >= 2
    assert missed == [], report.figures


@pytest.mark.slow
def test_the_command_prints_a_report_and_its_exit_code_is_the_verdict() -> None:
    command = [sys.executable, "-m", "bench.reliability", "footprint", "--loop", "asyncio"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    document, _ = json.JSONDecoder().raw_decode(done.stdout)
    assert document["conditions"] == {"server": "asteri", "loop": "asyncio", "pure": False}
    assert done.returncode == (0 if document["met"] else 1)


# The instruments


def test_a_report_is_met_when_every_check_is() -> None:
    report = Report("x", {"size": 1})
    report.at_most("bytes", 8192, 8192, "bytes")
    report.at_least("open", 10, 10)
    report.exactly("threads", 3, 3)
    assert report.met
    report.at_most("bytes", 8193, 8192, "bytes")
    assert not report.met
    assert report.lines()[-1] == "  MISSED bytes: 8193 (at most 8192 bytes)"


def test_the_page_has_the_checks_of_every_record() -> None:
    report = Report("slow readers", {"clients": 10, "server": "asteri"})
    report.at_most("bytes", 9000, 8192, "bytes")
    where = {"processor": "one", "cores": 2}
    record = {**asdict(report), "date": "2026-11-25T12:00:00", "commit": "abc", "python": "CPython", "machine": where}
    assert "| bytes | 9000 | at most 8192 bytes | MISSED |" in page([record])
    assert "clients 10, server asteri (commit abc, CPython, one, 2 cores, 2026-11-25)" in page([record])
    assert report.file == "slow-readers-asteri"


@pytest.mark.parametrize(
    ("after", "missed"),
    [
        (Holdings(102_000_000, 5, 2, 3, 102), []),
        (Holdings(102_100_000, 5, 2, 3, 103), ["growth of memory (RSS)", "growth of the collector's objects"]),
        (Holdings(100_000_000, 6, 3, 4, 100), ["descriptors afterwards", "tasks afterwards", "threads afterwards"]),
    ],
)
def test_holdings_that_grow_are_missed_targets(after: Holdings, missed: list[str]) -> None:
    report = Report("x", {})
    compare(report, Holdings(100_000_000, 5, 2, 3, 100), after)
    assert [check.what for check in report.checks if not check.met] == missed


def test_a_foreign_value_is_seen() -> None:
    assert judge("u1", 200, b'{"before": "-", "after": "u1"}') == "own"
    assert judge("u1", 200, b'{"before": "u0", "after": "u1"}') == "u1 saw u0 before and u1 after"
    assert judge("u1", 500, b"") == "status 500"


ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
)


def test_answers_are_told_apart_at_every_split() -> None:
    assert statuses(ANSWERS, 3) == ([200, 200, 404], len(ANSWERS))
    assert statuses(ANSWERS, 2)[0] == [200, 200]
    for size in range(len(ANSWERS)):
        found, end = statuses(ANSWERS[:size], 3)
        assert found == [200, 200, 404][: len(found)]
        assert len(found) < 3 and end <= size


def test_a_batch_knows_its_answers_after_the_first_time() -> None:
    batch = Batch(b"", [200, 200, 404])
    assert not batch.is_answered(bytearray(ANSWERS[:-1]))
    assert batch.is_answered(bytearray(ANSWERS))
    assert not batch.is_answered(bytearray(ANSWERS[:-1]))
    assert batch.is_answered(bytearray(ANSWERS))
    with pytest.raises(ValueError, match="other answers than before"):
        batch.is_answered(bytearray(ANSWERS.replace(b"404", b"500")))
    with pytest.raises(ValueError, match="answered"):
        Batch(b"", [200, 200, 200]).is_answered(bytearray(ANSWERS))


def test_batches_have_something_of_everything() -> None:
    together = b"".join(batch.data for batch in make_batches(0))
    assert all(data in together for data, _ in REQUESTS.values())
    assert {len(batch.statuses) for batch in make_batches(0)} == {16}
    assert make_batches(0)[0].data != make_batches(1)[0].data


def test_traffic_that_is_answered_wrongly_is_an_error() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.2)
        while not stop.is_set():
            try:
                with listener.accept()[0] as connection:
                    connection.settimeout(1)
                    connection.recv(65536)
                    connection.sendall(ANSWERS * 6)
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        account = soak.traffic(listener.getsockname()[1], 1000, 1)
    finally:
        stop.set()
        thread.join()
        listener.close()
    assert account.requests == 0
    assert 10 <= len(account.errors) <= 12


def test_an_attack_ends_when_it_has_lost_all_connections() -> None:
    from bench.reliability.attack import attack

    async def main() -> dict[str, object]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n")
            await asyncio.sleep(0.1)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await asyncio.to_thread(attack, port, "header", 5, 1000.0, 0.05, 5.0)
        finally:
            server.close()

    found = asyncio.run(main())
    assert (found["opened"], found["dropped"], found["left"]) == (5, 5, 0)
    lives = found["lives"]
    assert isinstance(lives, list) and all(0.08 < life < 1.0 for life in lives)
