"""Importing the application, for the commands that look into it; what goes wrong is told from the user's file on."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import click

import fenrir
from fenrir.cli.target import Mistake, called_with, find_target
from fenrir.core.application import Application, Frozen
from fenrir.core.declare import DeclarationError, Source

__all__ = ["Broken", "engine_of", "freeze", "load", "mute", "nearby", "place"]

PACKAGE = str(Path(fenrir.__file__).parent) + os.sep


class Broken(click.ClickException):
    """The application can not be imported or compiled: exit code 3."""

    exit_code = 3


def mute() -> None:
    """Keep the framework's log off the terminal, for commands that print its reports themselves."""
    logging.getLogger("fenrir").addHandler(logging.NullHandler())


def load(named: str | None) -> Any:
    """Import the application that `find_target` finds.

    Raises:
        Mistake: it is not there.
        Broken: it can not be imported.
    """
    target = find_target(named)
    directory = str(target.directory)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        found: Any = importlib.import_module(target.module)
    except (Exception, SystemExit) as error:
        raise Broken(f"{target.module} can not be imported:\n{_users_traceback(error)}") from error
    where = target.module
    for part in target.attribute.split("."):
        if not hasattr(found, part):
            raise Broken(f"{where} has no attribute {part!r}")
        found = getattr(found, part)
        where = f"{where}.{part}"
    return found if target.arguments is None else _made(found, where, target.arguments)


def _made(factory: Any, where: str, arguments: str) -> Any:
    args, kwargs = called_with(arguments)
    if not callable(factory):
        raise Broken(f"{where} is no factory: {type(factory).__name__} is not callable")
    try:
        return factory(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise Broken(f"the factory {where} failed:\n{_users_traceback(error)}") from error


def _users_traceback(error: BaseException) -> str:
    """Format an exception without the frames of the import machinery; of a mistaken declaration, the user's only."""
    error.__traceback__ = _without_machinery(error.__traceback__)
    formatted = traceback.TracebackException.from_exception(error)
    if isinstance(error, DeclarationError):
        users = [frame for frame in formatted.stack if not frame.filename.startswith(PACKAGE)]
        formatted.stack = traceback.StackSummary.from_list(users)
        # Its message says it all; what the framework found first is the framework's business.
        formatted.__cause__ = formatted.__context__ = None
    return "".join(formatted.format()).rstrip()


def _without_machinery(frame: TracebackType | None) -> TracebackType | None:
    machinery = (__file__, importlib.__file__)
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if name not in machinery and not name.startswith("<frozen importlib"):
            return frame
        frame = frame.tb_next
    return None


def engine_of(app: Any) -> Application:
    """Return the engine of a Fenrir application.

    Raises:
        Mistake: it is an application of another kind.
    """
    engine = getattr(app, "engine", app)
    if not isinstance(engine, Application):
        raise Mistake(f"this is no Fenrir application but {type(app).__module__}.{type(app).__qualname__}")
    return engine


def freeze(engine: Application) -> Frozen:
    """Compile an application.

    Raises:
        Broken: its declarations contradict each other.
    """
    try:
        return engine.frozen
    except DeclarationError as error:
        raise Broken(str(error)) from error


def place(source: Source) -> str:
    """Return a place in the form that editors and terminals can open, nothing for what has none."""
    return nearby(f"{source.file}:{source.line}" if source.file else "")


def nearby(text: str) -> str:
    """Return a text in which the paths of files below this directory are relative to it."""
    return text.replace(f"{Path.cwd()}{os.sep}", "")
