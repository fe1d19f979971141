"""How an application writes and reads JSON; replace `app.json` to change it."""

from __future__ import annotations

import dataclasses
import decimal
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any
from weakref import proxy

from fenrir.flask.incidental import incidental
from fenrir.http.dates import format_date
from fenrir.http.json import loads as strict_loads

if TYPE_CHECKING:
    from fenrir.flask.response import Response

__all__ = ["DefaultJSONProvider", "JSONProvider"]


class JSONProvider:
    """The interface: `dumps` and `loads` are enough."""

    def __init__(self, app: Any) -> None:
        self._app: Any = None if app is None else proxy(app)  # no cycle: an application is freed when nobody holds it

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return a value as JSON."""
        raise NotImplementedError

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        """Write a value as JSON into a file."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text."""
        raise NotImplementedError

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        """Return the value of a file of JSON."""
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and kwargs:
            raise TypeError("app.json.response() takes either args or kwargs, not both")
        if not args and not kwargs:
            return None
        return args[0] if len(args) == 1 else args or kwargs

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a JSON response of one value, of several as a list, or of the keywords as an object."""
        response: Response = self._app.response_class(
            self.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json"
        )
        return response


def _default(o: Any) -> Any:
    """Return what JSON knows for dates, decimals, UUIDs, dataclasses, mappings and objects with `__html__`."""
    if isinstance(o, datetime):
        return format_date(o)
    if isinstance(o, date):
        return format_date(datetime(o.year, o.month, o.day, tzinfo=UTC))
    if isinstance(o, decimal.Decimal | uuid.UUID):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    if hasattr(o, "__html__"):
        return str(o.__html__())
    if isinstance(o, Mapping):
        return dict(o)
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


def _encoder(default: Callable[[Any], Any], ascii: bool, sort_keys: bool, indented: bool) -> Callable[[Any], str]:
    """Return the function that makes what `json.dumps` makes with the same choices.

    PERF: the encoder that the standard library makes for each call, made once and without its register of what it is in
    the middle of: 0.6 us instead of 2.3 for a small object (timeit, CPython 3.11).
    """
    whole = json.JSONEncoder(
        default=default,
        ensure_ascii=ascii,
        sort_keys=sort_keys,
        indent=2 if indented else None,
        separators=None if indented else (",", ":"),
    ).encode
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None or indented:
        return whole
    escape = json.encoder.encode_basestring_ascii if ascii else json.encoder.encode_basestring
    quick = make(None, default, escape, None, ":", ",", sort_keys, False, True)

    def encode(value: Any) -> str:
        try:
            return "".join(quick(value, 0))
        except RecursionError:
            return whole(value)  # says whether it goes round in a circle

    return encode


class DefaultJSONProvider(JSONProvider):
    """The standard library's JSON.

    Attributes:
        default: called for values that JSON does not know.
        strict: hold what is read to RFC 8259: no NaN, no lone surrogates.
        compact: no spaces in responses; None: unless in debug mode, where responses are indented.
    """

    default: Callable[[Any], Any] = staticmethod(_default)
    ensure_ascii = True
    sort_keys = True
    compact: bool | None = None
    strict = False
    mimetype = "application/json"
    _made: tuple[Any, ...] = ()
    _encode: Callable[[Any], str]

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return a value as JSON; keywords are those of `json.dumps`."""
        options = {
            "default": self.default,
            "ensure_ascii": self.ensure_ascii,
            "sort_keys": self.sort_keys,
            **kwargs,
        }
        return json.dumps(obj, **options)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text; keywords are those of `json.loads`. Raises ValueError if it is none."""
        if not kwargs:
            try:
                return strict_loads(s)
            except ValueError:
                if self.strict:
                    raise
                # The standard library, which is upstream's, takes more: NaN, lone surrogates, UTF-16
        try:
            return json.loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def body(self, value: Any) -> bytes:
        """Return what `response` sends for one value."""
        indented = self._app.debug if self.compact is None else not self.compact
        made = self.default, self.ensure_ascii, self.sort_keys, indented
        if self._made != made:
            self._encode = _encoder(self.default, self.ensure_ascii, self.sort_keys, indented)
            self._made = made
        return f"{self._encode(value)}\n".encode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a JSON response, ending with a line feed."""
        indented = self._app.debug if self.compact is None else not self.compact
        options: dict[str, Any] = {"indent": 2} if indented else {"separators": (",", ":")}
        text = self.dumps(self._prepare_response_obj(args, kwargs), **options)
        response: Response = self._app.response_class(f"{text}\n", mimetype=self.mimetype)
        return response


__getattr__ = incidental(__name__)
