"""The user's functions around requests, in the engine's shape.

Order (upstream's): the application's hooks run before those of its blueprints, outer blueprints before inner ones, and
on the way out in reverse. The engine orders by registration, so every level adds its depth to the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fenrir.core.context import unhandled
from fenrir.core.declare import ErrorHandler, Hook, Mode, Source, Stage, mode_of
from fenrir.core.errors import StatusError
from fenrir.flask._dialect import DIALECT
from fenrir.flask.exceptions import HTTPException, InternalServerError, default_exceptions
from fenrir.flask.values import make_reply

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.reply import Reply
    from fenrir.flask.door import FlaskDoor

__all__ = ["LEVEL", "error_handlers", "hook", "key_of"]

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
        request = app.request_of(c)
        await user(request.endpoint, request.view_args)

    def preprocess(c: RequestContext) -> None:
        request = app.request_of(c)
        user(request.endpoint, request.view_args)

    return preprocess_awaited if awaited else preprocess


def _before(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def before_awaited(c: RequestContext) -> Reply | None:
        value = await user()
        return None if value is None else make_reply(c, value)

    def before(c: RequestContext) -> Reply | None:
        value = user()
        return None if value is None else make_reply(c, value)

    return before_awaited if awaited else before


def _after(app: FlaskDoor, user: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
    async def after_awaited(c: RequestContext, reply: Reply) -> Reply:
        return _checked(app, user, await user(app.response_of(c, reply)))

    def after(c: RequestContext, reply: Reply) -> Reply:
        return _checked(app, user, user(app.response_of(c, reply)))

    return after_awaited if awaited else after


def _checked(app: FlaskDoor, user: Callable[..., Any], response: Any) -> Reply:
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


def key_of(code_or_class: Any) -> type[BaseException] | int:
    """Return what an error handler is for. Raises as upstream does when that is nothing."""
    if isinstance(code_or_class, int):
        if code_or_class not in default_exceptions:
            raise ValueError(
                f"'{code_or_class}' is not a recognized HTTP error code. Use a subclass of HTTPException with that"
                " code instead."
            )
        return code_or_class
    if isinstance(code_or_class, Exception):
        raise TypeError(
            f"{code_or_class!r} is an instance, not a class. Handlers can only be registered for Exception"
            " classes or HTTP error codes."
        )
    if not isinstance(code_or_class, type) or not issubclass(code_or_class, Exception):
        name = getattr(code_or_class, "__name__", repr(code_or_class))
        raise ValueError(f"'{name}' is not a subclass of Exception.")
    return code_or_class


def error_handlers(
    app: FlaskDoor,
    key: type[BaseException] | int,
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
        return make_reply(c, await user(_shown(app, c, key, exc)))

    def handle(c: RequestContext, exc: Exception) -> Reply:
        return make_reply(c, user(_shown(app, c, key, exc)))

    call = handle_awaited if mode is Mode.LOOP else handle
    made = [ErrorHandler(key, call, mode, DIALECT, source, user)]
    general = isinstance(key, type) and issubclass(key, HTTPException) and issubclass(InternalServerError, key)
    if general and not any(handler.key == 500 for handler in present):
        made.append(ErrorHandler(500, call, mode, DIALECT, source, user))
    return made


def _shown(app: FlaskDoor, c: RequestContext, key: Any, exc: Exception) -> Exception:
    """Return an exception as its handler expects it; what nobody expected is logged first."""
    if isinstance(exc, StatusError) or not (key == 500 or (isinstance(key, type) and issubclass(key, HTTPException))):
        return exc
    c.error = exc
    if (watcher := unhandled.get()) is not None:
        watcher.append(exc)
    app.log_exception((type(exc), exc, exc.__traceback__))
    return InternalServerError(original_exception=exc)
