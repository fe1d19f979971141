"""The values that requests and responses are made of, with the methods that Flask's users know from Werkzeug."""

from __future__ import annotations

import shutil
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from fenrir.flask.exceptions import BadRequestKeyError
from fenrir.http.headers import MutableHeaders, format_params, parse_dict_params, parse_list
from fenrir.http.media import Preference, best_match, parse_accept, quality
from fenrir.http.multidict import MultiDict

if TYPE_CHECKING:
    from asteri.exchange import Headers as ExchangeHeaders
    from fenrir.http.forms import FormFile

__all__ = [
    "Accept",
    "Authorization",
    "FileStorage",
    "HeaderSet",
    "Headers",
    "ImmutableMultiDict",
    "RequestHeaders",
    "UserAgent",
    "field_name",
]

V = TypeVar("V")

_SPELLED = {"etag": "ETag", "www-authenticate": "WWW-Authenticate", "te": "TE", "dnt": "DNT"}


def field_name(name: str) -> str:
    """Return a field's name as people write it; on the wire names are lower-case."""
    return _SPELLED.get(name) or name.title()


class ImmutableMultiDict(MultiDict[V]):
    """Several values per name; a name that is missing is the client's mistake (400)."""

    __slots__ = ()

    def __getitem__(self, name: str) -> V:
        values = self._lists().get(name)
        if not values:
            raise BadRequestKeyError(name)
        return values[0]

    def copy(self) -> ImmutableMultiDict[V]:
        """Return the values in an object of their own."""
        return type(self)(self._pairs)


