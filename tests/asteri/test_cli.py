"""The command line's own answers; serving is tested with real processes in tests/e2e."""

from __future__ import annotations

import pytest

from asteri.cli import main


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "module:attribute"),
        (["main:app", "--wrokers", "2"], "--wrokers"),
        (["main:app", "-w", "0"], "workers 0"),
        (["main:app", "-w", "two"], "invalid int value"),
        (["main:app", "--reload-dir", "src"], "reload_dir needs reload"),
        (["main:app", "-b", "nowhere"], "HOST:PORT"),
    ],
)
def test_usage_error(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("asteri ")
    assert "compiled: " in text


def test_help_names_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "127.0.0.1:8000" in capsys.readouterr().out
