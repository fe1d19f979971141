"""bench: our own contenders answer what they take part in, and a run gives figures. Peers are checked in a run."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bench import run
from bench.client import http_request
from bench.contenders import APPS, CONTENDERS, Contender
from bench.reliability.peer import Peer
from bench.scenarios import SCENARIOS
from bench.serving import serving
from tools import programs

OURS = [contender for contender in CONTENDERS.values() if contender.ours and "asteri" in contender.name]


@pytest.mark.slow
@pytest.mark.parametrize("contender", OURS, ids=lambda contender: contender.name)
def test_our_contenders_answer_their_scenarios(contender: Contender) -> None:
    for routes in (0, 1000):
        scenarios = [one for one in SCENARIOS.values() if one.routes == routes and one.name in contender.scenarios]
        if not scenarios:
            continue
        with run.start(contender, {"BENCH_ROUTES": str(routes)}) as server:
            for scenario in scenarios:
                if scenario.websocket:
                    with Peer(server.port) as peer:
                        peer.upgrade(scenario.path)
                        assert peer.echo(scenario.expected) == scenario.expected
                else:
                    run.check(server.port, scenario)


@pytest.mark.slow
def test_a_run_has_figures_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find", lambda name: None)  # our own client makes the load, nginx is missing
    seen: list[run.Result] = []
    results = run.run(
        run.contenders("nginx,fenrir-asteri"), run.scenarios("plaintext,ws"), rounds=2, seconds=0.2, report=seen.append
    )
    assert results == seen
    nginx, *ours = results
    assert nginx.reason == "nginx is not installed" and nginx.cpu_us is None
    assert [(one.contender, one.scenario, one.reason) for one in ours] == [
        ("fenrir-asteri", "plaintext", ""),
        ("fenrir-asteri", "ws", ""),
    ]
    for one in ours:
        assert one.cpu_us is not None and 1 < one.cpu_us < 2000
        assert one.per_second is not None and one.memory_mib is not None
        assert len(one.rounds) == 2


@pytest.mark.slow
def test_an_answer_that_is_wrong_is_the_reason_why_there_are_no_figures() -> None:
    contender = CONTENDERS["raw-asgi-asteri"]
    with run.start(contender, {"BENCH_ROUTES": "0"}) as server, pytest.raises(RuntimeError, match="wrong answer: 404"):
        run.check(server.port, SCENARIOS["di"])


def test_a_server_that_does_not_start_is_an_error_with_its_last_words() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(RuntimeError, match="exit code 1: no such thing"), serving("broken", command, folder=APPS):
        raise AssertionError("it does not get here")


@pytest.mark.slow
@pytest.mark.timing  # proc(5): a list of children that change meanwhile may lack one
def test_nothing_of_a_server_is_left_behind() -> None:
    with run.start(CONTENDERS["raw-asgi-asteri"], {"BENCH_ROUTES": "0"}) as server:
        assert len(server.family) == 2
        with Peer(server.port) as peer:
            assert peer.ask(http_request("GET", "/", {})) == (200, b"Hello, World!")
        pids, port = server.family, server.port
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
