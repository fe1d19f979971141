"""Sanic's configuration: a dictionary with attributes, filled from SANIC_ variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fenrir.sanic.exceptions import LoadFileException, SanicException

__all__ = ["DEFAULT_CONFIG", "SANIC_PREFIX", "Config"]

SANIC_PREFIX = "SANIC_"
FORMATS = ("auto", "text", "json", "html")

DEFAULT_CONFIG: dict[str, Any] = {
    "ACCESS_LOG": False,
    "AUTO_RELOAD": False,
    "FALLBACK_ERROR_FORMAT": "auto",
    "FORWARDED_FOR_HEADER": "X-Forwarded-For",
    "GRACEFUL_SHUTDOWN_TIMEOUT": 15.0,
    "KEEP_ALIVE": True,
    "KEEP_ALIVE_TIMEOUT": 120,
    "NOISY_EXCEPTIONS": False,
    "PROXIES_COUNT": None,
    "REAL_IP_HEADER": None,
    "REQUEST_ID_HEADER": "X-Request-ID",
    "REQUEST_MAX_SIZE": 100_000_000,
}

_TRUE = frozenset({"y", "yes", "yep", "yup", "t", "true", "on", "enable", "enabled", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "disable", "disabled", "0"})


def str_to_bool(text: str) -> bool:
    """Read a truth value as the environment spells it. Raises `ValueError`."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"Invalid truth value {text!r}")


class Config(dict[str, Any]):
    """The configuration.

    Args:
        defaults: over the built-in ones.
        env_prefix: of the environment's variables that are read; "" or None for none.
        converters: tried on texts of the environment before bool, int and float.
    """

    def __init__(
        self,
        defaults: Mapping[str, Any] | None = None,
        env_prefix: str | None = SANIC_PREFIX,
        *,
        converters: tuple[Callable[[str], Any], ...] = (),
    ) -> None:
        super().__init__({**DEFAULT_CONFIG, **(defaults or {})})
        self.__dict__["_converters"] = [str_to_bool, float, int, *converters]
        self.__dict__["_watchers"] = []
        if env_prefix:
            self.load_environment_vars(env_prefix)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"Config has no '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if name == "FALLBACK_ERROR_FORMAT" and value not in FORMATS:
            raise SanicException(f"Unknown format: {value}")
        super().__setitem__(name, value)
        for watcher in self._watchers:
            watcher(name, value)

    def update(self, *others: Any, **values: Any) -> None:
        """Set several options."""
        for other in (*others, values):
            for name, value in dict(other).items():
                self[name] = value

    def watch(self, watcher: Callable[[str, Any], None]) -> None:
        """Have `watcher` called for every option, now and whenever it changes."""
        self._watchers.append(watcher)
        for name, value in self.items():
            watcher(name, value)

    def register_type(self, converter: Callable[[str], Any]) -> None:
        """Add a converter for texts of the environment; the last one added is asked first."""
        if converter in self._converters:
            return
        self._converters.append(converter)

    def load_environment_vars(self, prefix: str = SANIC_PREFIX) -> None:
        """Read the variables of the environment that begin with a prefix."""
        for key, text in os.environ.items():
            if not key.startswith(prefix) or not key.isupper():
                continue
            self[key[len(prefix) :]] = self._converted(text)

    def _converted(self, text: str) -> Any:
        # 1 and 0 are truth values in the list, but numbers in the environment: the last converter that fits wins.
        for converter in reversed(self._converters):
            try:
                return converter(text)
            except ValueError:
                continue
        return text

    def update_config(self, config: Any) -> None:
        """Set the upper-case names of a mapping, an object, or a Python file.

        Raises:
            LoadFileException: the file can not be read.
        """
        if isinstance(config, bytes | str | Path):
            config = _executed(Path(os.fsdecode(os.path.expandvars(config))))
        names = config if isinstance(config, Mapping) else {name: getattr(config, name) for name in dir(config)}
        self.update({name: value for name, value in names.items() if name.isupper()})


def _executed(path: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__file__": str(path)}
    try:
        source = path.read_bytes()
    except OSError as exc:
        raise LoadFileException(f"Unable to load configuration {path}: {exc.strerror}") from exc
    exec(compile(source, str(path), "exec"), names)  # the user's own configuration file
    return names
