"""Handlers: what a route does with one request, as `async (request) -> response`.

On the engine a route is a compiled plan and nobody needs this. Code that stands around a route does: a class with a
`get_route_handler` of its own, an integration that replaces `get_request_handler`, whoever calls a route as an ASGI
application. They are given a `RequestHandler`, which runs the same plan: up to the response, with every exception
raised; what runs after sending is left on an exit stack in the scope, under upstream's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from asteri.exchange import Connection
from fenrir.core.binding import BodyNeed
from fenrir.core.context import Raises, RequestContext
from fenrir.core.declare import Mode, Scope
from fenrir.core.dialect import Renderer
from fenrir.core.doors.asgi import ASGIHeaders
from fenrir.core.plan import Plan, link
from fenrir.fastapi._dialect import DIALECT, NOT_ANSWERED
from fenrir.fastapi._request_exchange import application_of, detached
from fenrir.fastapi.dependencies.solving import EXITS, solve_dependencies
from fenrir.fastapi.exceptions import FastAPIError, RequestValidationError, WebSocketRequestValidationError
from fenrir.fastapi.operation import Operation
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import Response
from fenrir.fastapi.serializing import serialize_response
from fenrir.fastapi.websockets import WebSocket
from fenrir.http.json import dumps
from fenrir.kit.validation import body as bodies
from fenrir.kit.validation.errors import endpoint_of
from fenrir.starlette._exception_handler import wrap_app_handling_exceptions
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.types import ASGIApp, Receive, Send

if TYPE_CHECKING:
    from fenrir.fastapi.api_route import APIWebSocketRoute

__all__ = [
    "RequestHandler",
    "context_of",
    "engine_handler",
    "functions_replaced",
    "get_request_handler",
    "request_response",
    "run_endpoint_function",
    "serialize_response",
    "websocket_session",
]

HandlesRequest = Callable[[Request], Coroutine[Any, Any, Response]]


def get_request_handler(dependant: Any, **options: Any) -> HandlesRequest:
    """Return the handler of the route that a dependant belongs to.

    The options are upstream's, for those who replace this function; what counts is the route's own description.
    """
    operation: Operation = dependant.operation
    return RequestHandler(operation)


async def run_endpoint_function(*, dependant: Any, values: dict[str, Any], is_coroutine: bool) -> Any:
    """Call the callable of a dependant with its arguments; for those who replace this function."""
    if is_coroutine:
        return await dependant.call(**values)
    return await run_in_threadpool(dependant.call, **values)


_OURS = (solve_dependencies, run_endpoint_function, serialize_response)


def functions_replaced() -> bool:
    """Say whether somebody has put functions of his own into `fastapi.routing`, to be called for every request."""
    from fenrir.fastapi import routing

    now = routing.solve_dependencies, routing.run_endpoint_function, routing.serialize_response
    return any(one is not ours for one, ours in zip(now, _OURS, strict=True))  # a proxy says that it is equal


class RequestHandler:
    """Runs the plan of an operation up to its response."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._plans: dict[Any, Plan] = {}

    async def __call__(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            Exception: whatever the route raises; error handlers are not asked.
        """
        stack = request.scope.get(EXITS)
        assert isinstance(stack, AsyncExitStack), f"{EXITS} not found in request scope"
        if functions_replaced():
            return await self._run_by_functions(request, stack)
        plan = self._plan()
        c = getattr(request, "_c", None)
        if c is None:
            c = await context_of(request, plan)
            return await self._run(c, plan, stack)
        outer, raises = c.plan, c.raises
        c.plan = plan
        try:
            return await self._run(c, plan, stack)
        finally:
            c.plan, c.raises = outer, raises

    async def _run_by_functions(self, request: Request, stack: AsyncExitStack) -> Response:
        """Handle a request by the functions that somebody has replaced in `fastapi.routing`."""
        from fenrir.fastapi import routing

        operation = self._operation
        dependant = operation.dependant
        solved = await routing.solve_dependencies(
            request=request,
            dependant=dependant,
            dependency_overrides_provider=operation.dependency_overrides_provider,
            async_exit_stack=stack,
            embed_body_fields=operation._embed_body_fields,
        )
        if solved.errors:
            raise solved.refused or RequestValidationError(solved.errors)
        if operation.is_generator:
            value = operation.handler(**solved.values)
        else:
            is_coroutine = operation.mode is Mode.LOOP
            value = await routing.run_endpoint_function(
                dependant=dependant, values=solved.values, is_coroutine=is_coroutine
            )
        if solved.context is None:  # the function's own object, without what ours has besides
            solved.context = await context_of(request, self._plan())
        rendering = operation.rendering
        if routing.serialize_response is not serialize_response and not (
            operation.is_generator or hasattr(value, "__reply__")
        ):
            value = await routing.serialize_response(
                field=operation.response_field,
                response_content=value,
                include=operation.response_model_include,
                exclude=operation.response_model_exclude,
                by_alias=operation.response_model_by_alias,
                exclude_unset=operation.response_model_exclude_unset,
                exclude_defaults=operation.response_model_exclude_defaults,
                exclude_none=operation.response_model_exclude_none,
                is_coroutine=operation.mode is Mode.LOOP,
                endpoint_ctx=endpoint_of(solved.context),
            )
            rendering = replace(rendering, model=None)
        return rendering.respond(solved.context, value)

    async def _run(self, c: RequestContext, plan: Plan, stack: AsyncExitStack) -> Response:
        c.raises = Raises.ALL
        outcome = plan.run(c, c.exchange, c.values)
        made = await outcome if outcome is not None else None
        finish, c.finish = c.finish, None
        if finish is not None:

            async def leave(
                kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
            ) -> None:
                await finish(exc)

            stack.push_async_exit(leave)
        return cast(Response, made)

    def _plan(self) -> Plan:
        overrides: Mapping[Any, Any] = (
            getattr(self._operation.dependency_overrides_provider, "dependency_overrides", None) or {}
        )
        key = self._operation._picture, frozenset(overrides.items()) if overrides else frozenset()
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._link(overrides)
        return plan

    def _link(self, overrides: Mapping[Any, Any]) -> Plan:
        operation = self._operation
        rendering = operation.rendering
        route = replace(
            operation.plain(_NO_HOOKS),
            timeout=None,  # the route around it has both
            cancel_on_disconnect=False,
            dialect=replace(DIALECT, renderer=lambda route: Renderer(cast(Any, rendering.respond))),
        )
        return link(route, operation.bind(overrides), wrapped=True)


_NO_HOOKS = Scope("handler")


async def context_of(request: Request, plan: Plan) -> RequestContext:
    """Return a context for a request that did not come through the engine, or is the user's own over its scope."""
    c = detached(request)
    c.plan = plan
    params = request.path_params
    c.values = tuple(params.get(name) for name in plan.names)
    c._views = {DIALECT.name: request}
    c._state = request.state
    if (
        getattr(type(request), "json", Request.json) is not Request.json
        and plan.binding.body is BodyNeed.BYTES
        and bodies.is_json(c.content_type)
    ):
        c._body = dumps(await request.json())  # the user reads JSON in another way
    return c


def engine_handler(handle: HandlesRequest) -> Callable[[RequestContext], Awaitable[Response]]:
    """Return what the engine calls for a route that is handled in a way of its own."""

    async def serve(c: RequestContext) -> Response:
        request: Request = c.view(DIALECT)
        stack = AsyncExitStack()
        request.scope[EXITS] = stack
        try:
            response = await handle(request)
        except BaseException as exc:
            await stack.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        c.after_sending(stack.aclose)
        return response

    return serve


def request_response(func: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Make `async (request) -> response` an ASGI application, with an exit stack for what ends after the response."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        request: Request = Request(scope, receive, send)

        async def answer(scope: Any, receive: Receive, send: Send) -> None:
            answered = False
            around = scope.get(EXITS)
            try:
                async with AsyncExitStack() as stack:
                    scope[EXITS] = stack
                    response = await func(request)
                    await response(scope, receive, send)
                    answered = True
            finally:
                scope[EXITS] = around
            if not answered:
                raise FastAPIError(NOT_ANSWERED)

        await wrap_app_handling_exceptions(answer, request)(scope, receive, send)

    app.handles = func  # type: ignore[attr-defined]  # what a route that is given this application goes on with
    return app


def websocket_session(route: APIWebSocketRoute) -> ASGIApp:
    """Make a WebSocket route an ASGI application."""
    plans: dict[Any, Plan] = {}

    async def by_functions(scope: Any, receive: Receive, send: Send) -> None:
        from fenrir.fastapi import routing

        session: WebSocket = WebSocket(scope, receive, send)

        async def serve(scope: Any, receive: Receive, send: Send) -> None:
            async with AsyncExitStack() as stack:
                solved = await routing.solve_dependencies(
                    request=session,
                    dependant=route.dependant,
                    dependency_overrides_provider=route.dependency_overrides_provider,
                    async_exit_stack=stack,
                )
                if solved.errors:
                    raise WebSocketRequestValidationError(solved.errors)
                await route.handler(**solved.values)

        await wrap_app_handling_exceptions(serve, session)(scope, receive, send)

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if functions_replaced():
            await by_functions(scope, receive, send)
            return
        overrides = getattr(route.dependency_overrides_provider, "dependency_overrides", None) or {}
        key = route._picture, frozenset(overrides.items()) if overrides else frozenset()
        if key not in plans:
            plans[key] = link(route.plain(_NO_HOOKS), route.bind(overrides), wrapped=False)
        plan = plans[key]
        session: WebSocket = WebSocket(scope, receive, send)

        async def serve(scope: Any, receive: Receive, send: Send) -> None:
            c = RequestContext(_ScopeChannel(scope), application_of(scope))
            c.plan = plan
            params = session.path_params
            c.values = tuple(params.get(name) for name in plan.names)
            c._views = {DIALECT.name: session}
            c.raises = Raises.ALL
            await plan.run(c, c.exchange, c.values)

        await wrap_app_handling_exceptions(serve, session)(scope, receive, send)

    return app


class _ScopeChannel:
    """What the parameters of a WebSocket route are read from; events go through the WebSocket object."""

    buffered = b""
    method = "GET"
    raises = True

    def __init__(self, scope: Any) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode()
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = Connection(
            scheme={"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http"),
            client=tuple(scope["client"]) if scope.get("client") else None,
            server=tuple(scope["server"]) if scope.get("server") else None,
            http_version=scope.get("http_version", "1.1"),
            root_path=scope.get("root_path", "").rstrip("/"),
        )
