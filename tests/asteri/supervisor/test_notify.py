"""Lines between a child and its supervisor."""

from __future__ import annotations

from asteri.supervisor import notify


def test_lines_and_end() -> None:
    link, end = notify.pair()
    assert link.read() == []
    end.watch(["/a b", "/c"])
    end.ready()
    end.changed("x\ny")
    assert link.read() == [("watch", "/a b"), ("watch", "/c"), ("ready", ""), ("changed", "x?y")]
    assert not link.ended()
    end.close()
    assert link.read() == []
    assert link.ended()
    link.close()


def test_a_gone_supervisor_is_no_error() -> None:
    link, end = notify.pair()
    link.close()
    end.ready()
    end.close()
