"""The look of errors that no handler took: as HTML, JSON or text.

The format is the route's own (`error_format`, or what its source returns), else the application's, else what the
client accepts; JSON when the request itself is JSON.
"""

from __future__ import annotations

import ast
import html as markup
import inspect
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fenrir.http.media import best_match
from fenrir.sanic.exceptions import BadRequest, SanicException, phrase
from fenrir.sanic.response import HTTPResponse, html, json, text

if TYPE_CHECKING:
    from fenrir.sanic.request import Request

__all__ = ["FALLBACK_TEXT", "error_response", "format_of_handler"]

FALLBACK_TEXT = "The application encountered an unexpected error and could not continue."
MIME = {"text": "text/plain", "json": "application/json", "html": "text/html"}
_BY_CALL = {"json": "json", "JSONResponse": "json", "text": "text", "html": "html"}
_BY_CONTENT_TYPE = {"text/plain": "text", "text/html": "html", "application/json": "json"}


def format_of_handler(handler: Callable[..., Any]) -> str:
    """Return the format in which a handler's source always answers, or "" when that is not one."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(handler)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            if node.value.func.id in _BY_CALL:
                found.add(_BY_CALL[node.value.func.id])
            for keyword in node.value.keywords:
                if keyword.arg == "content_type" and isinstance(keyword.value, ast.Constant):
                    found.update(filter(None, [_BY_CONTENT_TYPE.get(str(keyword.value.value))]))
    return found.pop() if len(found) == 1 else ""


def _format(request: Request, fallback: str) -> str:
    route = request.route
    wanted = (route.error_format if route is not None else "") or (fallback if fallback != "auto" else "")
    formats = [wanted] if wanted in MIME else []
    accept = request.headers.get("accept")
    if not formats and fallback == "auto" and best_match(accept, [MIME["json"]]):
        named = MIME["json"] in (accept or "")
        if named or "application/json" in request.content_type or _has_json(request):
            formats.append("json")
    if fallback == "auto":
        formats += [name for name in MIME if name not in formats]
    chosen = best_match(accept, [MIME[name] for name in formats])
    return next((name for name in formats if MIME[name] == chosen), "text")


def _has_json(request: Request) -> bool:
    try:
        return bool(request.json)
    except (BadRequest, RuntimeError):
        return False


def error_response(request: Request, exc: BaseException, fallback: str, debug: bool) -> HTTPResponse:
    """Return the answer to an exception.

    Args:
        fallback: the application's format: auto, text, json or html.
        debug: show where it was raised, unless the exception is quiet.
    """
    own = isinstance(exc, SanicException)
    status = exc.status_code if isinstance(exc, SanicException) else 500
    message = str(exc) if own or debug else FALLBACK_TEXT
    title = phrase(status) or "Error Occurred"
    full = debug and not getattr(exc, "quiet", False)
    details = {"context": getattr(exc, "context", None), "extra": getattr(exc, "extra", None) if full else None}
    match _format(request, fallback):
        case "json":
            response: HTTPResponse = json(_as_json(request, exc, title, status, message, details, full))
        case "html":
            response = html(_as_html(request, exc, f"{status} — {title}", message, details, full))
        case _:
            response = text(_as_text(request, exc, f"⚠️ {status} — {title}", message, details, full))
    response.status = status
    if isinstance(exc, SanicException):
        response.headers.update(exc.headers)
    return response


def _chain(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _as_json(
    request: Request,
    exc: BaseException,
    title: str,
    status: int,
    message: str,
    details: Mapping[str, Any],
    full: bool,
) -> dict[str, Any]:
    output: dict[str, Any] = {"description": title, "status": status, "message": message}
    output.update({name: value for name, value in details.items() if value})
    if full:
        output["path"] = request.path
        output["args"] = request.args
        output["exceptions"] = [
            {
                "type": type(one).__name__,
                "exception": str(one),
                "frames": [
                    {"file": frame.filename, "line": frame.lineno, "name": frame.name, "src": frame.line}
                    for frame in traceback.extract_tb(one.__traceback__)
                ],
            }
            for one in _chain(exc)
        ][::-1]
    return output


def _as_text(
    request: Request, exc: BaseException, title: str, message: str, details: Mapping[str, Any], full: bool
) -> str:
    lines: list[str] = []
    if full:
        lines.append(f"{type(exc).__name__}: {exc} while handling path {request.path}")
        lines.append(f"Traceback of {_app_name(request)} (most recent call last):\n")
        for one in list(_chain(exc))[::-1]:
            frames = [
                f"    File {frame.filename}, line {frame.lineno}, in {frame.name}\n    {frame.line}"
                for frame in traceback.extract_tb(one.__traceback__)
            ]
            lines.append(f"  {type(one).__name__}: {one}\n" + "\n\n".join(frames))
    for name, values in details.items():
        if values:
            lines.append(f"\n{name.title()}")
            lines += [f"    {key}: {json(value).body.decode()}" for key, value in values.items()]
    return f"{title}\n{'=' * len(title)}\n{message}\n\n" + "\n".join(lines)


def _app_name(request: Request) -> str:
    return str(getattr(request.app, "name", None) or "Fenrir")


def _as_html(
    request: Request, exc: BaseException, title: str, message: str, details: Mapping[str, Any], full: bool
) -> str:
    escape = markup.escape
    name = _app_name(request).replace("_", " ").strip()
    name = name.title() if name.islower() else name
    tables = "".join(
        f"<h2>Issue {escape(kind)}</h2><dl>"
        + "".join(f"<dt>{escape(str(key))}<dd>{escape(str(value))}" for key, value in values.items())
        + "</dl>"
        for kind, values in details.items()
        if values
    )
    frames = "".join(traceback.format_exception(exc)) if full else ""
    trace = f"<details open><summary>Details for developers</summary><pre>{escape(frames)}</pre></details>"
    return (
        f'<!DOCTYPE html><html lang=en id=sanic><meta charset="utf-8">'
        f"<title>Application {escape(name)} cannot handle your request</title>"
        f"<header><div>Application <strong>{escape(name)}</strong> cannot handle your request</div></header>"
        f"<main><h1>⚠️ {escape(title)}</h1><p>{escape(message)}</p>{tables}"
        f"{trace if full else '<p><a href=/>Front Page</a></p>'}</main></html>"
    )
