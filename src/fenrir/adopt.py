"""Adoption: `import flask` finds `fenrir.flask`, in programs that were written for the original and are not changed.

    import fenrir

    fenrir.adopt("flask")
    from flask import Flask  # fenrir.flask.Flask

What holds while a framework is adopted:

* There is one module object under both names: `sys.modules["flask.json"] is sys.modules["fenrir.flask.json"]`. So
  classes, patches of a test and pickles are the same under either.
* A module that the drop-in does not have is a `ModuleNotFoundError` that names both. The original is never imported,
  wherever it is installed, and a program that has imported it already can not adopt any more.
* `importlib.metadata.version("flask")` is the version of the original whose behaviour the drop-in has, whatever is
  installed: extensions choose their code by it. What lists all distributions lists what is installed.

Programs that can not be changed at all are started with it: `fenrir run --adopt flask module:app`, or for any other
program `python -m fenrir.adopt flask -m pytest`. Python processes that these start adopt the same (`children`).

This is the only file that touches `sys.meta_path`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

__all__ = ["FRAMEWORKS", "AdoptionError", "Framework", "adopt", "adopted", "inherit", "main"]

VARIABLE = "FENRIR_ADOPT"
STARTUP = str(Path(__file__).with_name("startup"))


class Framework(NamedTuple):
    """A framework for which there is a drop-in.

    Attributes:
        version: of the original, whose behaviour the drop-in has.
        along: what is adopted with it, because its applications import it as well.
    """

    version: str
    along: tuple[str, ...] = ()


# `fenrir.NAME` stands in for NAME, which is the module's name and the distribution's.
FRAMEWORKS = {
    "bottle": Framework("0.13.4"),
    "falcon": Framework("4.4.0"),
    "fastapi": Framework("0.165.0", along=("starlette",)),
    "flask": Framework("3.1.3"),
    "sanic": Framework("25.12.1"),
    "starlette": Framework("1.10.0"),
}


class AdoptionError(RuntimeError):
    """A framework is unknown, or it is too late to adopt it."""


def adopt(*names: str, children: bool = False) -> None:
    """Make `import NAME` find `fenrir.NAME`; adopting what is adopted already changes nothing.

    Args:
        names: frameworks; "fastapi" adopts "starlette" with it.
        children: Python processes that this one starts adopt them as well (by an environment variable and a
            `sitecustomize` first on their PYTHONPATH).

    Raises:
        AdoptionError: a name is unknown, or its original has been imported. Nothing is adopted then.
    """
    wanted = _with_companions(names)
    for name in wanted:
        _refuse_if_imported(name)
    _FINDER.names.update(wanted)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    if children:
        os.environ[VARIABLE] = ",".join(sorted(_FINDER.names))
        path = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != STARTUP]
        os.environ["PYTHONPATH"] = os.pathsep.join([STARTUP, *path])


def adopted() -> frozenset[str]:
    """Return the names that are adopted in this process."""
    return frozenset(_FINDER.names)


def inherit() -> None:
    """Adopt what the process that started this one adopted for its children."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    if names:
        adopt(*names)


def _with_companions(names: Iterable[str]) -> list[str]:
    wanted: dict[str, None] = {}
    for name in names:
        if name not in FRAMEWORKS:
            raise AdoptionError(f"{name!r} can not be adopted; there are {', '.join(FRAMEWORKS)}")
        wanted.update(dict.fromkeys((name, *FRAMEWORKS[name].along)))
    return list(wanted)


def _refuse_if_imported(name: str) -> None:
    for known, module in sorted(sys.modules.items()):
        if known.partition(".")[0] != name or module is None:
            continue
        if sys.modules.get(f"fenrir.{known}") is not module:
            place = getattr(module, "__file__", None) or "a place without a file"
            raise AdoptionError(
                f"{known} has been imported already, from {place}: adopt {name!r} before anything imports it "
                f"(or start the program with `python -m fenrir.adopt {name}`)"
            )


class _Loader(Loader):
    """Gives the module of another name: it is made, found or half made already, and never executed again."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.target)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has just put the spec of the other name there

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module, for `python -m`."""
        loader: Any = _located(self.target).loader
        code: CodeType | None = loader.get_code(self.target)
        return code


class _Finder(MetaPathFinder):
    """Answers for adopted names, first of all finders, and for no other."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.names:
            return None
        ours = f"fenrir.{fullname}"
        try:
            found = _located(ours)
        except ModuleNotFoundError:
            # Not None: the next finder would look, and could find the original's.
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: it is adopted, and there is no {ours!r}", name=fullname
            ) from None
        spec = ModuleSpec(fullname, _Loader(ours), origin=found.origin)
        spec.submodule_search_locations = found.submodule_search_locations
        return spec

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """Answer who asks for the distribution by its name."""
        name = re.sub(r"[-_.]+", "-", context.name or "").lower()
        return [_distribution(name)] if name in self.names else []

    def invalidate_caches(self) -> None:
        """Do nothing: nothing is kept."""


def _located(target: str) -> ModuleSpec:
    """Return the spec of a module of ours, whose package is imported already when there is one."""
    try:
        spec = importlib.util.find_spec(target)
    except ValueError:  # it was put into sys.modules by hand, without a spec
        spec = ModuleSpec(target, None)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {target!r}", name=target)
    return spec


def _distribution(name: str) -> Distribution:
    # importlib.metadata is a large import, and most programs never ask.
    from importlib.metadata import Distribution

    class Adopted(Distribution):
        def read_text(self, filename: str) -> str | None:
            if filename != "METADATA":
                return None
            version = FRAMEWORKS[name].version
            return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: fenrir.{name}, adopted\n"

        def locate_file(self, path: Any) -> Any:
            return Path(__file__).parent / path

    return Adopted()


_FINDER = _Finder()


class _Callable(ModuleType):
    """The type of this module: the module and its function have one name, and both can be called."""

    def __call__(self, *names: str, children: bool = False) -> None:
        adopt(*names, children=children)


sys.modules[__name__].__class__ = _Callable


# -------------------------------------------------------- python -m fenrir.adopt

USAGE = """\
usage: python -m fenrir.adopt NAME[,NAME] (-m MODULE | FILE) [ARGUMENT ...]

Runs a module or a file in which `import NAME` finds fenrir.NAME, as do the Python processes that it starts.
NAME is one of {names}; fastapi includes starlette."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run another program with frameworks adopted, as `python` would run it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["-h"], ["--help"]):
        print(USAGE.format(names=", ".join(FRAMEWORKS)))
        sys.exit(0)
    if len(given) < 2 or given[0].startswith("-") or given[1:] == ["-m"] or (given[1] != "-m" and given[1][:1] == "-"):
        sys.exit(USAGE.format(names=", ".join(FRAMEWORKS)))
    try:
        adopt(*given.pop(0).split(","), children=True)
    except AdoptionError as error:
        sys.exit(f"error: {error}")
    import runpy

    if given[0] == "-m":
        sys.argv = given[1:]
        runpy.run_module(given[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = given
        sys.path[0] = str(Path(given[0]).resolve().parent)
        runpy.run_path(given[0], run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    # This module is `__main__` now; what is adopted is kept by the one that others import.
    importlib.import_module("fenrir.adopt").main()
