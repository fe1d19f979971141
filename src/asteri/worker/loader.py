"""From a target string to an application, and what kind of application it is.

What goes wrong here is the user's daily bread, so every error says which module or attribute it concerns, and a
traceback begins in the user's file: the frames of the import machinery and of this file are left out.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from asteri.errors import ApplicationError
from asteri.settings import Settings, split_target

__all__ = ["Application", "detect", "load"]


@dataclass(frozen=True, slots=True)
class Application:
    """An application and how it is called.

    Attributes:
        call: what was loaded.
        interface: "direct", "asgi" or "wsgi".
    """

    call: Any
    interface: str


def load(settings: Settings) -> Application:
    """Import the target, with the application's directory first on the path.

    Raises:
        ApplicationError: it can not be imported, or is no application.
        UsageError: the target is not of the form module:attribute.
    """
    module_name, attribute = split_target(settings.target)
    directory = str(Path(settings.app_dir).resolve())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    found: Any = _import(module_name, directory)
    where = module_name
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ApplicationError(f"{where!r} has no attribute {part!r} (target {settings.target!r})")
        found = getattr(found, part)
        where = f"{where}.{part}"
    if settings.factory:
        found = _call_factory(found, settings.target)
    return Application(found, detect(found, settings.interface, settings.target))


def _import(name: str, directory: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ApplicationError(f"no module named {error.name!r} in {directory} or on the Python path") from None
        raise ApplicationError(f"importing {name!r} failed:\n{_users_traceback(error)}") from error
    except (Exception, SystemExit) as error:
        raise ApplicationError(f"importing {name!r} failed:\n{_users_traceback(error)}") from error


def _call_factory(factory: Any, target: str) -> Any:
    if not callable(factory):
        raise ApplicationError(f"{target!r} is no factory: {type(factory).__name__} is not callable")
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise ApplicationError(f"the factory {target!r} failed:\n{_users_traceback(error)}") from error


def _users_traceback(error: BaseException) -> str:
    """Format an exception from the first frame on that is neither ours nor the import machinery's."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None and _is_machinery(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frame))).rstrip()


def _is_machinery(filename: str) -> bool:
    return filename in (__file__, importlib.__file__) or filename.startswith("<frozen importlib")


def detect(call: Any, interface: str = "auto", target: str = "application") -> str:
    """Return how an application wants to be called; `interface` other than "auto" is checked and returned.

    An application that offers the direct interface says so itself; an ASGI application is recognised by its coroutine
    function or its three parameters; any other callable is WSGI.

    Raises:
        ApplicationError: it is not callable, or does not offer the interface that was asked for.
    """
    direct = hasattr(type(call), "__asteri__")
    if interface == "direct" and not direct:
        raise ApplicationError(f"{target!r} has no __asteri__ method; use --interface auto")
    if interface in ("auto", "direct") and direct:
        return "direct"
    if not callable(call):
        raise ApplicationError(f"{target!r} is no application: {type(call).__name__} is not callable")
    if interface != "auto":
        return interface
    if not inspect.isclass(call) and _is_coroutine_function(call):
        return "asgi"
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return "wsgi"  # written in C, without a signature: no ASGI application is
    for name, count in (("asgi", 3), ("wsgi", 2)):
        if _takes(signature, count):
            return name
    raise ApplicationError(
        f"{target!r} is no application: it takes neither (scope, receive, send) nor (environ, start_response)"
        + ("" if signature.parameters else "; is --factory missing?")
    )


def _is_coroutine_function(call: Any) -> bool:
    called = getattr(call, "__call__", None)  # noqa: B004 - an object whose class defines `async def __call__`
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(called)


def _takes(signature: inspect.Signature, count: int) -> bool:
    """Return whether a callable needs, or at least names, exactly `count` positional arguments."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [p for p in signature.parameters.values() if p.kind in positional]
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()) and not named:
        return count == 2  # (*args): a decorated WSGI application; an ASGI one would be a coroutine function
    return len([p for p in named if p.default is p.empty]) <= count <= len(named)
