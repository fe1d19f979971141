"""From a route's name back to its path: one table of names for all dialects (paradigms rule 22)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fenrir.core.pattern import PatternError
from fenrir.http.query import encode_pairs

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.plan import Plan

__all__ = ["NoSuchName", "find_plan", "url_for"]


class NoSuchName(LookupError):
    """No route has this name, or none of that name can be built from these values."""


def find_plan(app: Application, name: str, values: Mapping[str, Any]) -> Plan:
    """Return the plan of a name whose parameters are all among the values, the one with most parameters first.

    Raises:
        NoSuchName: with the names that are close.
    """
    plans = app.frozen.names.get(name, ())
    fitting = [plan for plan in plans if all(part in values for part in plan.names)]
    if fitting:
        return max(fitting, key=lambda plan: len(plan.names))
    if plans:
        missing = [part for part in plans[0].names if part not in values]
        raise NoSuchName(f"the route {name!r} ({plans[0].route.pattern.text}) also needs {', '.join(missing)}")
    close = get_close_matches(name, app.frozen.names, n=3)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise NoSuchName(f"no route has the name {name!r}{hint}")


def url_for(app: Application, name: str, values: Mapping[str, Any]) -> str:
    """Return the path of a route; values that are no part of the path become the query.

    Raises:
        NoSuchName: there is no such route, or a value does not fit its converter.
    """
    plan = find_plan(app, name, values)
    try:
        path = plan.route.pattern.build({part: values[part] for part in plan.names})
    except PatternError as exc:
        raise NoSuchName(f"{name!r}: {exc}") from exc
    rest = [(key, value) for key, value in values.items() if key not in plan.names and value is not None]
    pairs = [(key, str(one)) for key, value in rest for one in (value if isinstance(value, (list, tuple)) else [value])]
    return path + (f"?{encode_pairs(pairs)}" if pairs else "")
