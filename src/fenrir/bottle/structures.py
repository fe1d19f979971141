"""Bottle's dictionaries: several values per name, the last one counts."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from fenrir.bottle.text import touni

__all__ = ["ConfigDict", "FileUpload", "FormsDict", "HeaderDict", "MultiDict", "WSGIHeaderDict"]


class MultiDict(MutableMapping[Any, Any]):
    """Values by name; an item is the newest of its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.dict: dict[Any, list[Any]] = {}
        pairs = args[0] if args else ()
        for key, value in list(pairs.items() if hasattr(pairs, "items") else pairs) + list(kwargs.items()):
            self.dict[key] = [value]

    def __len__(self) -> int:
        return len(self.dict)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.dict)

    def __contains__(self, key: object) -> bool:
        return key in self.dict

    def __delitem__(self, key: Any) -> None:
        del self.dict[key]

    def __getitem__(self, key: Any) -> Any:
        return self.dict[key][-1]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.append(key, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.dict!r}>"

    def allitems(self) -> Iterator[tuple[Any, Any]]:
        """Iterate over all (name, value)."""
        return ((key, value) for key, values in self.dict.items() for value in values)

    iterallitems = allitems

    def get(self, key: Any, default: Any = None, index: int = -1, type: Callable[[Any], Any] | None = None) -> Any:
        """Return a value of a name; the default also when `type` refuses it."""
        try:
            value = self.dict[key][index]
            return type(value) if type else value
        except (KeyError, IndexError, ValueError, TypeError):
            return default

    def append(self, key: Any, value: Any) -> None:
        """Add a value, keeping the others of its name."""
        self.dict.setdefault(key, []).append(value)

    def replace(self, key: Any, value: Any) -> None:
        """Replace all values of a name."""
        self.dict[key] = [value]

    def getall(self, key: Any) -> list[Any]:
        """Return all values of a name."""
        return self.dict.get(key) or []

    getone = get
    getlist = getall


class FormsDict(MultiDict):
    """Fields of a form, also as attributes; a missing attribute is an empty string.

    Items are as WSGI has them: bytes written as characters of latin-1. Attributes, `getunicode` and `decode` give the
    text that was meant. `recode_unicode` False says that items are that text already (a multipart form).
    """

    input_encoding = "utf8"
    recode_unicode = True

    def decode(self, encoding: str | None = None) -> FormsDict:
        """Return a copy."""
        copy = FormsDict()
        copy.recode_unicode = False
        for key, value in self.allitems():
            copy.append(self._fix(key, encoding), self._fix(value, encoding))
        return copy

    def _fix(self, value: Any, encoding: str | None = None) -> Any:
        if isinstance(value, str) and self.recode_unicode:
            value = value.encode("latin-1")
        return value.decode(encoding or self.input_encoding) if isinstance(value, bytes) else value

    def getunicode(self, name: str, default: Any = None, encoding: str | None = None) -> Any:
        """Return the newest value of a name as text."""
        try:
            return self._fix(self[name], encoding)
        except (UnicodeError, KeyError):
            return default

    def __getattr__(self, name: str) -> Any:
        if (name.startswith("__") and name.endswith("__")) or name == "dict":
            raise AttributeError(name)
        return self.getunicode(name, default="")


def header_key(key: str) -> str:
    """Return a header's name as Bottle spells it. Raises `ValueError`."""
    if any(char in key for char in "\n\r\0"):
        raise ValueError(f"Header names must not contain control characters: {key!r}")
    return key.title().replace("_", "-")


def header_value(value: Any) -> str:
    """Return a header's value as text. Raises `ValueError`."""
    text = touni(value)
    if any(char in text for char in "\n\r\0"):
        raise ValueError(f"Header value must not contain control characters: {text!r}")
    return text


