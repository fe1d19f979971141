"""One action of `@before` or `@after`, and what it is put around: a responder, or a handler of another dialect.

A responder is called with the request and the response; another handler is not, so the action gets the views of the
request that is being served. There the action and the handler have no response object in common: headers that the
action sets are carried to the answer, a status counts where the dialect has a response under construction.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fenrir.core.context import current
from fenrir.core.declare import needs_thread
from fenrir.core.reply import HasReply
from fenrir.core.threads import in_worker, on_loop, to_thread
from fenrir.falcon._adapt import is_async
from fenrir.falcon._round import round_of

__all__ = ["Action", "around_handler", "around_responder"]

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Action:
    """What the decorator was given.

    Attributes:
        first: it runs before what it is put around, and is given the parameters.
        awaited: it is a coroutine function.
    """

    call: Call
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    first: bool
    awaited: bool

    def run(self, req: Any, resp: Any, resource: Any, params: dict[str, Any]) -> None:
        """Run it within sync code.

        Raises:
            RuntimeError: it must be awaited, and the sync code runs on the loop itself.
        """
        more = (resource, params) if self.first else (resource,)
        if not self.awaited:
            self.call(req, resp, *more, *self.args, **self.kwargs)
            return
        if not in_worker():
            raise RuntimeError(
                f"{self.call!r} is async and stands around a `def` handler that runs on the loop; "
                "make the handler `async def`, or the action `def`"
            )
        on_loop(self.call(req, resp, *more, *self.args, **self.kwargs))

    async def run_async(self, req: Any, resp: Any, resource: Any, params: dict[str, Any]) -> None:
        """Run it within async code; a sync one in a worker thread."""
        more = (resource, params) if self.first else (resource,)
        if self.awaited:
            await self.call(req, resp, *more, *self.args, **self.kwargs)
        else:
            await to_thread(self.call, req, resp, *more, *self.args, **self.kwargs)


def around_responder(responder: Call, action: Action) -> Call:
    """Return a responder `(self, req, resp, **params)` with an action before or after it."""
    names = list(inspect.signature(responder).parameters)[3:]  # after self, req, resp

    def merged(given: tuple[Any, ...], params: dict[str, Any]) -> None:
        """Name the arguments that a subclass passed by position when it called super()."""
        for name, value in zip(names, given, strict=False):
            params.setdefault(name, value)

    if is_async(responder):

        @functools.wraps(responder)
        async def around_async(self: Any, req: Any, resp: Any, *given: Any, **params: Any) -> None:
            merged(given, params)
            if action.first:
                await action.run_async(req, resp, self, params)
            await responder(self, req, resp, **params)
            if not action.first:
                await action.run_async(req, resp, self, params)

        return around_async

    @functools.wraps(responder)
    def around(self: Any, req: Any, resp: Any, *given: Any, **params: Any) -> None:
        merged(given, params)
        if action.first:
            action.run(req, resp, self, params)
        responder(self, req, resp, **params)
        if not action.first:
            action.run(req, resp, self, params)

    return around


def around_handler(handler: Call, action: Action) -> Call:
    """Return a handler of any dialect, with its own signature, with an action before or after it."""
    if is_async(handler):

        @functools.wraps(handler)
        async def around_async(*args: Any, **kwargs: Any) -> Any:
            if not action.first:
                value = await handler(*args, **kwargs)
                visit = _Visit(action, value)
                await action.run_async(visit.req, visit.resp, None, visit.params)
                if visit.whole:
                    return await visit.resp.commit_async()
                visit.resp.share_status()
                return value
            visit = _Visit(action)
            await action.run_async(visit.req, visit.resp, None, visit.params)
            if visit.resp.complete:
                return await visit.resp.commit_async()
            visit.give_way()
            return await handler(*args, **kwargs)

        return around_async

    @functools.wraps(handler)
    def around(*args: Any, **kwargs: Any) -> Any:
        if not action.first:
            value = handler(*args, **kwargs)
            visit = _Visit(action, value)
            action.run(visit.req, visit.resp, None, visit.params)
            if visit.whole:
                return visit.resp.commit()
            visit.resp.share_status()
            return value
        visit = _Visit(action)
        action.run(visit.req, visit.resp, None, visit.params)
        if visit.resp.complete:
            return visit.resp.commit()
        visit.give_way()
        return handler(*args, **kwargs)

    return needs_thread(around) if action.awaited else around


class _Visit:
    """What an action sees of the request that is being served.

    Attributes:
        req: in the form for the kind of the action.
        resp: over the answer if the handler returned a response, else over the response under construction.
        params: the values of the path.
        whole: the handler returned a response, so all that the action changes is changed.
    """

    __slots__ = ("_type", "_written_here", "params", "req", "resp", "whole")

    def __init__(self, action: Action, value: object = None) -> None:
        c = current.get()
        run = round_of(c)
        run.match()
        # A response that is an exception is no answer yet: its dialect has an error handler decide about it.
        self.whole = isinstance(value, HasReply) and not isinstance(value, BaseException)
        run.resp.bind(value.__reply__() if self.whole else c.reply)  # type: ignore[attr-defined]
        run.carry()  # also to the answer of an error that the action raises
        self.req = run.async_req if action.awaited else run.req
        self.resp = run.resp
        self.params = run.params
        self._written_here = c.plan is not None and c.plan.route.dialect.name == "falcon"  # a sink
        self._type = run.resp.content_type

    def give_way(self) -> None:
        """Leave to the handler what is the handler's: the body and its type."""
        if not self._written_here:
            self.resp.drop_body()
            self.resp.content_type = self._type
        self.resp.share_status()
