"""The `flask` command: its options, and the commands of the application beside its own."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fenrir.flask.cli.locate import NoAppException
from fenrir.flask.cli.routes import routes_command
from fenrir.flask.cli.run import run_command
from fenrir.flask.cli.script import AppGroup, ScriptInfo
from fenrir.flask.cli.shell import shell_command
from fenrir.flask.globals import current_app
from fenrir.flask.version import flask_version
from fenrir.kit.dotenv import load_dotenv

if TYPE_CHECKING:
    from fenrir.flask.app import Flask

__all__ = ["FlaskGroup", "cli", "debug_option", "get_version", "main", "version_option"]


def _version(distribution: str, otherwise: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return otherwise


def get_version(ctx: click.Context, param: click.Parameter | None, value: Any) -> None:
    """Print the versions and end, if that was asked for."""
    if not value or ctx.resilient_parsing:
        return
    click.echo(
        f"Python {platform.python_version()}\nFlask {flask_version()}\n"
        f"Werkzeug {metadata.version('werkzeug')}\nFenrir {_version('fenrir', 'from its sources')}",
        color=ctx.color,
    )
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the Flask version.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


# Eager, so that the application's commands are known when --help is asked for; it must stand before --help for that.
_app_option = click.Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The Flask application or factory function to load, in the form 'module:name'. Module can be a dotted import or"
        " file path. Name is not required if it is 'app', 'application', 'create_app', or 'make_app', and can be"
        " 'name(args)' to pass arguments."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    source = ctx.get_parameter_source(param.name or "")
    if source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        return None  # nobody said; FLASK_DEBUG decides
    # In the environment, so that a factory sees it already.
    os.environ["FLASK_DEBUG"] = "1" if value else "0"
    return value


debug_option = click.Option(["--debug/--no-debug"], help="Set debug mode.", expose_value=False, callback=_set_debug)


def _read_env_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    defaults = ctx.obj.load_dotenv_defaults
    if value is not None and importlib.util.find_spec("dotenv") is None:
        raise click.BadParameter("python-dotenv must be installed to load an env file.", ctx=ctx, param=param)
    if value is not None or defaults:
        load_dotenv(value, load_defaults=defaults)
    return value


# Eager and first, so that the other options can be set in the file.
_env_file_option = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Load environment variables from this file, taking precedence over those set by '.env' and '.flaskenv'."
        " Variables set directly in the environment take highest precedence. python-dotenv must be installed."
    ),
    is_eager=True,
    expose_value=False,
    callback=_read_env_file,
)


class FlaskGroup(AppGroup):
    """A group with the commands of the application that its options, or a function, name.

    Args:
        add_default_commands: `run`, `shell` and `routes`.
        create_app: makes the application.
        add_version_option: `--version`.
        load_dotenv: read `.env` and `.flaskenv`.
        set_debug_flag: set the application's debug mode as FLASK_DEBUG says.
        extra: of `click.Group`.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Flask] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        # The work is done by callbacks of the options, so that a callback of the group stays free for users.
        params = [*(extra.pop("params", None) or ()), _env_file_option, _app_option, debug_option]
        if add_version_option:
            params.append(version_option)
        extra.setdefault("context_settings", {}).setdefault("auto_envvar_prefix", "FLASK")
        super().__init__(params=params, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)
        self._loaded_plugin_commands = False

    def _load_plugin_commands(self) -> None:
        """Add the commands that installed distributions announce (`flask.commands`)."""
        if not self._loaded_plugin_commands:
            for entry in metadata.entry_points(group="flask.commands"):
                self.add_command(entry.load(), entry.name)
            self._loaded_plugin_commands = True

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command of our own, of a plugin or of the application, in this order."""
        self._load_plugin_commands()
        own = super().get_command(ctx, name)
        if own is not None:
            return own
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as error:
            click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")
            return None
        # Callbacks of parameters find the context as well.
        if not current_app or current_app._get_current_object() is not app:  # type: ignore[attr-defined]
            ctx.with_resource(app.app_context())
        command: click.Command | None = app.cli.get_command(ctx, name)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands; an application that can not be loaded is told of, and has none."""
        self._load_plugin_commands()
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:
            click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")
        except Exception:
            click.secho(f"{traceback.format_exc()}\n", err=True, fg="red")
        return sorted(names)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Do as click's, with a `ScriptInfo` for the commands."""
        # `app.run()` without a guard in the application's module must not serve while a command imports it.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Do as click's; the help, too, shows the commands of an application that the environment names."""
        asks_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        if asks_help or (not args and self.no_args_is_help):
            _env_file_option.handle_parse_result(ctx, {}, [])
            _app_option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)


cli = FlaskGroup(
    name="flask",
    help="""\
A general utility script for Flask applications.

An application to load must be given with the '--app' option,
'FLASK_APP' environment variable, or with a 'wsgi.py' or 'app.py' file
in the current directory.
""",
)

run_command.params.insert(0, debug_option)


def main() -> None:
    """Run the `flask` command."""
    cli.main(prog_name="python -m flask" if sys.argv and sys.argv[0].endswith("__main__.py") else None)
