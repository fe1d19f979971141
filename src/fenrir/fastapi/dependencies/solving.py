"""Dependencies outside a route: `solve_dependencies` makes the arguments of a callable that `get_dependant` has read.

For packages that call functions of the user with dependencies in them. The values come from the same compiled plan that
a route of this callable would run; what has to be left afterwards is on the exit stack of the request, or on the given
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from fenrir.core.context import Raises
from fenrir.core.declare import Mode, Route, Scope, Source
from fenrir.core.dialect import Renderer
from fenrir.core.plan import Plan, link
from fenrir.fastapi.dependencies.models import Dependant
from fenrir.kit.validation import bind_signature

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.fastapi.requests import Request
    from fenrir.fastapi.websockets import WebSocket

__all__ = ["SolvedDependency", "solve_dependencies"]

EXITS = "fastapi_inner_astack"


@dataclass
class SolvedDependency:
    """The arguments of a callable.

    Attributes:
        values: by name; only of use when there are no errors.
        errors: what was invalid.
        background_tasks: those that it or a dependency was given, None when nobody asked.
        response: the response that it or a dependency was given, to be merged by the caller; None when nobody asked.
        dependency_cache: kept for the signature; a plan has no cache at run time.
        context: in which they were made, for who goes on with the request.
        refused: the exception that says what `errors` says.
    """

    values: dict[str, Any]
    errors: list[Any]
    background_tasks: Any
    response: Any
    dependency_cache: dict[Any, Any]
    context: RequestContext | None = field(default=None, repr=False)
    refused: Exception | None = field(default=None, repr=False)


async def solve_dependencies(
    *,
    request: Request | WebSocket,
    dependant: Dependant,
    body: Any = None,
    background_tasks: Any = None,
    response: Any = None,
    dependency_overrides_provider: Any = None,
    dependency_cache: dict[Any, Any] | None = None,
    async_exit_stack: AsyncExitStack,
    embed_body_fields: bool = False,
) -> SolvedDependency:
    """Return the arguments of a dependant's callable for a request.

    A body is read from the request itself; `body`, `embed_body_fields` and the cache are upstream's and not needed.
    """
    from fenrir.fastapi._dialect import HANDED, TASKS
    from fenrir.fastapi.exceptions import RequestValidationError
    from fenrir.fastapi.handler import context_of

    for key, value in _LEAST.items():
        request.scope.setdefault(key, value)
    overrides = getattr(dependency_overrides_provider, "dependency_overrides", None) or {}
    plan = _plan(dependant, overrides)
    c = await context_of(cast("Request", request), plan)  # of a WebSocket nothing but its scope is read
    for key, given in ((TASKS, background_tasks), (HANDED, response)):
        if given is not None:
            c.note(key, partial(_as_is, given))
    c.raises = Raises.ALL
    values: dict[str, Any] = {}
    errors: list[Any] = []
    refused: Exception | None = None
    try:
        outcome = plan.run(c, c.exchange, c.values)
        if outcome is not None:
            values = await outcome
    except RequestValidationError as invalid:
        errors, refused = list(invalid.errors()), invalid
    finish, c.finish = c.finish, None
    if finish is not None:
        leave = finish

        async def left(
            kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
        ) -> None:
            await leave(exc)

        request.scope.get(EXITS, async_exit_stack).push_async_exit(left)
    notes: Mapping[str, Any] = c.notes or {}
    tasks, handed = notes.get(TASKS), notes.get(HANDED, response)
    return SolvedDependency(values, errors, tasks, handed, dependency_cache or {}, c, refused)


_LEAST = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "path_params": {}}
_SCOPE = Scope("dependencies")


def _as_is(value: Any, c: RequestContext) -> Any:
    return value


async def _collect(**values: Any) -> dict[str, Any]:
    return values


def _plan(dependant: Dependant, overrides: Mapping[Any, Any]) -> Plan:
    from fenrir.fastapi._dialect import DIALECT, given_by_type
    from fenrir.fastapi._patterns import pattern_of_path

    call = dependant.call
    if call is None:
        raise ValueError("a dependant without a callable has no arguments")
    plans = dependant.plans()
    key = frozenset(overrides.items())
    if key in plans:
        return cast(Plan, plans[key])
    path = dependant.path or "/"
    source = Source(__file__, 0)
    pattern = pattern_of_path(path if path.startswith("/") else f"/{path}", source)
    binding = bind_signature(call, pattern, reserved=given_by_type, overrides=overrides, root=dependant.read_back())
    route = Route(
        pattern=pattern,
        methods=None,
        handler=_collect,
        mode=Mode.LOOP,
        name=None,
        dialect=replace(DIALECT, renderer=lambda route: Renderer(lambda c, value: value)),
        scope=_SCOPE,
        source=source,
        bind=lambda overrides: binding,
        user=call,
    )
    plan = plans[key] = link(route, binding, wrapped=True)
    return plan
