"""Finding the application: what the user named, or the first of the usual files, without importing it.

`fenrir run` must not import the application: its process becomes the supervisor, and every worker that it forks would
inherit what was imported, so that `--reload` could never load a changed file. So modules are looked up, not executed,
and which of its names is the application is read in the source: `app`, `application`, or the only one that is made by
calling an application class, or else a factory, `create_app` or `make_app`. A factory may be named with its arguments,
`module:create_app("testing")`; they are literals.

Where nothing is named, FLASK_APP is asked before the usual files, because Flask's applications are named there.

A path to a file stands for the module that Python would call it: inside a package that is the dotted name from the
package's parent. A file whose name Python has given away already (`site.py`, `click.py`) is imported as a member of its
folder (`src.site`), because a process can have only one module `site`.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import keyword
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NamedTuple

import click

__all__ = ["Mistake", "Target", "called_with", "find_target"]

FILES = ("app.py", "main.py", "wsgi.py", "asgi.py")
NAMES = ("app", "application")
FACTORIES = ("create_app", "make_app")
CLASSES = {"Fenrir", "FastAPI", "Starlette", "Flask", "Sanic", "Bottle", "App"}


class Mistake(click.ClickException):
    """The caller named something that is not there: one line, exit code 2."""

    exit_code = 2


class Target(NamedTuple):
    """An application that is to be imported.

    Attributes:
        directory: first on the import path.
        module: dotted, as seen from there.
        attribute: its name in the module, may be dotted too.
        arguments: it is a factory that is called with this text between parentheses; None: it is the application.
    """

    directory: Path
    module: str
    attribute: str
    arguments: str | None = None

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


def find_target(named: str | None) -> Target:
    """Return what the user named (`app.py`, `src/site.py:app`, `package.module:app`), or what is in this directory.

    Raises:
        Mistake: nothing was named and nothing found, or there is no such file or module.
    """
    named = named or os.environ.get("FLASK_APP") or None
    if named is None:
        named = next((name for name in FILES if Path(name).is_file()), None)
        if named is None:
            raise Mistake(
                f"no application was named, and none of {', '.join(FILES)} is here; "
                f"say which, for example {_example() or 'package.module:app'}"
            )
    place, colon, attribute = named.partition(":")
    attribute, call, arguments = attribute.partition("(")
    if not place or (colon and not _is_dotted_name(attribute)) or (call and not arguments.endswith(")")):
        raise Mistake(f"{named!r}: write it as module:app or file.py:app, a factory as module:create_app")
    if call:
        called_with(arguments.removesuffix(")"))
    is_path = place.endswith(".py") or "/" in place or os.sep in place
    directory, module, file = _from_file(place) if is_path else _from_module(place)
    if call:
        return Target(directory, module, attribute, arguments.removesuffix(")"))
    attribute = attribute or _only_application(file, place)
    return Target(directory, module, attribute, "" if _is_factory(file, attribute) else None)


def called_with(arguments: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the values of the arguments of a factory. Raises Mistake if they are no literals."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        if isinstance(call, ast.Call):
            named = {item.arg: ast.literal_eval(item.value) for item in call.keywords if item.arg is not None}
            return [ast.literal_eval(item) for item in call.args], named
    except (SyntaxError, ValueError):
        pass
    raise Mistake(f"({arguments}): a factory's arguments must be literals, such as 'testing' or debug=True")


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _example() -> str | None:
    """Return a file here that seems to hold an application."""
    for path in sorted(Path().glob("*.py")):
        bound, made = _names(path)
        if path.stem.isidentifier() and (len(made) == 1 or not bound.isdisjoint(NAMES)):
            return path.name
    return None


def _hint(wrong: str, there: list[str]) -> str:
    close = difflib.get_close_matches(wrong, there, n=1)
    return f"; did you mean {close[0]}?" if close else ""


# ---------------------------------------------------------------- where it is


def _from_file(place: str) -> tuple[Path, str, Path]:
    path = Path(os.path.abspath(place))  # noqa: PTH100 - a link keeps its own place, resolve() would leave it
    if path.is_dir():
        path /= "__init__.py"
    if not path.is_file():
        siblings = [str(Path(place).with_name(other.name)) for other in path.parent.glob("*.py")]
        raise Mistake(f"there is no file {place}{_hint(place, siblings)}")
    names = [] if path.stem == "__init__" else [path.stem]
    directory = path.parent
    while (directory / "__init__.py").is_file():
        names.insert(0, directory.name)
        directory = directory.parent
    if _is_taken(names[0], path) and len(names) == 1:
        names.insert(0, directory.name)
        directory = directory.parent
    if directory != path.parent:
        # For those who import its siblings as if it were a script; last, so that these take no name away from Python.
        sys.path.append(str(path.parent))
    for name in names:
        if not _is_dotted_name(name):
            raise Mistake(f"{place} can not be imported: {name!r} is no name in Python; rename it")
    if _is_taken(names[0], path):
        raise Mistake(f"{place} can not be imported: another module is called {names[0]!r}; rename it")
    return directory, ".".join(names), path


def _is_taken(name: str, path: Path) -> bool:
    """Return whether a top-level name means another module than the one at, or around, a path."""
    if name in sys.stdlib_module_names:
        return True
    loaded = getattr(sys.modules.get(name), "__file__", None)
    return loaded is not None and Path(loaded) != path and Path(loaded).parent not in path.parents


def _from_module(module: str) -> tuple[Path, str, Path | None]:
    if not _is_dotted_name(module):
        raise Mistake(f"{module!r} is no name of a module; write it as package.module:app or file.py:app")
    here = Path.cwd()
    file = here / f"{module}.py"
    if file.is_file() and _is_taken(module, file):
        return _from_file(file.name)
    if str(here) not in sys.path:
        sys.path.insert(0, str(here))
    spec: ModuleSpec | None
    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except ValueError:  # a module without a spec, as __main__ may be
        spec = None
    for name in rest:
        if spec is not None:
            # Not importlib's find_spec, which would execute the package around the module.
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or ()))
    if spec is None:
        there = [path.stem for path in here.glob("*.py")] + [path.parent.name for path in here.glob("*/__init__.py")]
        raise Mistake(f"there is no module {module!r} in {here.name}/ or on the Python path{_hint(module, there)}")
    return here, module, Path(spec.origin) if spec.has_location and spec.origin else None


# ----------------------------------------------------------- what it is called


def _only_application(file: Path | None, place: str) -> str:
    """Return the name of the application in a module.

    A module that can not be read is taken to have the first of the usual names: importing it says what is wrong, and
    with --reload waits for the repair.
    """
    bound, made = _names(file) if file is not None and file.suffix == ".py" else (set(NAMES), [])
    for name in NAMES:
        if name in bound:
            return name
    if len(made) == 1:
        return made[0]
    for name in FACTORIES if not made else ():
        if name in bound:
            return name
    if made:
        raise Mistake(f"{place} has several applications; say which: {' or '.join(f'{place}:{n}' for n in made)}")
    raise Mistake(f"{place} has no `app` and no `application`; say what it is called: {place}:NAME")


def _names(file: Path) -> tuple[set[str], list[str]]:
    """Return the names that a file binds at its top level, and those made by calling an application class."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return set(NAMES), []
    bound: set[str] = set()
    made: dict[str, None] = {}
    for statement in _statements(body):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound.update((alias.asname or alias.name).partition(".")[0] for alias in names)
            case ast.Assign(targets=targets, value=value):
                found = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
                bound.update(found)
                made.update(dict.fromkeys(found if _makes_application(value) else ()))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                bound.add(name)
                made.update(dict.fromkeys([name] if _makes_application(value) else ()))
    return bound, list(made)


def _is_factory(file: Path | None, attribute: str) -> bool:
    """Say whether a name in a file is a plain function that can be called without arguments.

    An ASGI or WSGI application that is a function has parameters; a module that can not be read is not judged.
    """
    if file is None or file.suffix != ".py":
        return attribute in FACTORIES
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return attribute in FACTORIES
    judged = attribute in FACTORIES
    for statement in _statements(body):
        if isinstance(statement, ast.FunctionDef) and statement.name == attribute:
            given = statement.args
            needed = len(given.posonlyargs) + len(given.args) - len(given.defaults)
            judged = not (needed or any(default is None for default in given.kw_defaults))
    return judged


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Iterate over statements that run when a module is imported, also those under `if`, `try` and `with`."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)


def _makes_application(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    made = value.func
    return (made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")) in CLASSES
