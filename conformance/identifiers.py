"""Lists of pytest's test ids, in a form that is short to keep and shows in a diff what was added.

    tests/test_basic.py
     test_options_work
     test_url_generation
      [x]
      [y]
     TestGreenlet::test_copying

A file, below it its tests, below a parametrised one its parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["dump", "load", "parts"]


def parts(identifier: str) -> tuple[str, str, str]:
    """Return file, name and parameters (with their brackets, or empty) of a test id."""
    file, _, rest = identifier.partition("::")
    name, bracket, parameters = rest.partition("[")
    return file, name, bracket + parameters


def dump(identifiers: Iterable[str]) -> str:
    """Return test ids as a text."""
    lines: list[str] = []
    last: tuple[str, str] = ("", "")
    for file, name, parameters in sorted(map(parts, identifiers)):
        if file != last[0]:
            lines.append(file)
        if (file, name) != last:
            lines.append(f" {name}")
        if parameters:
            lines.append(f"  {parameters}")
        last = (file, name)
    return "".join(f"{line}\n" for line in lines)


def load(text: str) -> set[str]:
    """Return the test ids of a text.

    Raises:
        ValueError: a line stands below nothing.
    """
    return set(_read(text))


def _read(text: str) -> Iterator[str]:
    file = name = ""
    pending = False  # a name is a test of its own unless parameters follow
    for line in text.split("\n"):
        if line.startswith("  "):
            if not name:
                raise ValueError(f"parameters without a test: {line!r}")
            pending = False
            yield f"{file}::{name}{line[2:]}"
            continue
        if pending:
            yield f"{file}::{name}"
        pending = line.startswith(" ")
        if pending:
            if not file:
                raise ValueError(f"a test without a file: {line!r}")
            name = line[1:]
        else:
            file, name = line, ""