class HeaderDict(MultiDict):
    """Header fields; an assignment replaces."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.dict = {}
        self.update(*args, **kwargs)

    def __contains__(self, key: object) -> bool:
        return header_key(str(key)) in self.dict

    def __delitem__(self, key: str) -> None:
        del self.dict[header_key(key)]

    def __getitem__(self, key: str) -> Any:
        return self.dict[header_key(key)][-1]

    def __setitem__(self, key: str, value: Any) -> None:
        self.dict[header_key(key)] = [header_value(value)]

    def append(self, key: str, value: Any) -> None:
        """Add a field, keeping the others of its name."""
        self.dict.setdefault(header_key(key), []).append(header_value(value))

    def replace(self, key: str, value: Any) -> None:
        """Replace a field."""
        self[key] = value

    def getall(self, key: str) -> list[Any]:
        """Return all values of a field."""
        return self.dict.get(header_key(key)) or []

    def get(self, key: str, default: Any = None, index: int = -1, type: Any = None) -> Any:
        """Return a value of a field."""
        return MultiDict.get(self, header_key(key), default, index, type)

    def filter(self, names: Iterable[str]) -> None:
        """Remove fields by name."""
        for name in names:
            self.dict.pop(header_key(name), None)


class WSGIHeaderDict(MutableMapping[str, Any]):
    """The request headers in a WSGI environ; read only."""

    cgikeys = ("CONTENT_TYPE", "CONTENT_LENGTH")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ

    def _key(self, key: str) -> str:
        key = key.replace("-", "_").upper()
        return key if key in self.cgikeys else "HTTP_" + key

    def raw(self, key: str, default: Any = None) -> Any:
        """Return a field as the environ has it."""
        return self.environ.get(self._key(key), default)

    def __getitem__(self, key: str) -> Any:
        value = self.environ[self._key(key)]
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        try:
            return value.encode("latin-1").decode("utf8")
        except UnicodeError:
            return value

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError(f"{type(self).__name__} is read-only.")

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"{type(self).__name__} is read-only.")

    def __iter__(self) -> Iterator[str]:
        for key in self.environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").title()
            elif key in self.cgikeys:
                yield key.replace("_", "-").title()

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, key: object) -> bool:
        return self._key(str(key)) in self.environ


class ConfigDict(dict[str, Any]):
    """Configuration with dotted names."""

    def load_dict(self, source: dict[str, Any], namespace: str = "") -> ConfigDict:
        """Take over a nested dictionary: {'a': {'b': 1}} becomes {'a.b': 1}."""
        for key, value in source.items():
            if not isinstance(key, str):
                raise TypeError(f"Key has type {type(key)!r} (not a string)")
            full = f"{namespace}.{key}" if namespace else key
            if isinstance(value, dict):
                self.load_dict(value, full)
            else:
                self[full] = value
        return self


class FileUpload:
    """An uploaded file.

    Attributes:
        raw_filename: as the client sent it. SECURITY: never use it as a path; `filename` is safe.
    """

    def __init__(self, fileobj: Any, name: str, filename: str, headers: Any = None) -> None:
        self.file = fileobj
        self.name = name
        self.raw_filename = filename
        self.headers = HeaderDict(headers) if headers else HeaderDict()

    @property
    def content_type(self) -> str:
        """The content type that the client named."""
        return str(self.headers.get("Content-Type", ""))

    @property
    def content_length(self) -> int:
        """The length that the client named, -1 if it named none."""
        return int(self.headers.get("Content-Length", -1))

    def get_header(self, name: str, default: Any = None) -> Any:
        """Return a header of the part."""
        return self.headers.get(name, default)

    @property
    def filename(self) -> str:
        """The file's name made safe for file systems; "empty" when nothing is left of it."""
        name = unicodedata.normalize("NFKD", touni(self.raw_filename, err="ignore"))
        name = name.encode("ascii", "ignore").decode("ascii").replace("\\", "/").rpartition("/")[2]
        name = re.sub(r"[^a-zA-Z0-9-_.\s]", "", name).strip()
        name = re.sub(r"[-\s]+", "-", name).strip(".-")
        return name[:255] or "empty"

    def save(self, destination: Any, overwrite: bool = False, chunk_size: int = 1 << 16) -> None:
        """Write the file to a path, into a directory or to an open file. Raises `OSError` if it exists."""
        if not isinstance(destination, str | os.PathLike):
            self._copy(destination, chunk_size)
            return
        path = Path(destination)
        if path.is_dir():
            path /= self.filename
        if not overwrite and path.exists():
            raise OSError("File exists.")
        with path.open("wb") as opened:
            self._copy(opened, chunk_size)

    def _copy(self, target: Any, chunk_size: int) -> None:
        offset = self.file.tell()
        while piece := self.file.read(chunk_size):
            target.write(piece)
        self.file.seek(offset)
