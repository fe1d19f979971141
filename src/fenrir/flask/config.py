"""Configuration: a dictionary that can be filled from objects, files and the environment."""

from __future__ import annotations

import errno
import json
import os
import types
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from fenrir.flask.incidental import incidental

__all__ = ["Config", "ConfigAttribute", "default_config"]


def default_config() -> dict[str, Any]:
    """Return the keys that every application has, with their defaults."""
    return {
        "DEBUG": None,
        "TESTING": False,
        "PROPAGATE_EXCEPTIONS": None,
        "SECRET_KEY": None,
        "SECRET_KEY_FALLBACKS": None,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
        "USE_X_SENDFILE": False,
        "TRUSTED_HOSTS": None,
        "SERVER_NAME": None,
        "APPLICATION_ROOT": "/",
        "SESSION_COOKIE_NAME": "session",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": False,
        "SESSION_COOKIE_PARTITIONED": False,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_REFRESH_EACH_REQUEST": True,
        "MAX_CONTENT_LENGTH": None,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "SEND_FILE_MAX_AGE_DEFAULT": None,
        "TRAP_BAD_REQUEST_ERRORS": None,
        "TRAP_HTTP_EXCEPTIONS": False,
        "EXPLAIN_TEMPLATE_LOADING": False,
        "PREFERRED_URL_SCHEME": "http",
        "TEMPLATES_AUTO_RELOAD": None,
        "MAX_COOKIE_SIZE": 4093,
        "PROVIDE_AUTOMATIC_OPTIONS": True,
    }


class ConfigAttribute:
    """An attribute of the application that stands for a key of its configuration."""

    def __init__(self, name: str, get_converter: Callable[[Any], Any] | None = None) -> None:
        self.name = name
        self.get_converter = get_converter

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = obj.config[self.name]
        return self.get_converter(value) if self.get_converter is not None else value

    def __set__(self, obj: Any, value: Any) -> None:
        obj.config[self.name] = value


class Config(dict[str, Any]):
    """The configuration of an application; keys in capitals.

    Args:
        root_path: what the names of files are relative to.
    """

    def __init__(self, root_path: str | os.PathLike[str], defaults: Mapping[str, Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Read the file that an environment variable names. Raises RuntimeError if the variable is not set."""
        name = os.environ.get(variable_name)
        if not name:
            if silent:
                return False
            raise RuntimeError(
                f"The environment variable {variable_name!r} is not set and as such configuration could not be loaded."
                " Set this variable and make it point to a configuration file"
            )
        return self.from_pyfile(name, silent=silent)

    def from_prefixed_env(self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Read environment variables `PREFIX_KEY`, in order of their names.

        Values are JSON where they can be read so; `PREFIX_A__B` sets the key B in the dictionary A.
        """
        start = f"{prefix}_"
        for name in sorted(os.environ):
            if not name.startswith(start):
                continue
            value: Any = os.environ[name]
            try:
                value = loads(value)
            except Exception:
                pass  # text that is not JSON is meant as text, and `loads` may raise what it likes
            key = name.removeprefix(start)
            current: dict[str, Any] = self
            *parts, last = key.split("__")
            for part in parts:
                current = current.setdefault(part, {})
            current[last] = value
        return True

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take its names in capitals; `silent`: a missing file is no error."""
        path = Path(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = str(path)
        try:
            source = path.read_bytes()
        except OSError as error:
            if silent and error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
                return False
            error.strerror = f"Unable to load configuration file ({error.strerror})"
            raise
        exec(compile(source, str(path), "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Take the attributes in capitals of an object, a module or what an import string names."""
        source = _imported(obj) if isinstance(obj, str) else obj
        for key in dir(source):
            if key.isupper():
                self[key] = getattr(source, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Read a file by a function such as `tomllib.load` (with `text=False`) or `json.load`."""
        try:
            with Path(self.root_path, filename).open("r" if text else "rb") as file:
                loaded = load(file)
        except OSError as error:
            if silent and error.errno in (errno.ENOENT, errno.EISDIR):
                return False
            error.strerror = f"Unable to load configuration file ({error.strerror})"
            raise
        return self.from_mapping(loaded)

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Take the keys in capitals of a mapping, and of the keywords."""
        for key, value in {**dict(mapping or {}), **kwargs}.items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(self, namespace: str, lowercase: bool = True, trim_namespace: bool = True) -> dict[str, Any]:
        """Return the options whose keys begin with a prefix."""
        found = {}
        for key, value in self.items():
            if key.startswith(namespace):
                name = key.removeprefix(namespace) if trim_namespace else key
                found[name.lower() if lowercase else name] = value
        return found

    def __repr__(self) -> str:
        # SECURITY: values are not shown, a configuration holds keys and passwords.
        return f"<{type(self).__name__} {', '.join(sorted(self))}>"


def _imported(name: str) -> Any:
    """Return what `package.module` or `package.module.Name` (or with a colon) names."""
    path = name.replace(":", ".")
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        module, _, attribute = path.rpartition(".")
        if not module or error.name not in (path, module):
            raise
        try:
            return getattr(import_module(module), attribute)
        except AttributeError:
            raise ImportError(f"{module!r} has no attribute {attribute!r}") from None


__getattr__ = incidental(__name__)
