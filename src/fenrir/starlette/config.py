"""Configuration from the environment and from a file of `NAME=value` lines; the environment wins."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeVar, overload

__all__ = ["Config", "Environ", "EnvironError", "environ", "undefined"]

T = TypeVar("T")

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class undefined:
    """Stands for a default that was not given."""


class EnvironError(Exception):
    """A variable was changed that somebody has read before."""


class Environ(MutableMapping[str, str]):
    """The environment, in which nothing can be changed that was read."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._has_been_read: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self._has_been_read.add(key)
        return self._environ[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._check_unread(key, "set")
        self._environ[key] = value

    def __delitem__(self, key: str) -> None:
        self._check_unread(key, "delete")
        del self._environ[key]

    def _check_unread(self, key: str, verb: str) -> None:
        if key in self._has_been_read:
            raise EnvironError(f"Attempting to {verb} environ['{key}'], but the value has already been read.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


environ = Environ()


class Config:
    """Values by name, each passed through `cast`."""

    def __init__(
        self,
        env_file: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] = environ,
        env_prefix: str = "",
        encoding: str = "utf-8",
    ) -> None:
        self.environ = environ
        self.env_prefix = env_prefix
        self.file_values: dict[str, str] = {}
        if env_file is None:
            return
        if Path(env_file).is_file():
            self.file_values = self._read_file(env_file, encoding)
        else:
            warnings.warn(f"Config file '{env_file}' not found.", stacklevel=2)

    @overload
    def __call__(self, key: str, *, default: None) -> str | None: ...
    @overload
    def __call__(self, key: str, cast: type[T], default: T = ...) -> T: ...
    @overload
    def __call__(self, key: str, cast: type[str] = ..., default: str = ...) -> str: ...
    @overload
    def __call__(self, key: str, cast: Callable[[Any], T] = ..., default: Any = ...) -> T: ...
    @overload
    def __call__(self, key: str, cast: type[str] = ..., default: T = ...) -> T | str: ...
    def __call__(self, key: str, cast: Callable[[Any], Any] | None = None, default: Any = undefined) -> Any:
        """Return a value; see `get`."""
        return self.get(key, cast, default)

    def get(self, key: str, cast: Callable[[Any], Any] | None = None, default: Any = undefined) -> Any:
        """Return the value of a name, or the default, passed through `cast`.

        Raises:
            KeyError: there is none.
            ValueError: `cast` refuses it.
        """
        key = self.env_prefix + key
        value = self.environ[key] if key in self.environ else self.file_values.get(key, default)
        if value is undefined:
            raise KeyError(f"Config '{key}' is missing, and has no default.")
        return self._perform_cast(key, value, cast)

    def _read_file(self, file_name: str | os.PathLike[str], encoding: str) -> dict[str, str]:
        values: dict[str, str] = {}
        for line in Path(file_name).read_text(encoding=encoding).splitlines():
            name, equals, value = line.strip().partition("=")
            if not equals or name.startswith("#"):
                continue
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            values[name.strip()] = value
        return values

    def _perform_cast(self, key: str, value: Any, cast: Callable[[Any], Any] | None = None) -> Any:
        if cast is None or value is None:
            return value
        if cast is bool and isinstance(value, str):
            value = value.lower()
            if value not in _BOOLEANS:
                raise ValueError(f"Config '{key}' has value '{value}'. Not a valid bool.")
            return _BOOLEANS[value]
        try:
            return cast(value)
        except (TypeError, ValueError) as error:
            name = getattr(cast, "__name__", repr(cast))
            raise ValueError(f"Config '{key}' has value '{value}'. Not a valid {name}.") from error
