from __future__ import annotations

import os
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.utils import secure_filename as werkzeug_secure_filename

from fenrir.http.filenames import safe_join, secure_filename


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My cool movie.mov", "My_cool_movie.mov"),
        ("../../../etc/passwd", "etc_passwd"),
        ("i contain cool \xfcml\xe4uts.txt", "i_contain_cool_umlauts.txt"),
        ("..\\..\\x", "x"),
        ("C:\\dir\\file.txt", "C_dir_file.txt"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("LPT1.tar.gz", "_LPT1.tar.gz"),
        ("\u202egpj.exe", "gpj.exe"),
        (".htaccess", "htaccess"),
        ("a\0b\r\nc", "ab_c"),
        ("日本", ""),
        ("...", ""),
        ("", ""),
        ("-rf", "-rf"),
    ],
)
def test_secure_filename(name: str, expected: str) -> None:
    assert secure_filename(name) == expected


def test_long_names_keep_their_extension() -> None:
    assert secure_filename("a" * 4096 + ".jpeg") == "a" * 250 + ".jpeg"
    assert len(secure_filename("a." + "b" * 4096)) == 255
    assert secure_filename("abc.txt", max_length=5) == "a.txt"


@given(st.text())
def test_secure_names_are_only_names(name: str) -> None:
    safe = secure_filename(name)
    assert safe.isascii()
    assert not set(safe) & set("/\\:\0 ")
    assert not safe.startswith(".")
    assert len(safe) <= 255
    assert secure_filename(safe).strip("_") == safe.strip("_")


@given(st.text("abAB ._-/äß€\t", max_size=30))
def test_as_werkzeug_where_there_are_no_backslashes(name: str) -> None:
    assert secure_filename(name) == werkzeug_secure_filename(name)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "..\\x",
        "a\\b",
        "C:\\x",
        "\\\\host\\share",
        "a\0b",
        "a\nb",
        "a\x7f",
        "\udcc0\udcae\udcc0\udcae/x",
    ],
)
def test_paths_that_lead_elsewhere(path: str) -> None:
    assert safe_join("/srv", path, windows=False) is None
    assert safe_join("/srv", path, windows=True) is None


@pytest.mark.parametrize("path", ["C:/x", "a/C:", "file:stream", "CON", "a/nul.txt", "a.", "b /c", "COM1", "aux.h"])
def test_paths_that_lead_elsewhere_on_windows(path: str) -> None:
    assert safe_join("/srv", path, windows=True) is None
    assert safe_join("/srv", path, windows=False) == f"/srv/{path}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "/srv/a"),
        ("a/b.txt", "/srv/a/b.txt"),
        ("a//./b", "/srv/a/b"),
        ("..a/b..", "/srv/..a/b.."),
        ("...", "/srv/..."),
        ("%2e%2e/x", "/srv/%2e%2e/x"),
        ("", "/srv"),
        (".", "/srv"),
        ("é", "/srv/é"),
    ],
)
def test_paths_below_the_root(path: str, expected: str) -> None:
    assert safe_join("/srv", path, windows=False) == expected


def test_roots() -> None:
    assert safe_join("/", "a") == "/a"
    assert safe_join("/", "") == "/"
    assert safe_join("/srv/", "a") == "/srv/a"
    with pytest.raises(ValueError):
        safe_join("", "a")


@given(st.text("a./\\\0:", max_size=15))
def test_never_outside(path: str) -> None:
    joined = safe_join("/srv/root", path)
    if joined is not None:
        assert os.path.normpath(joined) == joined or posixpath.normpath(joined) == joined
        assert joined == "/srv/root" or joined.startswith("/srv/root/")
