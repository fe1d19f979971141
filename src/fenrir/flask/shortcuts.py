"""What views call for their answers; each asks the current application."""

from __future__ import annotations

from typing import Any

import werkzeug.utils
from werkzeug.wrappers import Response as BaseResponse

from fenrir.flask.globals import current_app
from fenrir.flask.response import Response

__all__ = ["make_response", "redirect", "url_for"]


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
