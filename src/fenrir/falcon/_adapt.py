"""From a user's callable to one that the engine calls: each is bound to the request and the response of its round.

An adapter of a coroutine function is one itself, so that the engine runs each in the way it was written; an async one
is given the async form of the request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import Mode, mode_of
from fenrir.core.reply import Reply
from fenrir.core.router import Options, Redirected
from fenrir.falcon._round import Round, round_of
from fenrir.falcon.http_error import HTTPError, HTTPStatus

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["after_hook", "before_hook", "error_handler", "is_async", "responder_adapter"]

Call = Callable[..., Any]


def is_async(call: Call) -> bool:
    """Say whether a callable is to be awaited."""
    return mode_of(call) is Mode.LOOP


def _begin(c: RequestContext) -> Round:
    run = round_of(c)
    run.match()
    run.resp.bind(c.reply)
    return run


def responder_adapter(responder: Call) -> Call:
    """Return a handler `(c)` around a responder `(req, resp, **params)`."""
    if is_async(responder):

        @functools.wraps(responder)
        async def respond_async(c: RequestContext) -> Any:
            run = _begin(c)
            value = await responder(run.async_req, run.resp, **run.params)
            await run.resp.commit_async()
            run.succeeded = True
            return value

        return respond_async

    @functools.wraps(responder)
    def respond(c: RequestContext) -> Any:
        run = _begin(c)
        value = responder(run.req, run.resp, **run.params)
        run.resp.commit()
        run.succeeded = True
        return value

    return respond


def _stop(run: Round, key: object) -> Reply | None:
    """Answer at once if the hook says so."""
    run.reached.add(key)
    if run.resp.complete:
        run.stopped = run.succeeded = True
        return run.resp.commit()
    run.carry()
    return None


def before_hook(call: Call, key: object, *, resource: bool) -> Call:
    """Return a hook `(c)` around `process_request`, or around `process_resource` with its two arguments more."""
    if is_async(call):

        async def before_async(c: RequestContext) -> Reply | None:
            run = _begin(c)
            more = (run.resource, run.params) if resource else ()
            if not resource or run.resource is not None:
                await call(run.async_req, run.resp, *more)
            return _stop(run, key)

        return before_async

    def before(c: RequestContext) -> Reply | None:
        run = _begin(c)
        more = (run.resource, run.params) if resource else ()
        if not resource or run.resource is not None:
            call(run.req, run.resp, *more)
        return _stop(run, key)

    return before


def _end(c: RequestContext, reply: Reply) -> tuple[Round, bool]:
    run = round_of(c)
    run.match()
    run.resp.bind(reply)
    route = c.plan.route if c.plan is not None else None
    if route is None and isinstance(c.miss, (Options, Redirected)):
        return run, True  # the engine answered by itself
    if route is not None and route.dialect.name != "falcon":
        # Another dialect answered: what went wrong there shows in its answer.
        return run, run.stopped or (c.error is None and reply.status < 400)
    return run, run.succeeded


def after_hook(call: Call, key: object | None) -> Call:
    """Return a hook `(c, reply)` around `process_response`.

    Args:
        key: of the component, whose `process_request` must have been reached; None if that does not matter.
    """
    if is_async(call):

        async def after_async(c: RequestContext, reply: Reply) -> Reply | None:
            run, succeeded = _end(c, reply)
            if key is None or key in run.reached or run.stopped:
                await call(run.async_req, run.resp, run.resource, succeeded)
            return await run.resp.commit_async()

        return after_async

    def after(c: RequestContext, reply: Reply) -> Reply | None:
        run, succeeded = _end(c, reply)
        if key is None or key in run.reached or run.stopped:
            call(run.req, run.resp, run.resource, succeeded)
        return run.resp.commit()

    return after


def error_handler(call: Call, key: type[BaseException]) -> Call:
    """Return an error handler `(c, exc)` around `(req, resp, ex, params)`.

    A handler of all exceptions does not get the errors that are answers themselves, as upstream has handlers for those.
    """
    general = issubclass(HTTPError, key) and key is not HTTPError

    def begin(c: RequestContext, exc: Exception) -> Round:
        if general and isinstance(exc, (HTTPError, HTTPStatus)):
            raise exc
        run = round_of(c)
        run.succeeded = False
        run.match()
        run.resp.bind(c.reply)
        run.resp.reset()
        return run

    if is_async(call):

        async def handle_async(c: RequestContext, exc: Exception) -> Reply:
            run = begin(c, exc)
            await call(run.async_req, run.resp, exc, run.params)
            return await run.resp.commit_async()

        return handle_async

    def handle(c: RequestContext, exc: Exception) -> Reply:
        run = begin(c, exc)
        call(run.req, run.resp, exc, run.params)
        return run.resp.commit()

    return handle
