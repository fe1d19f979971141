"""What views call: responses, redirects, URLs, files and messages; and how a module finds its folder."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import werkzeug.utils
from werkzeug.wrappers import Response as BaseResponse

from fenrir.flask.ctx import stream_with_context
from fenrir.flask.exceptions import abort
from fenrir.flask.globals import current_app, request_ctx, session
from fenrir.flask.incidental import incidental
from fenrir.flask.response import Response
from fenrir.flask.sending import send_file, send_from_directory
from fenrir.flask.signals import message_flashed
from fenrir.flask.templating import get_template_attribute

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


def get_debug_flag() -> bool:
    """Say whether `FLASK_DEBUG` asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG")
    return bool(value and value.lower() not in ("0", "false", "no"))


def get_load_dotenv(default: bool = True) -> bool:
    """Say whether `.env` and `.flaskenv` are read, which `FLASK_SKIP_DOTENV` forbids."""
    value = os.environ.get("FLASK_SKIP_DOTENV")
    return value.lower() in ("0", "false", "no") if value else default


def get_root_path(import_name: str) -> str:
    """Return the directory of a module or package; the current one if it has no file.

    Raises:
        RuntimeError: a namespace package, or one that came from elsewhere than a file.
    """
    file: str | None = getattr(sys.modules.get(import_name), "__file__", None)
    if file is None:
        try:
            spec = importlib.util.find_spec(import_name)
        except (ImportError, ValueError):
            spec = None
        loader = spec.loader if spec is not None else None
        if loader is None:
            return str(Path.cwd())
        if hasattr(loader, "get_filename"):
            file = loader.get_filename(import_name)
        else:
            file = getattr(importlib.import_module(import_name), "__file__", None)
        if file is None:
            raise RuntimeError(
                f"No root path can be found for the provided module {import_name!r}. This can happen because the"
                " module came from an import hook that does not provide file name information or because it's a"
                " namespace package. In this case the root path needs to be explicitly provided."
            )
    return os.path.dirname(os.path.abspath(str(file)))  # noqa: PTH100, PTH120 - a link keeps its own place


@cache
def _split_blueprint_path(name: str) -> list[str]:
    """Return the name of a blueprint and of those around it, the nearest first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def make_response(*args: Any) -> Response:
    """Return the response that a value would be if a view returned it; several arguments are a tuple."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Return the URL of an endpoint; see `Flask.url_for`."""
    url: str = current_app.url_for(
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )
    return url


def redirect(location: str, code: int = 302, Response: type[BaseResponse] | None = None) -> BaseResponse:
    """Return a redirect to a place; `url_for` makes places of the application.

    SECURITY: a place that came from the client must be checked first (`fenrir.http.url.is_safe_redirect`).

    Args:
        Response: the class where there is no application; an application has its own.
    """
    if current_app:
        made: BaseResponse = current_app.redirect(location, code=code)
        return made
    return werkzeug.utils.redirect(location, code=code, Response=Response)


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows messages."""
    # Read and set as a whole: a session that lives elsewhere does not notice a change inside a list.
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    session["_flashes"] = flashes
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; within one request every call returns the same.

    Args:
        with_categories: return (category, message) instead of messages.
        category_filter: return only those of some categories.
    """
    flashes = request_ctx.flashes
    if flashes is None:
        flashes = [(category, text) for category, text in session.pop("_flashes")] if "_flashes" in session else []
        request_ctx.flashes = flashes
    if category_filter:
        flashes = [pair for pair in flashes if pair[0] in category_filter]
    return flashes if with_categories else [pair[1] for pair in flashes]


__getattr__ = incidental(__name__)
