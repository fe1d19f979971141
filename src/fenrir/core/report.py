"""Exceptions that nobody took: logged once, and shown to the test client whose request they belong to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asteri.exchange import Disconnected
from fenrir.core.context import unhandled

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["report"]

log = logging.getLogger("fenrir.error")


def report(c: RequestContext, exc: BaseException, what: str = "") -> None:
    """Log an exception with the request and the route that it comes from.

    Args:
        what: the part of the request that failed, if it is not the handler or a hook before it ("background work").
    """
    request = f"{getattr(c.exchange, 'method', 'WS')} {c.exchange.path}"
    if isinstance(exc, Disconnected):  # the client's doing, and as frequent as a client likes
        log.info("the client left in the middle of %s", request)
        return
    dialect = c.plan.dialect if c.plan is not None else c.app.home
    if dialect.wraps_raise and getattr(c.exchange, "raises", False):  # it is raised to the server, which tells of it
        return
    if (watcher := unhandled.get()) is not None:
        watcher.append(exc)
    where = c.plan.title if c.plan is not None else "no route"
    place = f" by {what}" if what else ""
    log.error("unhandled %s in %s%s (%s)", type(exc).__name__, request, place, where, exc_info=exc)
