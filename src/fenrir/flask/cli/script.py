"""What a command knows of the application, and groups of commands that run in its context."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from fenrir.flask.cli.locate import NoAppException, locate_app, prepare_import
from fenrir.flask.flags import get_debug_flag, get_load_dotenv
from fenrir.flask.globals import current_app

if TYPE_CHECKING:
    from fenrir.flask.app import Flask

__all__ = ["AppGroup", "ScriptInfo", "pass_script_info", "with_appcontext"]

F = TypeVar("F", bound=Callable[..., Any])


class ScriptInfo:
    """Finds the application when a command needs it; the `obj` of click's contexts.

    Args:
        app_import_path: `module`, `module:name`, `module:factory(args)`, a file instead of a module.
        create_app: makes the application instead.
        set_debug_flag: set its debug mode as FLASK_DEBUG says.
        load_dotenv_defaults: `.env` and `.flaskenv` are read; kept here for whoever reads them.

    Attributes:
        data: for commands to share what they like.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Flask] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self._loaded_app: Flask | None = None

    def load_app(self) -> Flask:
        """Return the application, always the same one.

        Raises:
            NoAppException: there is none.
        """
        if self._loaded_app is None:
            app = self._found()
            if app is None:
                raise NoAppException(
                    "Could not locate a Flask application. Use the 'flask --app' option, 'FLASK_APP' environment"
                    " variable, or a 'wsgi.py' or 'app.py' file in the current directory."
                )
            if self.set_debug_flag:
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app

    def _found(self) -> Flask | None:
        if self.create_app is not None:
            return self.create_app()
        if self.app_import_path:
            # The colon of a Windows drive is no separator.
            path, *name = re.split(r":(?![\\/])", self.app_import_path, maxsplit=1)
            return locate_app(prepare_import(path), name[0] if name else None)
        for path in ("wsgi.py", "app.py"):
            app = locate_app(prepare_import(path), None, raise_if_not_found=False)
            if app is not None:
                return app
        return None


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: F) -> F:
    """Run a command in the application's context; commands of `app.cli` do so anyway."""

    @click.pass_context
    def decorator(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        if not current_app:
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        return ctx.invoke(f, *args, **kwargs)

    return cast(F, update_wrapper(decorator, f))


class AppGroup(click.Group):
    """A group whose commands run in the application's context."""

    def command(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:  # type: ignore[override]
        """Do as click's, in the context unless `with_appcontext=False` says otherwise."""
        wrapped = kwargs.pop("with_appcontext", True)
        plain = super().command

        def decorator(f: Callable[..., Any]) -> click.Command:
            command: click.Command = plain(*args, **kwargs)(with_appcontext(f) if wrapped else f)
            return command

        return decorator

    def group(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Group]:  # type: ignore[override]
        """Do as click's, with this class for the group."""
        kwargs.setdefault("cls", AppGroup)
        return cast("Callable[[Callable[..., Any]], click.Group]", super().group(*args, **kwargs))
