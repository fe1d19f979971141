"""The drop-in `Sanic` application: a Sanic door with an engine of its own.

It is an ASGI application, a direct application, and starts Asteri by `run`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from fenrir.core.application import Application
from fenrir.sanic._dialect import DIALECT
from fenrir.sanic.config import SANIC_PREFIX, Config
from fenrir.sanic.door import SanicDoor
from fenrir.sanic.exceptions import SanicException
from fenrir.sanic.handlers import ErrorHandler
from fenrir.sanic.request import Request

if TYPE_CHECKING:
    from asteri.exchange import Doors

__all__ = ["Sanic"]

_NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_\-]*$")


class Sanic(SanicDoor):
    """An application.

    Args:
        name: unique in the process, unless `Sanic.test_mode` is set.
        ctx: a notebook to use instead of an empty one.
        error_handler: an object whose `default(request, exception)` renders errors.
        strict_slashes: of routes that do not say.
        request_class: a subclass of `Request`.
    """

    test_mode: ClassVar[bool] = False
    _app_registry: ClassVar[dict[str, Sanic]] = {}
    name: str

    def __init__(
        self,
        name: str,
        config: Config | None = None,
        ctx: Any = None,
        *,
        error_handler: ErrorHandler | None = None,
        env_prefix: str | None = SANIC_PREFIX,
        request_class: type[Request] | None = None,
        strict_slashes: bool = False,
    ) -> None:
        if not isinstance(name, str) or _NAME.match(name) is None:
            raise SanicException(
                f"Sanic instance named '{name}' uses an invalid format. Names must begin with a character or "
                "underscore and may only contain alphanumeric characters, _, or -."
            )
        engine = Application(DIALECT, title=name)
        super().__init__(engine, engine.scope, name)
        engine.facade = self
        self.strict_slashes = strict_slashes
        settings = self._settings
        settings.name = name
        settings.config = config if config is not None else Config(env_prefix=env_prefix)
        settings.config.watch(self._configured)
        settings.request_class = request_class
        self.error_handler = error_handler or ErrorHandler()
        if ctx is not None:
            engine.state.update(vars(ctx))
        type(self).register_app(self)

    def _configured(self, name: str, value: Any) -> None:
        if name == "REQUEST_MAX_SIZE":
            self.engine.body_limit = value
            self.engine.changed()
        elif name == "GRACEFUL_SHUTDOWN_TIMEOUT":
            self.engine.tasks.grace = value

    def __repr__(self) -> str:
        return f'Sanic(name="{self.name}")'

    @property
    def error_handler(self) -> ErrorHandler:
        """Renders the errors that no exception handler took."""
        handler: ErrorHandler = self._settings.error_handler
        return handler

    @error_handler.setter
    def error_handler(self, handler: ErrorHandler) -> None:
        self._settings.error_handler = handler
        handler.attach(self)

    @property
    def debug(self) -> bool:
        """Show where errors were raised."""
        return self._settings.debug

    @debug.setter
    def debug(self, debug: bool) -> None:
        self._settings.debug = debug

    # ----------------------------------------------------------------- registry
    @classmethod
    def register_app(cls, app: Sanic) -> None:
        """Remember an application by its name. Raises `SanicException` if the name is taken."""
        if app.name in cls._app_registry and not cls.test_mode:
            raise SanicException(f'Sanic app name "{app.name}" already in use.')
        cls._app_registry[app.name] = app

    @classmethod
    def unregister_app(cls, app: Sanic) -> None:
        """Forget an application."""
        cls._app_registry.pop(app.name, None)

    @classmethod
    def get_app(cls, name: str | None = None, *, force_create: bool = False) -> Sanic:
        """Return the application of a name, or the only one.

        Raises:
            SanicException: there is none, or there are several and no name was given.
        """
        if name is None:
            if len(cls._app_registry) > 1:
                raise SanicException('Multiple Sanic apps found, use Sanic.get_app("app_name")')
            if not cls._app_registry:
                raise SanicException("No Sanic apps have been registered.")
            return next(iter(cls._app_registry.values()))
        app = cls._app_registry.get(name)
        if app is None:
            if not force_create:
                raise SanicException(
                    f'Sanic app name "{name}" not found.\n'
                    "App instantiation must occur outside if __name__ == '__main__' block or by using an AppLoader."
                )
            return cls(name)
        return app

    # -------------------------------------------------------------------- doors
    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors."""
        return self.engine.__asteri__(version)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as an ASGI 3 application."""
        await self.engine(scope, receive, send)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        debug: bool = False,
        access_log: bool | None = None,
        unix: str | None = None,
        backlog: int = 2048,
    ) -> None:
        """Serve the application with Asteri in this process until it is stopped.

        Several workers and reloading need the application as a string: `asteri module:app -w 4 --reload`.

        Raises:
            TypeError: an unknown keyword.
        """
        import asteri

        self.debug = self.debug or debug
        address = f"unix:{unix}" if unix is not None else f"{host or '127.0.0.1'}:{8000 if port is None else port}"
        asyncio.run(self.run_process_listeners("main_process_start"))
        if "main_process_ready" in self._process_listeners:
            self.after_server_start(lambda app: self.run_process_listeners("main_process_ready"))
        log = self.config.ACCESS_LOG if access_log is None else access_log
        try:
            run: Callable[..., Any] = asteri.run
            run(self, bind=(address,), backlog=backlog, access_log=bool(log))
        finally:
            asyncio.run(self.run_process_listeners("main_process_stop"))
