"""The drop-in `Bottle` application, the stack of default applications, and the names of the moment.

A `Bottle` is called with three arguments by ASGI servers and with two by WSGI servers.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fenrir.bottle._dialect import DIALECT, response_of
from fenrir.bottle.door import BottleDoor
from fenrir.core.application import Application
from fenrir.core.context import current
from fenrir.core.doors.wsgi import WSGIDoor, both_doors
from fenrir.core.proxy import Proxy

if TYPE_CHECKING:
    from asteri.exchange import Doors
    from fenrir.core.context import RequestContext

__all__ = ["AppStack", "Bottle", "app", "apps", "debug", "default_app", "request", "response", "run"]


class Bottle(BottleDoor):
    """An application."""

    def __init__(self) -> None:
        engine = Application(DIALECT, title="bottle")
        super().__init__(engine, engine.scope)
        engine.facade = self
        self._wsgi = WSGIDoor(engine)

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors."""
        return self.engine.__asteri__(version)

    @both_doors
    def __call__(self, *args: Any) -> Any:
        """Serve as an ASGI application (scope, receive, send) or a WSGI application (environ, start_response)."""
        return self._wsgi(*args) if len(args) == 2 else self.engine(*args)

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve as a WSGI application."""
        return self._wsgi(environ, start_response)

    def close(self) -> None:
        """Close all plugins, and the loop behind the WSGI door."""
        super().close()
        self._wsgi.close()

    def run(self, **options: Any) -> None:
        """Serve with Asteri; options as of the function `run`."""
        run(self, **options)

    def __enter__(self) -> Bottle:
        apps.push(self)
        return self

    def __exit__(self, *_: object) -> None:
        apps.pop()

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class AppStack(list[Bottle]):
    """Applications; the last one is the default. Calling the stack gives it."""

    def __call__(self) -> Bottle:
        return self.default

    def push(self, value: Bottle | None = None) -> Bottle:
        """Make an application the default, a new one when none is given."""
        made = value if isinstance(value, Bottle) else Bottle()
        self.append(made)
        return made

    new_app = push

    @property
    def default(self) -> Bottle:
        """The application on top."""
        return self[-1] if self else self.push()


apps = app = default_app = AppStack()


def _unbound(name: str) -> str:
    return f"there is no request here: {name!r} stands for the request that is being served, in callbacks and hooks"


def _context() -> RequestContext:
    return current.get()


request: Any = Proxy(lambda: _context().view(DIALECT), _unbound("request"))
response: Any = Proxy(lambda: response_of(_context()), _unbound("response"))


def _relay(name: str) -> Any:
    """Make the module's function that calls the default application's method."""

    @functools.wraps(getattr(Bottle, name))
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(app(), name)(*args, **kwargs)

    return call


route = _relay("route")
get = _relay("get")
post = _relay("post")
put = _relay("put")
delete = _relay("delete")
patch = _relay("patch")
error = _relay("error")
mount = _relay("mount")
hook = _relay("hook")
install = _relay("install")
uninstall = _relay("uninstall")
url = _relay("get_url")


def debug(mode: bool = True) -> None:
    """Show exceptions and tracebacks on the error pages of the default application."""
    app().engine.extensions["bottle.debug"] = bool(mode)


def run(
    app: Any = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    quiet: bool = False,
    plugins: Any = None,
    debug: bool | None = None,
    config: dict[str, Any] | None = None,
    server: str | None = None,
) -> None:
    """Serve an application (the default one) with Asteri until it is stopped.

    Args:
        quiet: no access log.
        server: only "asteri"; upstream's other adapters do not exist here.

    Raises:
        TypeError: an unknown keyword.
        ValueError: another server.
    """
    import asteri

    if server not in (None, "asteri"):
        raise ValueError(f"run() serves with asteri; use {server} as a server of its own: it is an ASGI application")
    target = app if app is not None else default_app()
    for plugin in plugins or []:
        target.install(plugin)
    if config:
        target.config.update(config)
    if debug is not None:
        target.engine.extensions["bottle.debug"] = bool(debug)
    asteri.run(target, bind=(f"{host}:{port}",), access_log=not quiet)
