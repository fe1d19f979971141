"""Finding an application: in a module, by a name or a call, in a file."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, overload

import click

if TYPE_CHECKING:
    from fenrir.flask.app import Flask

__all__ = ["NoAppException", "find_app_by_string", "find_best_app", "locate_app", "prepare_import"]


class NoAppException(click.UsageError):
    """No application could be found or loaded."""


def _is_flask(value: object) -> TypeGuard[Flask]:
    from fenrir.flask.app import Flask  # which has a group of commands itself

    return isinstance(value, Flask)


def find_best_app(module: Any) -> Flask:
    """Return the application of a module: of a usual name, else the only one, else what a usual factory makes.

    Raises:
        NoAppException: there is none, or more than one.
    """
    for name in ("app", "application"):
        app = getattr(module, name, None)
        if _is_flask(app):
            return app
    found = [value for value in vars(module).values() if _is_flask(value)]
    if len(found) == 1:
        return found[0]
    place = module.__name__
    if found:
        raise NoAppException(
            f"Detected multiple Flask applications in module '{place}'. Use '{place}:name' to specify the correct one."
        )
    for name in ("create_app", "make_app"):
        factory = getattr(module, name, None)
        if not inspect.isfunction(factory):
            continue
        try:
            app = factory()
        except TypeError as error:
            if not _refused(factory, error):
                raise
            raise NoAppException(
                f"Detected factory '{name}' in module '{place}', but could not call it without arguments. Use"
                f" '{place}:{name}(args)' to specify arguments."
            ) from error
        if _is_flask(app):
            return app
    raise NoAppException(
        f"Failed to find Flask application or factory in module '{place}'. Use '{place}:name' to specify one."
    )


def _refused(function: Callable[..., Any], error: TypeError) -> bool:
    """Say whether a call failed for its arguments: the function itself is then not in the traceback."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is function.__code__:
            return False
        trace = trace.tb_next
    return True


def _read(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the name, and the literal arguments, in `name` or `name(...)`."""
    unclear = NoAppException(f"Failed to parse {text!r} as an attribute name or function call.")
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise unclear from None
    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call):
        raise unclear
    if not isinstance(expression.func, ast.Name):
        raise NoAppException(f"Function reference must be a simple name: {text!r}.")
    try:
        args = [ast.literal_eval(arg) for arg in expression.args]
        kwargs = {arg.arg: ast.literal_eval(arg.value) for arg in expression.keywords if arg.arg is not None}
    except ValueError:
        raise NoAppException(f"Failed to parse arguments as literal values: {text!r}.") from None
    return expression.func.id, args, kwargs


def find_app_by_string(module: ModuleType, app_name: str) -> Flask:
    """Return the application that a name in a module stands for, or that the call of a factory there returns.

    Raises:
        NoAppException: it is none.
    """
    name, args, kwargs = _read(app_name)
    if not hasattr(module, name):
        raise NoAppException(f"Failed to find attribute {name!r} in {module.__name__!r}.")
    app = getattr(module, name)
    if inspect.isfunction(app):
        factory = app
        try:
            app = factory(*args, **kwargs)
        except TypeError as error:
            if not _refused(factory, error):
                raise
            raise NoAppException(
                f"The factory {app_name!r} in module {module.__name__!r} could not be called with the specified"
                " arguments."
            ) from error
    if not _is_flask(app):
        raise NoAppException(f"A valid Flask application was not obtained from '{module.__name__}:{app_name}'.")
    return app


def prepare_import(path: str) -> str:
    """Return the name under which a file or folder is imported, and put the folder that it needs on the path."""
    place = os.path.realpath(path).removesuffix(".py")
    if os.path.basename(place) == "__init__":  # noqa: PTH119
        place = os.path.dirname(place)  # noqa: PTH120
    names: list[str] = []
    while True:
        place, name = os.path.split(place)
        names.insert(0, name)
        if not os.path.exists(os.path.join(place, "__init__.py")):  # noqa: PTH110, PTH118
            break
    if sys.path[0] != place:
        sys.path.insert(0, place)
    return ".".join(names)


@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: Literal[True] = True) -> Flask: ...


@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool) -> Flask | None: ...


def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> Flask | None:
    """Import a module and return its application.

    Args:
        app_name: a name or a call; None: the best that is there.
        raise_if_not_found: False: return None when there is no such module.

    Raises:
        NoAppException: it can not be imported, or has none.
    """
    try:
        importlib.import_module(module_name)
    except ImportError as error:
        if not _is_missing(module_name, error):
            raise NoAppException(
                f"While importing {module_name!r}, an ImportError was raised:\n\n{traceback.format_exc()}"
            ) from None
        if raise_if_not_found:
            raise NoAppException(f"Could not import {module_name!r}.") from None
        return None
    module = sys.modules[module_name]
    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)


def _is_missing(name: str, error: ImportError) -> bool:
    """Say whether the module itself is not there, and not something that it imports."""
    missing = error.name or ""
    return isinstance(error, ModuleNotFoundError) and (name == missing or name.startswith(f"{missing}."))
