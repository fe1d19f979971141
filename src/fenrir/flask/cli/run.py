"""`flask run`: the application on Asteri."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click
from werkzeug.utils import import_string

from fenrir.flask.cli.script import ScriptInfo, pass_script_info
from fenrir.flask.flags import get_debug_flag
from fenrir.flask.serving import is_running_from_reloader, run_simple

__all__ = ["CertParamType", "SeparatedPathType", "run_command", "show_server_banner"]


def _tls() -> Any:
    """Return the module `ssl`, None for a Python without it."""
    try:
        return importlib.import_module("ssl")
    except ImportError:
        return None


class CertParamType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A file, the word `adhoc`, or the import name of an `ssl.SSLContext`."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, the word or the context."""
        ssl = _tls()
        if ssl is None:
            raise click.BadParameter('Using "--cert" requires Python to be compiled with SSL support.', ctx, param)
        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            name = click.STRING(value, param, ctx).lower()
            if name == "adhoc":
                try:
                    importlib.import_module("cryptography")
                except ImportError:
                    raise click.BadParameter(
                        "Using ad-hoc certificates requires the cryptography library.", ctx, param
                    ) from None
                return name
            found = import_string(name, silent=True)
            if isinstance(found, ssl.SSLContext):
                return found
            raise


def _validate_key(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Make `cert` a pair where it is a file, which is the only case in which there is a key."""
    cert = ctx.params.get("cert")
    ssl = _tls()
    is_context = ssl is not None and isinstance(cert, ssl.SSLContext)
    if value is None:
        if cert and cert != "adhoc" and not is_context:
            raise click.BadParameter('Required when using "--cert".', ctx, param)
        return None
    if cert == "adhoc":
        raise click.BadParameter('When "--cert" is "adhoc", "--key" is not used.', ctx, param)
    if is_context:
        raise click.BadParameter('When "--cert" is an SSLContext object, "--key" is not used.', ctx, param)
    if not cert:
        raise click.BadParameter('"--cert" must also be specified.', ctx, param)
    ctx.params["cert"] = cert, value
    return value


class SeparatedPathType(click.Path):
    """Paths with the separator of the system between them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the list of paths."""
        one = super().convert
        return [one(item, param, ctx) for item in self.split_envvar_value(value)]


def show_server_banner(debug: bool | None, app_import_path: str | None) -> None:
    """Say what is served, once and not after every reload."""
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Flask app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")


def _broken(error: Exception) -> Any:
    """Return an application that tells in a browser, too, why there is none."""

    def app(environ: Any, start_response: Any) -> Any:
        raise error from None

    return app


@click.command("run", short_help="Run a development server.")
@click.option("--host", "-h", default="127.0.0.1", help="The interface to bind to.")
@click.option("--port", "-p", default=5000, help="The port to bind to.")
@click.option("--cert", type=CertParamType(), help="Specify a certificate file to use HTTPS.", is_eager=True)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=_validate_key,
    expose_value=False,
    help="The key file to use when specifying a certificate.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Enable or disable the reloader. By default the reloader is active if debug is enabled.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    help="Enable or disable the debugger. By default the debugger is active if debug is enabled.",
)
@click.option("--with-threads/--without-threads", default=True, help="Enable or disable multithreading.")
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    help=f"Extra files that trigger a reload on change. Multiple paths are separated by {os.path.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    help=(
        "Files matching these fnmatch patterns will not trigger a reload on change. Multiple patterns are separated by"
        f" {os.path.pathsep!r}."
    ),
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Run a local development server.

    The application is served on Asteri, in one process; `fenrir run` serves it with workers. The reloader is enabled by
    default with the '--debug' option.
    """
    try:
        app: Any = info.load_app()
    except Exception as error:
        if not is_running_from_reloader():
            raise
        # After a change: tell it now, and wait for the next change.
        traceback.print_exc()
        app = _broken(error)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    sys.exit(
        run_simple(
            host,
            port,
            app,
            use_reloader=debug if reload is None else reload,
            use_debugger=debug if debugger is None else debugger,
            threaded=with_threads,
            ssl_context=cert,
            extra_files=extra_files,
            exclude_patterns=exclude_patterns,
        )
    )
