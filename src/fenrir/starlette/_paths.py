"""Patterns of paths and hosts: `/users/{name}`, `/files/{rest:path}`, `{tenant}.example.org`.

A pattern is compiled to a regular expression with a named group for each parameter, and to a format from which a URL is
built again. Only `{identifier}` and `{identifier:converter}` are parameters; other braces are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from fenrir.starlette.convertors import CONVERTOR_TYPES, Convertor
from fenrir.starlette.types import Scope

__all__ = [
    "PARAM_FORMAT_REGEX",
    "PARAM_REGEX",
    "Compiled",
    "compile_path",
    "get_name",
    "get_route_path",
    "matched_params",
    "replace_params",
]

PARAM_REGEX = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(:[a-zA-Z_][a-zA-Z0-9_]*)?\}")
PARAM_FORMAT_REGEX = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)\}")


def compile_path(path: str) -> tuple[re.Pattern[str], str, dict[str, Convertor[Any]]]:
    """Return the expression, the format and the converters of a pattern; one without a leading slash is a host.

    Raises:
        AssertionError: a converter is unknown.
        ValueError: a parameter is there twice.
    """
    expression, spelling, convertors = path_parts(path)
    # RFC 9110 §4.2.3: the host is case-insensitive.
    return re.compile(expression, 0 if path.startswith("/") else re.IGNORECASE), spelling, convertors


class Compiled:
    """The pattern of a route's path, compiled when it is asked for: on the engine nobody matches with it."""

    path: str
    path_format: str
    param_convertors: dict[str, Convertor[Any]]

    def _compile(self) -> None:
        """Read the path. Raises what `compile_path` raises."""
        self.__dict__.pop("path_regex", None)
        self._expression, self.path_format, self.param_convertors = path_parts(self.path)

    @cached_property
    def path_regex(self) -> re.Pattern[str]:
        """The expression of the path."""
        return re.compile(self._expression)


def path_parts(path: str) -> tuple[str, str, dict[str, Convertor[Any]]]:
    """Return what `compile_path` does, with the expression as text."""
    is_host = not path.startswith("/")
    expression: list[str] = ["^"]
    spelling: list[str] = []
    convertors: dict[str, Convertor[Any]] = {}
    twice: set[str] = set()
    end = 0
    for match in PARAM_REGEX.finditer(path):
        name, kind = match[1], (match[2] or ":str")[1:]
        assert kind in CONVERTOR_TYPES, f"Unknown path convertor '{kind}'"
        if name in convertors:
            twice.add(name)
        convertors[name] = CONVERTOR_TYPES[kind]
        literal = path[end : match.start()]
        expression += (re.escape(literal), f"(?P<{name}>{convertors[name].regex})")
        spelling += (literal, f"{{{name}}}")
        end = match.end()
    if twice:
        raise ValueError(
            f"Duplicated param name{'s' if len(twice) > 1 else ''} {', '.join(sorted(twice))} at path {path}"
        )
    rest = path[end:]
    spelling.append(rest)
    if is_host and not rest.endswith("]"):
        rest = rest.rsplit(":", 1)[0]  # a host is matched without its port
    expression.append(re.escape(rest) + "$")
    return "".join(expression), "".join(spelling), convertors


def matched_params(pattern: re.Pattern[str], convertors: dict[str, Convertor[Any]], text: str) -> dict[str, Any] | None:
    """Return the converted parameters of a text, None when the pattern does not match it."""
    match = pattern.match(text)
    if match is None:
        return None
    return {name: convertors[name].convert(value) for name, value in match.groupdict().items()}


def replace_params(
    path: str, param_convertors: dict[str, Convertor[Any]], path_params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Put parameters into a format; what is used is taken out of `path_params`, which is returned too."""

    def text(match: re.Match[str]) -> str:
        name = match[1]
        return param_convertors[name].to_string(path_params.pop(name)) if name in path_params else match[0]

    return PARAM_FORMAT_REGEX.sub(text, path), path_params


def get_name(endpoint: Callable[..., Any]) -> str:
    """Return the name of a route that has been given none."""
    name: str = getattr(endpoint, "__name__", type(endpoint).__name__)
    return name


def get_route_path(scope: Scope) -> str:
    """Return the path below the prefix at which the application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and path.startswith(root) and below[:1] in ("", "/") else path
