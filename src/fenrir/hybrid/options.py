"""The options of native routes: one declaration for completion, checks and documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

__all__ = ["KNOWN_ELSEWHERE", "RouteOptions", "check_options"]


class RouteOptions(TypedDict, total=False):
    """Options of `Fenrir.route` and the verbs.

    Attributes:
        name, endpoint: the unique name for `url_for` (one thing, two names).
        methods, method: verbs of `route`; a verb decorator has its own.
        status_code: of a plain value.
        response_model: filters what is returned; by default the return annotation; None switches it off.
        response_model_include, response_model_exclude, response_model_exclude_unset, response_model_exclude_defaults,
            response_model_exclude_none, response_model_by_alias: how the model is written.
        response_class: the class of a plain value's response.
        dependencies: run before the handler, their values dropped.
        inline: a `def` handler promises never to block, and runs on the loop.
        stream: leave the body unread; the handler reads `request.stream()`.
        body_limit: bytes; above it 413.
        timeout: seconds that a request may take, its answer included; then its work is cancelled and 504 is the answer.
        cancel_on_disconnect: the work of a request is cancelled when its client leaves. A `def` handler goes on in its
            thread; nobody waits for it.
        middleware: around this route, inside of the application's, the first one outermost: functions
            `async (request, call_next) -> response` and `Middleware(...)` of classes that need no ASGI.
        exception_handlers: `(request, exception) -> response` by class or status, asked before the application's.
        slashes: "strict", "redirect" (308) or "either".
        tags, summary, description, response_description, responses, deprecated, operation_id, include_in_schema,
            openapi_extra: documentation.
    """

    name: str
    endpoint: str
    methods: Sequence[str]
    method: str | Sequence[str]
    status_code: int
    response_model: Any
    response_model_include: Any
    response_model_exclude: Any
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    response_model_by_alias: bool
    response_class: type[Any]
    dependencies: Sequence[Any]
    inline: bool
    stream: bool
    body_limit: int
    timeout: float
    cancel_on_disconnect: bool
    middleware: Sequence[Any]
    exception_handlers: Mapping[int | type[Exception], Callable[..., Any]]
    slashes: str
    tags: Sequence[str]
    summary: str
    description: str
    response_description: str
    responses: Mapping[int | str, Any]
    deprecated: bool
    operation_id: str
    include_in_schema: bool
    openapi_extra: Mapping[str, Any]


KNOWN_ELSEWHERE: Mapping[str, str] = {
    "defaults": "flask",
    "strict_slashes": "flask or sanic",
    "provide_automatic_options": "flask",
    "subdomain": "flask",
    "host": "flask or sanic",
    "redirect_to": "flask",
    "suffix": "falcon (add_route)",
    "compile": "falcon",
    "version": "sanic",
    "version_prefix": "sanic",
    "ignore_body": "sanic",
    "unquote": "sanic",
    "error_format": "sanic",
    "apply": "bottle",
    "skip": "bottle",
    "callback": "bottle",
    "callbacks": "fastapi",
    "generate_unique_id_function": "fastapi",
}


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what no native route knows.

    Raises:
        TypeError: naming the dialect that knows the option, and its door.
    """
    for name in options:
        if name in RouteOptions.__annotations__:
            continue
        if name in KNOWN_ELSEWHERE:
            dialects = KNOWN_ELSEWHERE[name]
            door = dialects.split(" ")[0]
            raise TypeError(f"{name!r} is an option of {dialects}; use app.{door} for this route")
        known = ", ".join(sorted(RouteOptions.__annotations__))
        raise TypeError(f"a route has no option {name!r}; it has {known}")
