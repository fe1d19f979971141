"""Building URLs from endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fenrir.core.context import RequestContext, current
from fenrir.core.pattern import Parameter, Pattern, PatternError, Static, quote_path
from fenrir.flask.routing import BuildError

if TYPE_CHECKING:
    from fenrir.core.plan import Plan
    from fenrir.flask.door import FlaskDoor

__all__ = ["build_url"]


def build_url(
    app: FlaskDoor,
    endpoint: str,
    anchor: str | None,
    method: str | None,
    scheme: str | None,
    external: bool | None,
    values: dict[str, Any],
) -> str:
    """Return the URL of an endpoint; see `FlaskDoor.url_for`.

    Raises:
        BuildError: there is no such endpoint, or values are missing.
        RuntimeError: there is no request and no SERVER_NAME.
        ValueError: a scheme for a relative URL.
    """
    c = current.get(None)
    if c is not None and c.app is not app.engine:
        c = None
    if endpoint.startswith("."):
        blueprint = app.request_of(c).blueprint if c is not None else None
        endpoint = f"{blueprint}{endpoint}" if blueprint is not None else endpoint[1:]
    if external is None:
        external = scheme is not None or c is None
    if c is None and not app.config["SERVER_NAME"]:
        raise RuntimeError(
            "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also configure"
            " 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
        )
    app.inject_url_defaults(endpoint, values)
    try:
        path, query = _path(app, endpoint, method, values)
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        return app.handle_url_build_error(error, endpoint, values)
    url = _absolute(app, c, scheme, external, path)
    if query:
        url += "?" + query
    return f"{url}#{quote(anchor, safe='%!#$&()*+,/:;=?@' + chr(39))}" if anchor is not None else url


def _absolute(app: FlaskDoor, c: RequestContext | None, scheme: str | None, external: bool, path: str) -> str:
    if c is not None:
        request = app.request_of(c)
        path = quote(request.script_root, safe="/!$&'()*+,;=:@%") + path
        host, own_scheme = request.host if external else "", request.scheme
    else:
        path = app.config["APPLICATION_ROOT"].rstrip("/") + path
        host, own_scheme = app.config["SERVER_NAME"], app.config["PREFERRED_URL_SCHEME"]
    if not external:
        if scheme is not None:
            raise ValueError("When specifying '_scheme', '_external' must be True.")
        return path
    used = own_scheme if scheme is None else scheme
    return f"{used}://{host}{path}" if used else f"//{host}{path}"


def _path(app: FlaskDoor, endpoint: str, method: str | None, values: Mapping[str, Any]) -> tuple[str, str]:
    names = app.engine.frozen.names
    plans = names.get(endpoint, ())
    given = {name: value for name, value in values.items() if value is not None}
    error = ""
    # The rule that uses most of the values says most about them.
    for plan in sorted(plans, key=lambda plan: -len(plan.names)):
        defaults = plan.route.options.get("defaults") or {}
        if not _suits(plan, method, given, defaults):
            continue
        try:
            path = _built(plan.route.pattern, given)
        except PatternError as exc:
            error = str(exc)
            continue
        rest = {name: value for name, value in given.items() if name not in plan.names and name not in defaults}
        return path, urlencode(list(_query(rest)), safe="!$'()*,/:;?@")
    raise BuildError(endpoint, dict(values), method, error or _hint(endpoint, plans, given, names))


def _built(pattern: Pattern, values: Mapping[str, Any]) -> str:
    """Return the path for values; as upstream, a text is not asked whether the rule would match it."""
    pieces = []
    for step in pattern.steps:
        text = "".join(part.text if isinstance(part, Static) else _text(pattern, part, values) for part in step)
        # SECURITY: a client resolves dot segments before it asks, so the URL would name something else.
        if any(piece in (".", "..") for piece in text.split("/")):
            raise PatternError(f"{pattern.text!r} can not be built with a '.' or '..' of its own as a segment")
        pieces.append(quote_path(text))
    return "/" + "/".join(pieces)


def _text(pattern: Pattern, part: Parameter, values: Mapping[str, Any]) -> str:
    converter, value = part.converter, values[part.name]
    try:
        return converter.format(value) if converter.free else converter.build(value)
    except (ValueError, TypeError) as error:
        raise PatternError(f"{pattern.text!r} can not be built: {part.name}: {error}") from None


def _suits(plan: Plan, method: str | None, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    if method is not None and plan.route.methods is not None and method not in plan.route.methods:
        return False
    if any(name not in given for name in plan.names):
        return False
    return all(given.get(name, value) == value for name, value in defaults.items())


def _query(values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        items = value if isinstance(value, list | tuple) else [value]
        yield from ((name, item) for item in items if item is not None)


def _hint(endpoint: str, plans: Iterable[Plan], given: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    missing = [{name for name in plan.names if name not in given} for plan in plans]
    if any(missing):
        fewest = sorted((sorted(names) for names in missing if names), key=len)[0]
        return f"Did you forget to specify values {fewest!r}?"
    close = get_close_matches(endpoint, names, n=1, cutoff=0)
    return f"Did you mean {close[0]!r} instead?" if close else ""
