"""What the file watcher sees."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from asteri.supervisor import notify
from asteri.supervisor.reload import changes_by_polling, snapshot


def test_snapshot_knows_patterns_and_ignored_directories(tmp_path: Path) -> None:
    for name in ("a.py", "b.txt", "pkg/c.py", ".venv/d.py", "__pycache__/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = snapshot([str(tmp_path)], ["*.py"])
    assert {Path(path).name for path in found} == {"a.py", "c.py"}
    assert len(snapshot([str(tmp_path)], ["*.py", "*.txt"])) == 3


def test_polling_sees_a_change_and_ends_with_the_supervisor(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("1")
    link, end = notify.pair()
    batches: list[set[str]] = []

    def watch() -> None:
        for batch in changes_by_polling([str(tmp_path)], ["*.py"], end, 0.005):
            batches.append(batch)
            link.close()

    thread = threading.Thread(target=watch)
    thread.start()
    for turn in range(1000):
        if not thread.is_alive():
            break
        os.utime(file, (turn, turn))
        thread.join(0.01)
    thread.join(5)
    assert not thread.is_alive()
    assert batches[0] == {str(file)}
    end.close()
