"""Finding the application: what the user named, or the first of the usual places."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from fenrir.core.application import Application

__all__ = ["engine_of", "find_target", "load"]

FILES = ("app.py", "main.py", "wsgi.py", "asgi.py")
NAMES = ("app", "application")


def find_target(target: str | None) -> str:
    """Return "module:attribute" for what the user named, or for the application in the current directory.

    A path to a file (`app.py`, `src/site.py:app`) is accepted for a module.

    Raises:
        click.UsageError: nothing was named and nothing was found.
    """
    if target is None:
        for name in FILES:
            if Path(name).is_file():
                return find_target(name)
        raise click.UsageError(
            f"no application was named, and none of {', '.join(FILES)} is here; say which: fenrir run module:app"
        )
    module, _, attribute = target.partition(":")
    if module.endswith(".py"):
        path = Path(module)
        if not path.is_file():
            raise click.UsageError(f"there is no file {module}")
        directory = str(path.parent.resolve())
        if directory not in sys.path:
            sys.path.insert(0, directory)
        module = path.stem
    if not attribute:
        attribute = _only_application(module)
    return f"{module}:{attribute}"


def _only_application(module: str) -> str:
    found: Any = _import(module)
    for name in NAMES:
        if hasattr(found, name):
            return name
    names: list[str] = [
        name for name, value in vars(found).items() if hasattr(value, "__asteri__") and not isinstance(value, type)
    ]
    if len(names) == 1:
        return names[0]
    reason = f"has several applications ({', '.join(names)})" if names else "has no application"
    raise click.UsageError(f"{module} {reason}; say which: {module}:NAME")


def _import(module: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name == module.partition(".")[0] or exc.name == module:
            raise click.UsageError(f"there is no module {module!r} here ({Path.cwd().name}/)") from exc
        raise _broken(module) from exc
    except Exception as exc:
        raise _broken(module) from exc


def _broken(module: str) -> click.exceptions.Exit:
    click.echo(f"{module} can not be imported:", err=True)
    frames = traceback.format_exc().splitlines()
    click.echo("\n".join(frames), err=True)
    return click.exceptions.Exit(3)


def load(target: str | None) -> Any:
    """Import the application that `find_target` finds."""
    module, _, attribute = find_target(target).partition(":")
    found = _import(module)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise click.UsageError(f"{module} has no attribute {part!r}")
        found = getattr(found, part)
    return found


def engine_of(app: Any) -> Application:
    """Return the engine of a Fenrir application.

    Raises:
        click.UsageError: it is an application of another kind.
    """
    engine = getattr(app, "engine", app)
    if not isinstance(engine, Application):
        raise click.UsageError(f"{app!r} is not a Fenrir application")
    return engine
