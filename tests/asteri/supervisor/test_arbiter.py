"""The arbiter's arithmetic; what it does with processes is tested in tests/e2e."""

from __future__ import annotations

from asteri.supervisor.arbiter import respawn_pause


def test_respawn_pause_grows_and_is_bounded() -> None:
    pauses = [respawn_pause(deaths) for deaths in range(20)]
    assert pauses[:6] == [0.0, 0.0, 0.0, 0.0, 0.5, 1.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0
