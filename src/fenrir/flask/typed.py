"""The short way of typed views: gathered, validated and called by the route itself when nothing stands around them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from fenrir.core.threads import to_thread
from fenrir.flask.engine import _failed, _finished, _question

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.reply import Reply
    from fenrir.flask.engine import FlaskEngine
    from fenrir.flask.injection import Injection

__all__ = ["short_handler"]


def short_handler(
    engine: FlaskEngine,
    endpoint: str,
    view: Callable[..., Any],
    whole: Callable[[RequestContext], Reply],
    injection: Injection,
) -> Callable[..., Any]:
    """Return the handler of a typed view that leaves nothing open."""
    app = engine.flask
    views = app.view_functions
    is_short = _question(engine)

    def call(c: RequestContext) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return whole(c)
        app._got_first_request = True
        try:
            value = injection.call(app.context_of(c), view)
        except Exception as exc:
            return _failed(app, c, exc)
        return value if c.plain else _finished(app, c, value)

    async def awaited(c: RequestContext) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return await to_thread(whole, c)
        app._got_first_request = True
        try:
            value = await injection.awaited(app.context_of(c), view)
        except Exception as exc:
            return await to_thread(_failed, app, c, exc)
        return value if c.plain else await to_thread(_finished, app, c, value)

    return awaited if iscoroutinefunction(view) else call
