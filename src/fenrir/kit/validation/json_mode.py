"""Which types may be validated from JSON bytes in one step, with the same outcome as parsing first.

Pydantic has two modes. From JSON it is more lenient for strict types (a string is a strict datetime there), chooses
members of unions differently, and reads decimals from the text. Upstream parses first and validates Python values;
a type is validated from bytes only where both ways agree, and everything else is parsed first here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["HUGE_NUMBER", "JSONMode", "json_mode"]

HUGE_NUMBER: Final = re.compile(rb"[0-9.][eE]\+?[0-9]{3}|[0-9]{300}")
"""What a number beyond a double looks like, among much that is none."""

_SAME = frozenset("any none bool int float str literal enum date time datetime timedelta uuid url".split())  # noqa: SIM905
_SAME |= frozenset("list set frozenset dict nullable union tagged-union default".split())  # noqa: SIM905
_SAME |= frozenset("definitions definition-ref model model-fields model-field".split())  # noqa: SIM905
_SAME |= frozenset("dataclass dataclass-args dataclass-field typed-dict typed-dict-field".split())  # noqa: SIM905
_SAME |= frozenset("function-after function-before function-plain function-wrap".split())  # noqa: SIM905
_SAME_IN_UNIONS = frozenset("none bool int float str literal list model model-fields model-field".split())  # noqa: SIM905
_NOT_SCHEMA = frozenset("metadata serialization computed_fields config cls default expected members".split())  # noqa: SIM905


class JSONMode:
    """What is known of a type: `same` in both modes, with `floats` in it (so that infinity could enter)."""

    __slots__ = ("floats", "same")

    def __init__(self) -> None:
        self.same = True
        self.floats = False


_known: WeakKeyDictionary[TypeAdapter[Any], JSONMode] = WeakKeyDictionary()


def json_mode(adapter: TypeAdapter[Any]) -> JSONMode:
    """Return what is known of a type."""
    mode = _known.get(adapter)
    if mode is None:
        mode = _known[adapter] = JSONMode()
        _walk(adapter.core_schema, mode, False)
    return mode


def _walk(node: Any, mode: JSONMode, in_union: bool) -> None:
    if isinstance(node, (list, tuple)):
        for item in node:
            _walk(item, mode, in_union)
        return
    if not isinstance(node, Mapping):
        return
    kind = node.get("type")
    if isinstance(kind, str):
        config = node.get("config") or {}
        if node.get("strict") or config.get("strict") or config.get("val_json_bytes", "utf8") != "utf8":
            mode.same = False
        if kind not in (_SAME_IN_UNIONS if in_union else _SAME):
            mode.same = False
        if kind in ("float", "any") or "allow" in (config.get("extra_fields_behavior"), node.get("extra_behavior")):
            mode.floats = True
        in_union = in_union or kind == "union"
    for key, value in node.items():
        if key not in _NOT_SCHEMA:
            _walk(value, mode, in_union)
