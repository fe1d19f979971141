"""The native dialect: what a function on a bare `Fenrir` app means."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fenrir.bottle._dialect import DIALECT as BOTTLE
from fenrir.bottle.request import BaseRequest, LocalRequest
from fenrir.core.binding import ArgumentSource, Given
from fenrir.core.converters import DEFAULT, Converters
from fenrir.core.dialect import Dialect
from fenrir.core.pattern import Pattern, angles_either
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.falcon._dialect import DIALECT as FALCON
from fenrir.falcon._round import round_of
from fenrir.falcon.async_request import Request as FalconAsyncRequest
from fenrir.falcon.request import Request as FalconRequest
from fenrir.fastapi._dialect import DIALECT as FASTAPI
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.requests import Request as FastAPIRequest
from fenrir.fastapi.responses import Response
from fenrir.http.headers import MutableHeaders
from fenrir.http.json import dumps
from fenrir.hybrid.render import native_renderer
from fenrir.hybrid.request import Request
from fenrir.kit.background import BackgroundTasks
from fenrir.kit.validation import jsonable_encoder
from fenrir.sanic._dialect import DIALECT as SANIC
from fenrir.sanic.request import Request as SanicRequest

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["NATIVE", "background_tasks", "reserved"]


def _parse(text: str, converters: Converters) -> Pattern:
    return angles_either(text, converters, type_first="Flask", name_first="Sanic/Bottle")


def _error(c: RequestContext, exc: Any) -> Reply:
    """Render an exception: JSON with a detail, as APIs do."""
    headers = MutableHeaders([(b"content-type", b"application/json"), *exc.http_headers])
    return Reply(exc.http_status, headers, dumps({"detail": jsonable_encoder(exc.http_detail)}))


def _request(c: RequestContext) -> Request:
    view: Request = c.view(NATIVE)
    return view


def _response(c: RequestContext) -> Response:
    return Response.over(c.reply)


_response.shares_reply = True  # type: ignore[attr-defined]


def background_tasks(c: RequestContext) -> BackgroundTasks:
    """Return the tasks of this request, run after its response."""

    def make(c: RequestContext) -> BackgroundTasks:
        tasks = BackgroundTasks()
        c.after_sending(tasks)
        return tasks

    tasks: BackgroundTasks = c.note("background", make)
    return tasks


def _view_of(dialect: Dialect) -> Given:
    return Given(lambda c: c.view(dialect))


FOREIGN: Mapping[type, Given] = {
    HTTPConnection: _view_of(FASTAPI),
    FastAPIRequest: _view_of(FASTAPI),
    FalconRequest: _view_of(FALCON),
    FalconAsyncRequest: Given(lambda c: round_of(c).async_req),
    SanicRequest: _view_of(SANIC),
    BaseRequest: _view_of(BOTTLE),
    LocalRequest: _view_of(BOTTLE),
}
"""Request classes of the dialects: your annotation names the class that you get (paradigms rule 3)."""


def reserved(name: str, annotation: Any, position: int) -> ArgumentSource | None:
    """Say which arguments the dialect gives: by annotation, or `request`/`req` first and `response`/`resp` next."""
    if isinstance(annotation, type):
        if annotation in FOREIGN:
            return FOREIGN[annotation]
        if annotation.__module__ == "fenrir.flask.request" and annotation.__name__ == "Request":
            return _view_of(import_module("fenrir.flask._dialect").DIALECT)  # only who has the extra can annotate so
    empty = annotation in (Any, inspect.Parameter.empty) or not isinstance(annotation, type)
    if annotation is Request or (empty and name in ("request", "req") and position == 0):
        return Given(_request)
    if isinstance(annotation, type) and issubclass(annotation, Response):
        return Given(_response)
    if empty and name in ("response", "resp") and position <= 1:
        return Given(_response)
    if annotation is BackgroundTasks:
        return Given(background_tasks)
    return None


NATIVE = Dialect(
    name="native",
    parse=_parse,
    converters=DEFAULT,
    renderer=native_renderer,
    error=_error,
    request=Request,
    response=lambda c, reply: Response.over(reply),
    reads_body=True,
    slashes=Slashes.REDIRECT_308,
    head=True,
    options=True,
)
