"""Static files stay inside their root, whatever a path says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fenrir.kit.static import StaticFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    inside = tmp_path / "root"
    (inside / "sub").mkdir(parents=True)
    (inside / "a.txt").write_text("a")
    (inside / "sub" / "b.txt").write_text("b")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root-sibling").mkdir()
    (tmp_path / "root-sibling" / "x.txt").write_text("x")
    return inside


def test_files_inside(root: Path) -> None:
    files = StaticFiles(root)
    found = files.find("sub/b.txt")
    assert found is not None and Path(found.path).read_text() == "b" and found.status.st_size == 1
    for path in ("", "sub", "sub/", "none", "a.txt/", "a.txt/x"):
        again = files.find(path)
        assert again is None or path == "a.txt/"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "sub/../../secret.txt", "/etc/passwd", "//etc/passwd", "..\\secret.txt", "..%2fsecret.txt",
        "\x00", "a.txt\x00", "../root-sibling/x.txt", "C:\\x", "\\\\host\\share", "\udc80", "a" * 5000,
        "./../secret.txt",
    ],
)  # fmt: skip
def test_paths_that_lead_out(root: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda p, *a, **k: (opened.append(str(p)), real_open(p, *a, **k))[1])
    assert StaticFiles(root).find(path) is None
    assert all(os.path.normpath(p).startswith(f"{root}{os.sep}") for p in opened)


def test_links_out_are_not_followed_unless_asked(root: Path) -> None:
    (root / "out.txt").symlink_to(root.parent / "secret.txt")
    (root / "in.txt").symlink_to(root / "a.txt")
    (root / "dir").symlink_to(root.parent / "root-sibling")
    files = StaticFiles(root)
    assert files.find("out.txt") is None
    assert files.find("dir/x.txt") is None
    inside = files.find("in.txt")
    assert inside is not None and Path(inside.path).read_text() == "a"
    followed = StaticFiles(root, follow_symlinks=True).find("out.txt")
    assert followed is not None and Path(followed.path).read_text() == "secret"


def test_pipes_and_devices_are_no_files(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "null").symlink_to("/dev/null")
    assert StaticFiles(root).find("pipe") is None
    assert StaticFiles(root, follow_symlinks=True).find("null") is None


def test_a_root_that_is_a_link(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    found = StaticFiles(root.parent / "link").find("a.txt")
    assert found is not None
