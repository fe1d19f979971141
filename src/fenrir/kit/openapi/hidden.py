"""Routes that no document lists: the files of the pages, and what serves the pages themselves.

They are routes of the engine like any other, so hooks and middleware of the application stand around them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fenrir.core.binding import Argument, Binding, Given
from fenrir.core.declare import Mode, Route, caller
from fenrir.core.dialect import Renderer
from fenrir.core.reply import Reply
from fenrir.kit.files import file_reply
from fenrir.kit.openapi.bundles import PACKAGES, Assets, media_type

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.context import RequestContext

__all__ = ["FOREVER", "Handler", "add_hidden", "file_handler", "serve_assets"]

FOREVER = b"public, max-age=31536000, immutable"
Handler = Callable[["RequestContext"], Reply]


def _as_is(route: Route) -> Renderer:
    return Renderer(render=lambda c, value: value)


def add_hidden(engine: Application, path: str, handler: Handler, mode: Mode) -> None:
    """Add a route whose handler returns complete replies."""
    # What the home dialect makes of return values does not apply to them.
    dialect = replace(engine.home, renderer=_as_is, reads_body=False)
    engine.add_route(
        Route(
            pattern=dialect.parse(path, dialect.converters),
            methods=frozenset({"GET"}),
            handler=handler,
            mode=mode,
            name=None,
            dialect=dialect,
            scope=engine.scope,
            source=caller(),
            bind=lambda _: Binding(arguments=(Argument(None, Given(lambda c: c)),)),
            document=False,
        )
    )


def serve_assets(engine: Application, page: str, assets: Assets, names: Sequence[str]) -> list[str]:
    """Serve local files of Swagger UI or ReDoc for a page; return their paths.

    The name of a file's package stands in its path, as it does on a CDN.
    """
    assert assets.folder is not None, "there are no local files"
    paths = [f"{page.rstrip('/')}/assets/{assets.digest}/{PACKAGES[name]}/{name}" for name in names]
    for path, name in zip(paths, names, strict=True):
        add_hidden(engine, path, file_handler(assets.folder / name), Mode.THREAD)
    return paths


def file_handler(path: Path) -> Handler:
    """Return what serves a file that never changes at its address."""
    kind = media_type(path.name)

    def show(c: RequestContext) -> Reply:
        reply = file_reply(path, request=c.http.headers, method=c.http.method, media_type=kind)
        reply.headers.set("cache-control", FOREVER.decode())
        reply.headers.set("x-content-type-options", "nosniff")
        return reply

    return show