class RequestHeaders(Mapping[str, str]):
    """The fields of a request; names in any case, several fields of one name joined by commas."""

    __slots__ = ("_headers",)

    def __init__(self, headers: ExchangeHeaders) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        values = self._headers.getall(name.lower())
        if not values:
            raise KeyError(name)
        return values[0] if len(values) == 1 else ("; " if name.lower() == "cookie" else ",").join(values)

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
        """Return a field, converted by `type`; the default if it is missing or can not be converted."""
        try:
            value = self[name]
            return value if type is None else type(value)
        except (KeyError, ValueError, TypeError):
            return default

    def getlist(self, name: str) -> list[str]:
        """Return all fields of a name."""
        return self._headers.getall(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._headers

    def __iter__(self) -> Iterator[Any]:
        # As upstream: iterating gives pairs.
        return ((field_name(name), value) for name, value in self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def keys(self) -> Any:
        """Iterate over the names."""
        return [field_name(name) for name, _ in self._headers]

    def values(self) -> Any:
        """Iterate over the values."""
        return [value for _, value in self._headers]

    def items(self) -> Any:
        """Iterate over (name, value)."""
        return [(field_name(name), value) for name, value in self._headers]

    def __str__(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self) + "\r\n"


class Headers:
    """The fields of a response, in order; a view of the headers of its reply."""

    __slots__ = ("_fields",)

    def __init__(
        self, fields: MutableHeaders | Headers | Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None
    ) -> None:
        if isinstance(fields, MutableHeaders):
            self._fields = fields
        else:
            self._fields = MutableHeaders()
            if fields is not None:
                self.extend(fields)

    @property
    def fields(self) -> MutableHeaders:
        """The headers of the reply."""
        return self._fields

    def __getitem__(self, name: str) -> str:
        value = self._fields.get(name)
        if value is None:
            raise BadRequestKeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._fields.set(name, _text(value))

    def __delitem__(self, name: str) -> None:
        self._fields.remove(name)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __len__(self) -> int:
        return len(self._fields)

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
        """Return the first field of a name, converted by `type`; the default if that fails."""
        value = self._fields.get(name)
        if value is None or type is None:
            return default if value is None else value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def getlist(self, name: str) -> list[str]:
        """Return all fields of a name."""
        return self._fields.getall(name)

    get_all = getlist

    def add(self, name: str, value: Any, /, **params: Any) -> None:
        """Append a field; keywords become its parameters (`filename="a.txt"`)."""
        text = _text(value)
        if params:
            named = {key.replace("_", "-"): str(item) for key, item in params.items() if item is not None}
            text = format_params(text, named)
        self._fields.add(name, text)

    add_header = add

    def set(self, name: str, value: Any, /, **params: Any) -> None:
        """Replace all fields of a name."""
        self._fields.remove(name)
        self.add(name, value, **params)

    def setdefault(self, name: str, value: Any) -> str:
        """Return a field, setting it first if it is missing."""
        return self._fields.setdefault(name, _text(value))

    def remove(self, name: str) -> None:
        """Remove all fields of a name."""
        self._fields.remove(name)

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a field and return it, or the default."""
        value = self._fields.get(name)
        if value is None:
            if default:
                return default[0]
            raise BadRequestKeyError(name)
        self._fields.remove(name)
        return value

    def clear(self) -> None:
        """Remove all fields."""
        self._fields.raw.clear()

    def extend(self, fields: Any = (), /, **named: Any) -> None:
        """Append fields; a list as a value is several fields."""
        for name, value in [*_pairs(fields), *named.items()]:
            self._fields.add(name, _text(value))

    def update(self, fields: Any = (), /, **named: Any) -> None:
        """Replace the fields of each name that is given."""
        seen: set[str] = set()
        for name, value in [*_pairs(fields), *named.items()]:
            if name.lower() in seen:
                self._fields.add(name, _text(value))
            else:
                self._fields.set(name, _text(value))
                seen.add(name.lower())

    def keys(self) -> list[str]:
        """Return the names."""
        return [field_name(name) for name in self._fields]

    def values(self) -> list[str]:
        """Return the values."""
        return self._fields.values()

    def items(self) -> list[tuple[str, str]]:
        """Return (name, value)."""
        return [(field_name(name), value) for name, value in self._fields.items()]

    to_wsgi_list = items

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _pairs(fields: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(fields, Headers):
        yield from fields.items()
        return
    for name, value in fields.items() if isinstance(fields, Mapping) else fields:
        if isinstance(value, list | tuple | set):
            yield from ((name, item) for item in value)
        else:
            yield name, value


class HeaderSet:
    """A field that is a set of words (`Vary`, `Allow`), written back when it changes."""

    def __init__(self, fields: MutableHeaders, name: str) -> None:
        self._fields = fields
        self._name = name

    def _words(self) -> list[str]:
        return [word for value in self._fields.getall(self._name) for word in parse_list(value)]

    def add(self, word: str) -> None:
        """Add a word, unless it is there in any case."""
        self.update([word])

    def update(self, words: Iterable[str]) -> None:
        """Add several words."""
        present = self._words()
        for word in words:
            if word.lower() not in map(str.lower, present):
                present.append(word)
        self._fields.set(self._name, ", ".join(present))

    def discard(self, word: str) -> None:
        """Remove a word if it is there."""
        rest = [item for item in self._words() if item.lower() != word.lower()]
        if rest:
            self._fields.set(self._name, ", ".join(rest))
        else:
            self._fields.remove(self._name)

    def to_header(self) -> str:
        """Return the words as the field has them."""
        return ", ".join(self._words())

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.lower() in map(str.lower, self._words())

    def __iter__(self) -> Iterator[str]:
        return iter(self._words())

    def __len__(self) -> int:
        return len(self._words())

    def __str__(self) -> str:
        return self.to_header()


class FileStorage:
    """One uploaded file; false if the form field was left empty.

    Attributes:
        filename: as the client sent it. SECURITY: never a path, see `secure_filename`.
    """

    def __init__(
        self,
        stream: IO[bytes],
        filename: str | None = None,
        name: str | None = None,
        content_type: str | None = None,
        headers: Headers | None = None,
        size: int = 0,
    ) -> None:
        self.stream = stream
        self.filename = filename
        self.name = name
        self.headers = headers if headers is not None else Headers()
        if content_type and "content-type" not in self.headers:
            self.headers["Content-Type"] = content_type
        self.size = size

    @classmethod
    def of(cls, part: FormFile) -> FileStorage:
        """Return the view of a part of a form."""
        return cls(part.file, part.filename, part.name, part.content_type, Headers(part.headers), part.size)

    @property
    def content_type(self) -> str | None:
        """The type that the client named, with parameters."""
        return self.headers.get("content-type")  # type: ignore[no-any-return]

    @property
    def mimetype(self) -> str:
        """The type without parameters, in lower case."""
        return parse_dict_params(self.content_type or "")[0].lower()

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the type."""
        return parse_dict_params(self.content_type or "")[1]

    @property
    def content_length(self) -> int:
        """The length that the client named, or 0."""
        return int(self.headers.get("content-length", 0, type=int))

    def save(self, dst: str | PathLike[str] | IO[bytes], buffer_size: int = 16384) -> None:
        """Copy the file to a path or into an open file."""
        if not isinstance(dst, str | PathLike):
            shutil.copyfileobj(self.stream, dst, buffer_size)
            return
        with Path(dst).open("wb") as target:
            shutil.copyfileobj(self.stream, target, buffer_size)

    def close(self) -> None:
        """Close the file; done by itself at the end of the request."""
        self.stream.close()

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __getattr__(self, name: str) -> Any:
        if name == "stream":
            raise AttributeError(name)
        return getattr(self.stream, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __repr__(self) -> str:
        return f"<FileStorage: {self.filename!r} ({self.content_type!r})>"


Match = Callable[[str | None, Sequence[str]], str | None]


class Accept:
    """What a client accepts, with its preferences.

    Args:
        match: finds the best of what is offered.
    """

    def __init__(self, header: str | None, match: Match = best_match) -> None:
        self._header = header
        self._match = match

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """Return the type that the client likes best, the first among equals."""
        found = self._match(self._header, list(matches)) if self._header else None
        return default if found is None else found

    def quality(self, key: str) -> float:
        """Return how much the client likes a type, 0 to 1."""
        if self._match is best_match:
            return quality(self._header, key)
        return next((item.q for item in self._ordered() if item.value in (key.lower(), "*")), 0)

    def values(self) -> Iterator[str]:
        """Iterate over the accepted types, the best first."""
        return (item.value for item in self._ordered())

    def _ordered(self) -> list[Preference]:
        return sorted(parse_accept(self._header or ""), key=lambda item: -item.q)

    @property
    def best(self) -> str | None:
        """The type that the client likes best."""
        return next(self.values(), None)

    @property
    def accept_html(self) -> bool:
        """HTML is welcome."""
        return "text/html" in self or "application/xhtml+xml" in self

    @property
    def accept_json(self) -> bool:
        """JSON is welcome."""
        return "application/json" in self

    def __contains__(self, key: str) -> bool:
        return self._header is not None and self.quality(key) > 0

    def __getitem__(self, key: str) -> float:
        return self.quality(key) if self._header is not None else 0

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return ((item.value, item.q) for item in self._ordered())

    def __bool__(self) -> bool:
        return bool(self._header)

    def __str__(self) -> str:
        return self._header or ""


class UserAgent:
    """The text in which a client names itself."""

    def __init__(self, string: str) -> None:
        self.string = string

    def to_header(self) -> str:
        """Return the text."""
        return self.string

    def __str__(self) -> str:
        return self.string

    def __bool__(self) -> bool:
        return bool(self.string)


class Authorization:
    """The credentials of a request.

    Attributes:
        type: the scheme, in lower case.
        parameters: user name and password of `basic`, or what the scheme names.
        token: of a scheme that has no parameters (`bearer`).
    """

    def __init__(self, type: str, parameters: dict[str, str] | None = None, token: str | None = None) -> None:
        self.type = type
        self.parameters = parameters or {}
        self.token = token

    @classmethod
    def from_header(cls, value: str | None) -> Authorization | None:
        """Return the credentials of a header, None if there are none or they are malformed."""
        scheme, _, rest = (value or "").partition(" ")
        kind, rest = scheme.lower(), rest.strip()
        if not kind:
            return None
        if kind == "basic":
            try:
                username, _, password = b64decode(rest, validate=True).decode().partition(":")
            except (Base64Error, UnicodeDecodeError, ValueError):
                return None
            return cls(kind, {"username": username, "password": password})
        if "=" in rest.rstrip("="):
            return cls(kind, parse_dict_params(f"x; {rest.replace(',', ';')}")[1])
        return cls(kind, None, rest)

    @property
    def username(self) -> str | None:
        """The user of `basic` and `digest`."""
        return self.parameters.get("username")

    @property
    def password(self) -> str | None:
        """The password of `basic`."""
        return self.parameters.get("password")

    def __getattr__(self, name: str) -> str | None:
        return self.__dict__.get("parameters", {}).get(name)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        # SECURITY: credentials are not shown.
        return f"<Authorization {self.type}>"
