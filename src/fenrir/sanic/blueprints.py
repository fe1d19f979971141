"""Blueprints: declarations that wait for an application, and groups of blueprints.

Registering a blueprint twice, or in two applications, is allowed: what is registered is resolved anew each time, with
the options of that registration.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence
from typing import Any

from fenrir.sanic.exceptions import SanicException
from fenrir.sanic.registrar import Declaration, Registrar, RouteDeclaration, StaticDeclaration

__all__ = ["Blueprint", "BlueprintGroup"]

Version = int | str | float | None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _joined(prefix: str | None, uri: str) -> str:
    if not prefix:
        return uri
    joined = prefix + (uri[1:] if prefix.endswith("/") and uri.startswith("/") else uri)
    return joined[1:] if joined.startswith("//") else joined


class Blueprint(Registrar):
    """A part of an application: routes, middleware, exception handlers, listeners.

    Args:
        url_prefix: before the paths of its routes.
        version: of the API, put before the prefix as `/v1`.
    """

    def __init__(
        self,
        name: str,
        url_prefix: str | None = None,
        *,
        version: Version = None,
        strict_slashes: bool | None = None,
        version_prefix: str = "/v",
    ) -> None:
        if not isinstance(name, str) or (not name.isidentifier() and not name.replace("-", "_").isidentifier()):
            raise SanicException(f"Blueprint instance named '{name}' uses an invalid format.")
        self.name: str = name
        self.url_prefix = url_prefix[:-1] if url_prefix and url_prefix.endswith("/") else url_prefix
        self.version = version
        self.strict_slashes = strict_slashes
        self.version_prefix = version_prefix
        self.registered = False
        self._declarations: list[Declaration] = []

    def __repr__(self) -> str:
        return f'Blueprint(name="{self.name}", url_prefix={self.url_prefix!r}, version={self.version!r})'

    def _declare(self, declaration: Declaration) -> None:
        if self.registered:
            raise SanicException(
                f"{self.name!r} is registered already; what is added to it now would not reach the application"
            )
        self._declarations.append(declaration)

    def copy(
        self,
        name: str,
        url_prefix: str | None = None,
        version: Version = None,
        version_prefix: str | None = None,
        strict_slashes: bool | None = None,
    ) -> Blueprint:
        """Return a blueprint with the same declarations under another name."""
        new = copy.copy(self)
        new.name = name
        new.registered = False
        new.url_prefix = url_prefix if url_prefix is not None else self.url_prefix
        new.version = version if version is not None else self.version
        new.version_prefix = version_prefix if version_prefix is not None else self.version_prefix
        new.strict_slashes = strict_slashes if strict_slashes is not None else self.strict_slashes
        new._declarations = [
            dataclasses.replace(one, name=one.name.replace(f"{self.name}.", f"{name}.", 1))
            if isinstance(one, RouteDeclaration | StaticDeclaration)
            else one
            for one in self._declarations
        ]
        return new

    @staticmethod
    def group(
        *blueprints: Blueprint | BlueprintGroup,
        url_prefix: str | None = None,
        version: Version = None,
        strict_slashes: bool | None = None,
        version_prefix: str = "/v",
        name_prefix: str = "",
    ) -> BlueprintGroup:
        """Return a group of blueprints under a common prefix."""
        group = BlueprintGroup(url_prefix, version, strict_slashes, version_prefix, name_prefix)
        group.extend(blueprints)
        return group

    def resolved(self, options: Mapping[str, Any], name_of: Callable[[str], str]) -> Iterator[Declaration]:
        """Iterate over the declarations as one registration with these options makes them.

        Args:
            name_of: the full name of a route in the application.
        """
        prefix = options.get("url_prefix", self.url_prefix)
        name_prefix = options.get("name_prefix")
        for declaration in self._declarations:
            match declaration:
                case RouteDeclaration():
                    name = f"{name_prefix}_{declaration.name}" if name_prefix else declaration.name
                    yield dataclasses.replace(
                        declaration,
                        uri=_joined(prefix, declaration.uri),
                        name=name_of(name),
                        version=_first(declaration.version, options.get("version"), self.version),
                        version_prefix=next(
                            (
                                one
                                for one in (declaration.version_prefix, options.get("version_prefix"))
                                if one and one != "/v"
                            ),
                            self.version_prefix,
                        ),
                        strict_slashes=_first(
                            declaration.strict_slashes, options.get("strict_slashes"), self.strict_slashes
                        ),
                    )
                case StaticDeclaration():
                    yield dataclasses.replace(
                        declaration, uri=_joined(prefix, declaration.uri), name=name_of(declaration.name)
                    )
                case _:
                    yield declaration


class BlueprintGroup(MutableSequence[Any]):
    """Several blueprints under a common prefix, with middleware and exception handlers for all of them."""

    def __init__(
        self,
        url_prefix: str | None = None,
        version: Version = None,
        strict_slashes: bool | None = None,
        version_prefix: str = "/v",
        name_prefix: str = "",
    ) -> None:
        self.url_prefix = url_prefix
        self.version = version
        self.strict_slashes = strict_slashes
        self.version_prefix = version_prefix
        self.name_prefix = name_prefix
        self._members: list[Blueprint | BlueprintGroup] = []

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:
        return self._members[index]

    def __setitem__(self, index: Any, member: Any) -> None:
        self._members[index] = member

    def __delitem__(self, index: Any) -> None:
        del self._members[index]

    def insert(self, index: int, value: Any) -> None:
        """Insert a blueprint or a group."""
        self._members.insert(index, value)

    @property
    def blueprints(self) -> list[Blueprint]:
        """All blueprints, those of inner groups included."""
        return [bp for bp, _ in self._walk()]

    def _walk(self) -> Iterable[tuple[Blueprint, tuple[BlueprintGroup, ...]]]:
        for member in self._members:
            if isinstance(member, BlueprintGroup):
                for bp, groups in member._walk():
                    yield bp, (self, *groups)
            else:
                yield member, (self,)

    def options_of(self, blueprint: Blueprint) -> dict[str, Any]:
        """Return the options with which a member is registered; the outer prefix comes first."""
        groups = next(groups for bp, groups in self._walk() if bp is blueprint)
        prefix = "".join(group.url_prefix or "" for group in groups) + (blueprint.url_prefix or "")
        versions = [blueprint.version, *(group.version for group in reversed(groups))]
        prefixes = [blueprint.version_prefix, *(group.version_prefix for group in reversed(groups))]
        names = "_".join(group.name_prefix for group in groups if group.name_prefix)
        return {
            "url_prefix": prefix or None,
            "version": _first(*versions),
            "version_prefix": next((one for one in prefixes if one != "/v"), "/v"),
            "strict_slashes": _first(blueprint.strict_slashes, *(group.strict_slashes for group in reversed(groups))),
            **({"name_prefix": names} if names else {}),
        }

    def middleware(self, *args: Any, **options: Any) -> Any:
        """Register middleware for all members; used as on an application."""
        if callable(args[0]):
            for bp in self.blueprints:
                bp.register_middleware(*args, **options)
            return args[0]

        def decorator(call: Any) -> Any:
            for bp in self.blueprints:
                bp.register_middleware(call, *args, **options)
            return call

        return decorator

    def on_request(self, middleware: Any = None) -> Any:
        """Register middleware before the handlers of all members."""
        return self.middleware(middleware, "request") if callable(middleware) else self.middleware("request")

    def on_response(self, middleware: Any = None) -> Any:
        """Register middleware after the handlers of all members."""
        return self.middleware(middleware, "response") if callable(middleware) else self.middleware("response")

    def exception(self, *exceptions: Any) -> Any:
        """Register an exception handler for all members."""

        def decorator(call: Any) -> Any:
            for bp in self.blueprints:
                bp.exception(*exceptions)(call)
            return call

        return decorator
