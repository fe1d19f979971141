"""The native dialect: what a function on a bare `Fenrir` app means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fenrir.core.binding import ArgumentSource, Given
from fenrir.core.converters import DEFAULT, Converters
from fenrir.core.dialect import Dialect
from fenrir.core.pattern import Pattern, angles_either
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.fastapi.responses import Response
from fenrir.http.headers import MutableHeaders
from fenrir.http.json import dumps
from fenrir.hybrid.render import native_renderer
from fenrir.hybrid.request import Request
from fenrir.kit.background import BackgroundTasks
from fenrir.kit.validation import jsonable_encoder

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


def reserved(name: str, annotation: Any, position: int) -> ArgumentSource | None:
    """Say which arguments the dialect gives: by annotation, or `request`/`req` first and `response`/`resp` next."""
    empty = annotation is Any or not isinstance(annotation, type)
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
