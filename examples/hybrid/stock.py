"""The stock-taking, in Falcon's words: a resource with a method per verb, and a hook before one of them."""

from __future__ import annotations

from typing import Any

import shop

from fenrir import current_app, g
from fenrir.falcon import HTTPBadRequest, HTTPForbidden, HTTPNotFound, before

__all__ = ["Stock"]


def staff_only(req: Any, resp: Any, resource: Any, params: dict[str, Any]) -> None:
    """Let only people through who work here; `g.user` was set by a Flask hook."""
    if g.user is None or not g.user.staff:
        raise HTTPForbidden(title="Staff only", description="Only people who work here count books.")


class Stock:
    """How many copies of one book are on the shelf."""

    def on_get(self, req: Any, resp: Any, number: int) -> None:
        with current_app.ctx.database.read() as c:
            resp.media = self._found(shop.book, c, number)

    @before(staff_only)
    def on_post(self, req: Any, resp: Any, number: int) -> None:
        counted = req.get_media()
        if type(counted) is not int or counted < 0:
            raise HTTPBadRequest(title="No count", description="Send the number of copies, as JSON.")
        with current_app.ctx.database.write() as c:
            resp.media = self._found(shop.count, c, g.user, number, counted)

    def _found(self, ask: Any, *args: Any) -> dict[str, Any]:
        try:
            row = ask(*args)
        except shop.UnknownBook as error:
            raise HTTPNotFound(description=str(error)) from error
        except shop.ShopError as error:
            raise HTTPBadRequest(title="No room", description=str(error)) from error
        return {"title": row["title"], "stock": row["stock"], "room": row["room"]}
