"""The user's functions around requests, in the engine's shape, for an engine that other dialects share.

Order (upstream's): the application's hooks run before those of its blueprints, outer blueprints before inner ones, and
on the way out in reverse. The engine orders by registration, so every level adds its depth to the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as WerkzeugResponse

from fenrir.core.context import unhandled
from fenrir.core.declare import ErrorHandler, Hook, Mode, Source, Stage, mode_of
from fenrir.flask._dialect import DIALECT
from fenrir.flask.response import reply_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.reply import Reply
    from fenrir.flask.door import FlaskDoor

__all__ = ["LEVEL", "error_handlers", "hook"]

LEVEL = 1 << 40
"""What one level of blueprints adds to the order of a hook; no process registers so many hooks."""


def hook(
    app: FlaskDoor, stage: Stage, user: Callable[..., Any], source: Source, level: int, *, values: bool = False
) -> Hook:
    """Return a hook for a function of the user.

    Args:
        level: depth of the blueprint, 0 for the application, negative to be outside of all.
        values: it is given endpoint and view arguments (`url_value_preprocessor`).
    """
    mode = mode_of(user, DIALECT.blocking)
    make = (
        _values
        if values
        else {Stage.BEFORE_HANDLER: _before, Stage.AFTER_HANDLER: _after, Stage.TEARDOWN: _teardown}[stage]
    )
    made = Hook(
        stage,
        make(app, user, mode is Mode.LOOP),
        mode,
        DIALECT.name,
        source,
        user,
        unrouted=not values,
        reads_body=stage is Stage.BEFORE_HANDLER and not values,
    )
    return replace(made, order=made.order + level * LEVEL)


def _values(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def preprocess_awaited(c: RequestContext) -> None:
        request = app.context_of(c).request
        await user(request.endpoint, request.view_args)

    def preprocess(c: RequestContext) -> None:
        request = app.context_of(c).request
        user(request.endpoint, request.view_args)

    return preprocess_awaited if awaited else preprocess


def _before(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def before_awaited(c: RequestContext) -> Reply | None:
        value = await user()
        return None if value is None else app.rendered(c, value)

    def before(c: RequestContext) -> Reply | None:
        value = user()
        return None if value is None else app.rendered(c, value)

    return before_awaited if awaited else before


def _after(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def after_awaited(c: RequestContext, reply: Reply) -> Reply:
        return _checked(user, await user(app.response_class.over(reply)))

    def after(c: RequestContext, reply: Reply) -> Reply:
        return _checked(user, user(app.response_class.over(reply)))

    return after_awaited if awaited else after


def _checked(user: Callable[..., Any], response: Any) -> Reply:
    if isinstance(response, WerkzeugResponse):
        return reply_of(response)
    if not hasattr(response, "__reply__"):
        name = getattr(user, "__qualname__", repr(user))
        raise TypeError(f"the after_request function {name} must return a response, not {type(response).__name__}")
    reply: Reply = response.__reply__()
    return reply


def _teardown(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def teardown_awaited(c: RequestContext, exc: BaseException | None) -> None:
        await user(exc)

    def teardown(c: RequestContext, exc: BaseException | None) -> None:
        user(exc)

    return teardown_awaited if awaited else teardown


def error_handlers(
    app: FlaskDoor,
    code: int | None,
    cls: type[Exception],
    user: Callable[..., Any],
    source: Source,
    present: list[ErrorHandler],
) -> list[ErrorHandler]:
    """Return the engine's handlers for one of the user's.

    An unhandled exception is shown to handlers of 500, InternalServerError and HTTPException as an InternalServerError
    with the original inside; the engine knows it by the number only, so the classes are registered there too.
    """
    mode = mode_of(user, DIALECT.blocking)

    async def handle_awaited(c: RequestContext, exc: Exception) -> Reply:
        return app.rendered(c, await user(_shown(app, c, cls, exc)))

    def handle(c: RequestContext, exc: Exception) -> Reply:
        return app.rendered(c, user(_shown(app, c, cls, exc)))

    call = handle_awaited if mode is Mode.LOOP else handle
    made = [ErrorHandler(cls, call, mode, DIALECT, source, user)]
    if issubclass(cls, HTTPException) and issubclass(InternalServerError, cls):
        exact = cls is InternalServerError
        if exact or not any(handler.key == 500 for handler in present):
            made.append(ErrorHandler(500, call, mode, DIALECT, source, user))
    return made


def _shown(app: FlaskDoor, c: RequestContext, cls: type[Exception], exc: Exception) -> Exception:
    """Return an exception as its handler expects it; what nobody expected is logged first."""
    if isinstance(exc, HTTPException) or not issubclass(cls, HTTPException):
        return exc
    c.error = exc
    if (watcher := unhandled.get()) is not None:
        watcher.append(exc)
    app.log_exception((type(exc), exc, exc.__traceback__))  # type: ignore[arg-type]
    return InternalServerError(original_exception=exc)
