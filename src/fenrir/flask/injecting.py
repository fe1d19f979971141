"""Typed views as plain ones: what stands in `view_functions` can be called with the values of the path alone.

Extensions look for views there, put something around them, and call them in the place of `dispatch_request`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from fenrir.flask.globals import _cv_request

if TYPE_CHECKING:
    from fenrir.flask.ctx import RequestContext

__all__ = ["injecting", "typed_view"]

_MARK = "_fenrir_injects"


def injecting(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that calls another with all that its signature asks for under the rule of the request."""

    @wraps(view)
    def injected(*args: Any, **values: Any) -> Any:
        context: RequestContext | None = _cv_request.get(None)
        rule = context.request.url_rule if context is not None else None
        if context is None or rule is None:
            return view(*args, **values)
        injection = context.app._injection(rule, view)
        if injection is None or args:  # of whoever knows the function
            return context.app.ensure_sync(view)(*args, **values)
        return injection.call(context, view, values)

    setattr(injected, _MARK, view)
    return injected


def typed_view(view: Any, *, itself: bool = False) -> Callable[..., Any] | None:
    """Return the typed view that a view calls, if it is an `injecting` one or one with something around it.

    Args:
        itself: with nothing around it.
    """
    seen = 0
    while view is not None and seen < 100:  # wrappers may go round in a circle
        found: Callable[..., Any] | None = getattr(view, "__dict__", {}).get(_MARK)
        if found is not None and view.__wrapped__ is found:  # `wraps` copies the mark to what is put around
            return found
        if itself:
            return None
        view = getattr(view, "__dict__", {}).get("__wrapped__")
        seen += 1
    return None
