"""The suite's own case classes, from its source distribution.

The suite is written for Python 2 and Twisted and is not installed: its files of cases are loaded as they are, adapted
while they are compiled, on top of stand-ins for the few names of other packages that they import. Nothing of it is in
this repository.

Python 2's strings are bytes. Here they become strings of latin-1, one character a byte, and `peer` translates.
"""

from __future__ import annotations

import ast
import codecs
import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tools.sdist import fetch

__all__ = ["VERSION", "case_id", "load_cases", "select"]

VERSION = "25.10.1"
PROLOGUE = "from python2 import b2a_hex, read, unichr, xrange\n"
ADAPTATIONS = [
    (re.compile(r"^#.*coding=.*$", re.M), "#"),
    (re.compile(r"^(\s*)print(?: (.*))?$", re.M), r"\1print(\2)"),
    (re.compile(r"\(object, Case, \)"), "(Case,)"),
    (re.compile(r"^   implements\(.*$", re.M), ""),
    (re.compile(r"binascii\.b2a_hex\("), "b2a_hex("),
    (re.compile(r"open\(fn, 'rb'\)\.read\(\)"), "read(fn)"),
]


def load_cases() -> list[type]:
    """Return the suite's classes of cases in its order, fetched from the package index when they are not yet here."""
    directory = fetch("autobahntestsuite", VERSION) / "autobahntestsuite"
    finder = _Finder(directory / "case")
    before = set(sys.modules)
    stubs = _stubs(directory)
    sys.modules.update(stubs)
    sys.meta_path.insert(0, finder)
    try:
        cases: list[type] = importlib.import_module("cases").Cases
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name in stubs or (name not in before and finder.path(name))]:
            del sys.modules[name]
    return cases


def case_id(case: type) -> str:
    """Return "1.2.3" for Case1_2_3."""
    return case.__name__.removeprefix("Case").replace("_", ".")


def select(cases: Sequence[type], patterns: Sequence[str]) -> list[type]:
    """Return the cases whose numbers match: "7.5.1", or "1.*" for all below 1."""
    wanted = [re.compile(re.escape(pattern).replace(r"\*", r"\d[\d.]*")) for pattern in patterns]
    return [case for case in cases if any(pattern.fullmatch(case_id(case)) for pattern in wanted)]


class _Finder(MetaPathFinder):
    """Finds the files of cases under the bare names by which they import each other."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path | None:
        if name == "cases":
            return self._directory / "__init__.py"
        path = self._directory / f"{name}.py"
        return path if re.fullmatch(r"case[0-9_xX]*", name) and path.exists() else None

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        found = self.path(fullname)
        if found is None:
            return None
        return importlib.util.spec_from_file_location(fullname, found, loader=_Python2(fullname, str(found)))


class _Python2(SourceFileLoader):
    """Compiles a file of Python 2."""

    def path_stats(self, path: Any) -> Any:
        raise OSError  # no cache of bytecode: it would outlive a change of this file

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        text = bytes(data).decode("latin-1")
        for pattern, replacement in ADAPTATIONS:
            text = pattern.sub(replacement, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes were no error then
            tree = _IntegerDivision().visit(ast.parse(PROLOGUE + text))
            return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


class _IntegerDivision(ast.NodeTransformer):
    def visit_Div(self, node: ast.Div) -> ast.FloorDiv:
        return ast.FloorDiv()


class _Validator:
    """What the suite builds some of its cases with: autobahn's validator of UTF-8."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def validate(self, text: str) -> tuple[bool, bool]:
        try:
            self._decoder.decode(text.encode("latin-1"))
        except UnicodeDecodeError:
            return False, False
        return True, not self._decoder.getstate()[0]


class WebSocketProtocol:
    """The names of autobahn's protocol that cases look up in the class."""

    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2
    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_GOING_AWAY = 1001
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007


class Offer:
    """An offer of permessage-deflate, with autobahn's defaults."""

    def __init__(self, requestNoContextTakeover: bool = False, requestMaxWindowBits: int = 0) -> None:
        self.requestNoContextTakeover = requestNoContextTakeover
        self.requestMaxWindowBits = requestMaxWindowBits

    def __str__(self) -> str:
        parts = ["permessage-deflate", "client_no_context_takeover", "client_max_window_bits"]
        if self.requestNoContextTakeover:
            parts.append("server_no_context_takeover")
        if self.requestMaxWindowBits:
            parts.append(f"server_max_window_bits={self.requestMaxWindowBits}")
        return "; ".join(parts)


def _stubs(directory: Path) -> dict[str, ModuleType]:
    """Return stand-ins for what the cases import."""

    def module(name: str, **names: Any) -> Iterator[tuple[str, ModuleType]]:
        made = ModuleType(name)
        made.__dict__.update(names)
        yield name, made

    def b2a_hex(text: str) -> str:
        return text.encode("latin-1").hex()

    @cache
    def read(path: str) -> bytes:
        return Path(path).read_bytes()

    def resource(package: str, path: str) -> str:
        return str(directory / path)

    unused: Any = None  # for the server's side of a negotiation, and for a case that is not in the suite's list
    return dict(
        [
            *module("python2", b2a_hex=b2a_hex, read=read, unichr=chr, xrange=range),
            *module("autobahn"),
            *module("autobahn.websocket"),
            *module("autobahn.websocket.protocol", WebSocketProtocol=WebSocketProtocol),
            *module("autobahn.websocket.utf8validator", Utf8Validator=_Validator),
            *module(
                "autobahn.websocket.compress",
                PerMessageDeflateOffer=Offer,
                PerMessageDeflateOfferAccept=unused,
                PerMessageDeflateResponse=unused,
                PerMessageDeflateResponseAccept=unused,
            ),
            *module("pkg_resources", resource_filename=resource),
            *module("zope"),
            *module("zope.interface", implements=unused),
            *module("twisted"),
            *module("twisted.internet", reactor=unused, interfaces=ModuleType("interfaces")),
        ]
    )
