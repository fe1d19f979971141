"""Which views ask for more than the variables of their URL.

The rule, decided for every pair of a rule and a view, and worded so that no application written for Flask meets it: a
view is typed when one of its parameters has a marker (`Depends`, `Annotated[..., Query()]` and their kin), or when the
function itself, with no decorator of `functools.wraps` around it, demands an annotated argument that its URL does not
give; upstream could not call it. A default value alone asks for nothing: `def index(page: int = 1)` stands under "/" as
well as under "/page/<int:page>".
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable, Collection
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

__all__ = ["Asked", "asked_by"]

_TEXT = re.compile(r"\bAnnotated\[.*\b(Body|Cookie|Depends|File|Form|Header|Path|Query|Security)\(", re.DOTALL)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Asked(Enum):
    """What a view asks for beyond its URL."""

    NOTHING = "nothing"
    BY_MARKER = "by a marker"
    BY_ANNOTATION = "by the annotation of an argument that nothing else gives"


def asked_by(view: Callable[..., Any], names: Collection[str]) -> Asked:
    """Say what a view asks for.

    Args:
        names: of what the rule gives, its variables and its defaults.
    """
    own = inspect.isroutine(view) and not hasattr(view, "__wrapped__")
    if own and isinstance(view, types.FunctionType):
        code = view.__code__
        if not (code.co_argcount or code.co_kwonlyargcount):
            return Asked.NOTHING  # most views
    try:
        parameters = inspect.signature(view).parameters.values()
    except (TypeError, ValueError):
        return Asked.NOTHING
    scope = getattr(inspect.unwrap(view), "__globals__", {})
    found = Asked.NOTHING
    for parameter in parameters:
        annotation = _evaluated(parameter.annotation, scope)
        if _is_marker(parameter.default) or _is_marked(annotation):
            return Asked.BY_MARKER
        demanded = parameter.default is parameter.empty and parameter.kind in _NAMED
        known = annotation is not parameter.empty and not isinstance(annotation, str)
        if own and demanded and known and parameter.name not in names:
            found = Asked.BY_ANNOTATION
    return found


def _evaluated(annotation: Any, scope: dict[str, Any]) -> Any:
    """Return what a text stands for; the text itself where that is not known at run time."""
    if isinstance(annotation, str):
        try:
            return eval(annotation, scope)
        except Exception:  # for type checkers only, as many annotations of views are
            return annotation
    return annotation


def _is_marker(value: object) -> bool:
    # Whoever has a marker has imported its module; the others do not pay for it.
    module: Any = sys.modules.get("fenrir.kit.validation.parameters")
    return module is not None and isinstance(value, (module.Param, module.Body, module.Depends))


def _is_marked(annotation: Any) -> bool:
    if isinstance(annotation, str):
        # What looks like a marker and can not be evaluated is a mistake to be told of, not a view that nobody can call.
        return "fenrir.kit.validation.parameters" in sys.modules and _TEXT.search(annotation) is not None
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    return get_origin(annotation) is Annotated and any(map(_is_marker, get_args(annotation)[1:]))
