"""Parameters of the query: text by name, with conversions whose failures are the client's errors."""

from __future__ import annotations

import io
from collections.abc import Callable, MutableMapping
from datetime import date as Date
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from fenrir.falcon.constants import DEFAULT_MEDIA_TYPE, FALSE_STRINGS, MEDIA_JSON, TRUE_STRINGS
from fenrir.falcon.errors import HTTPBadRequest, HTTPInvalidParam, HTTPMissingParam
from fenrir.falcon.media.base import BaseHandler
from fenrir.falcon.media.handlers import Handlers
from fenrir.falcon.media.json import DEFAULT_JSON_HANDLER
from fenrir.falcon.uri import parse_query_string

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Params", "RequestOptions"]

T = TypeVar("T")
Store = MutableMapping[str, Any] | None
_DELIMITERS = {",": ",", "|": "|", " ": " ", "pipeDelimited": "|", "spaceDelimited": " "}


class RequestOptions:
    """What an application decides about its requests."""

    def __init__(self) -> None:
        self.keep_blank_qs_values = True
        self.auto_parse_qs_csv = False
        self.auto_parse_form_urlencoded = False
        self.strip_url_path_trailing_slash = False
        self.default_media_type: str = DEFAULT_MEDIA_TYPE
        self.media_handlers = Handlers()


class Params:
    """The part of a request that reads its query."""

    options: RequestOptions
    _c: RequestContext

    @property
    def query_string(self) -> str:
        """The query as it arrived, without "?"."""
        return self._c.http.query.decode("latin-1")

    @cached_property
    def params(self) -> dict[str, str | list[str]]:
        """The fields of the query: text, or a list of texts for a repeated name."""
        text = self.query_string
        if not text:
            return {}
        return parse_query_string(text, self.options.keep_blank_qs_values, self.options.auto_parse_qs_csv)

    def has_param(self, name: str) -> bool:
        """Say whether the query names it."""
        return name in self.params

    def _one(self, name: str, allow_multiple: bool) -> str:
        value = self.params[name]
        if isinstance(value, list):
            if not allow_multiple:
                raise HTTPInvalidParam("It may not have more than one value.", name)
            return value[-1]
        return value

    def _get(
        self,
        name: str,
        convert: Callable[[str], T],
        required: bool,
        store: Store,
        default: T | None,
        allow_multiple: bool,
    ) -> T | None:
        if name not in self.params:
            if required:
                raise HTTPMissingParam(name)
            return default
        value = convert(self._one(name, allow_multiple))
        if store is not None:
            store[name] = value
        return value

    def get_param(
        self,
        name: str,
        required: bool = False,
        store: Store = None,
        default: str | None = None,
        allow_multiple: bool = True,
    ) -> str | None:
        """Return a parameter as text; of a repeated one the last.

        Raises:
            HTTPMissingParam: it is required and missing.
            HTTPInvalidParam: it is repeated and may not be; the other `get_param_as_...` raise it also for a value
                that they can not convert.
        """
        return self._get(name, str, required, store, default, allow_multiple)

    def get_param_as_int(
        self,
        name: str,
        required: bool = False,
        min_value: int | None = None,
        max_value: int | None = None,
        store: Store = None,
        default: int | None = None,
        allow_multiple: bool = True,
    ) -> int | None:
        """Return a parameter as a whole number between two bounds."""

        def convert(text: str) -> int:
            try:
                value = int(text)
            except ValueError:
                raise HTTPInvalidParam("The value must be an integer.", name) from None
            _check_bounds(name, value, min_value, max_value)
            return value

        return self._get(name, convert, required, store, default, allow_multiple)

    def get_param_as_float(
        self,
        name: str,
        required: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
        store: Store = None,
        default: float | None = None,
        allow_multiple: bool = True,
    ) -> float | None:
        """Return a parameter as a number between two bounds."""

        def convert(text: str) -> float:
            try:
                value = float(text)
            except ValueError:
                raise HTTPInvalidParam("The value must be a float.", name) from None
            _check_bounds(name, value, min_value, max_value)
            return value

        return self._get(name, convert, required, store, default, allow_multiple)

    def get_param_as_uuid(
        self,
        name: str,
        required: bool = False,
        store: Store = None,
        default: UUID | None = None,
        allow_multiple: bool = True,
    ) -> UUID | None:
        """Return a parameter as a UUID."""

        def convert(text: str) -> UUID:
            try:
                return UUID(text)
            except ValueError:
                raise HTTPInvalidParam("The value must be a UUID string.", name) from None

        return self._get(name, convert, required, store, default, allow_multiple)

    def get_param_as_bool(
        self,
        name: str,
        required: bool = False,
        store: Store = None,
        blank_as_true: bool = True,
        default: bool | None = None,
        allow_multiple: bool = True,
    ) -> bool | None:
        """Return a parameter as a truth value."""

        def convert(text: str) -> bool:
            if text in TRUE_STRINGS:
                return True
            if text in FALSE_STRINGS:
                return False
            if not text:
                return blank_as_true
            raise HTTPInvalidParam('The value of the parameter must be "true" or "false".', name)

        return self._get(name, convert, required, store, default, allow_multiple)

    def get_param_as_list(
        self,
        name: str,
        transform: Callable[[str], Any] | None = None,
        required: bool = False,
        store: Store = None,
        default: list[Any] | None = None,
        delimiter: str | None = None,
    ) -> list[Any] | None:
        """Return all values of a parameter.

        Raises:
            ValueError: the delimiter is not known.
        """
        if name not in self.params:
            if required:
                raise HTTPMissingParam(name)
            return default
        value = self.params[name]
        if delimiter is not None and isinstance(value, str):
            if delimiter not in _DELIMITERS:
                known = tuple(_DELIMITERS)
                raise ValueError(f"Unsupported delimiter value: {delimiter!r}; supported: {known}")
            value = value.split(_DELIMITERS[delimiter])
        items: list[Any] = value if isinstance(value, list) else [value]
        if transform is not None:
            try:
                items = [transform(item) for item in items]
            except ValueError:
                raise HTTPInvalidParam("The value is not formatted correctly.", name) from None
        if store is not None:
            store[name] = items
        return items

    def get_param_as_datetime(
        self,
        name: str,
        format_string: str = "%Y-%m-%dT%H:%M:%S%z",
        required: bool = False,
        store: Store = None,
        default: datetime | None = None,
        allow_multiple: bool = True,
    ) -> datetime | None:
        """Return a parameter as a point in time."""

        def convert(text: str) -> datetime:
            try:
                return datetime.strptime(text, format_string)
            except ValueError:
                raise HTTPInvalidParam("The date value does not match the required format.", name) from None

        return self._get(name, convert, required, store, default, allow_multiple)

    def get_param_as_date(
        self,
        name: str,
        format_string: str = "%Y-%m-%d",
        required: bool = False,
        store: Store = None,
        default: Date | None = None,
        allow_multiple: bool = True,
    ) -> Date | None:
        """Return a parameter as a date."""
        moment = self.get_param_as_datetime(name, format_string, required, allow_multiple=allow_multiple)
        if moment is None:
            return default
        if store is not None:
            store[name] = moment.date()
        return moment.date()

    def get_param_as_json(
        self,
        name: str,
        required: bool = False,
        store: Store = None,
        default: Any = None,
        allow_multiple: bool = True,
    ) -> Any:
        """Return the object that a parameter spells in JSON."""
        handler = self.options.media_handlers.find(MEDIA_JSON, MEDIA_JSON) or DEFAULT_JSON_HANDLER
        return self._get(name, _reader(name, handler, MEDIA_JSON), required, store, default, allow_multiple)

    def get_param_as_media(
        self,
        name: str,
        media_type: str | None = None,
        required: bool = False,
        store: Store = None,
        default: Any = None,
        allow_multiple: bool = True,
    ) -> Any:
        """Return the object that a parameter spells in a media type.

        Raises:
            ValueError: no handler is known for the type.
        """
        kind = media_type or self.options.default_media_type
        handler = self.options.media_handlers.find(kind, self.options.default_media_type)
        if handler is None:
            raise ValueError(f"No media handler is configured for {kind!r}.")
        return self._get(name, _reader(name, handler, kind), required, store, default, allow_multiple)

    def get_param_as_dict(
        self,
        name: str,
        required: bool = False,
        deep_object: bool = False,
        delimiter: str | None = None,
        store: Store = None,
        default: dict[str, str] | None = None,
        allow_multiple: bool = True,
    ) -> dict[str, str] | None:
        """Return a parameter as a dict: from `name[key]=value`, or from a list of keys and values in turn."""
        found = self._deep(name, allow_multiple) if deep_object else self._flat(name, required, delimiter)
        if found is None:
            if required:
                raise HTTPMissingParam(name)
            found = default
        if found is not None and store is not None:
            store[name] = found
        return found

    def _deep(self, name: str, allow_multiple: bool) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for key, value in self.params.items():
            if key.startswith(f"{name}[") and key.endswith("]"):
                if isinstance(value, list):
                    if not allow_multiple and len(value) > 1:
                        raise HTTPInvalidParam(f'The "{key}" key may not have multiple values.', name)
                    value = value[0]
                found[key[len(name) + 1 : -1]] = value
        return found or None

    def _flat(self, name: str, required: bool, delimiter: str | None) -> dict[str, str] | None:
        items = self.get_param_as_list(name, required=required, delimiter=delimiter)
        if items is None:
            return None
        if len(items) % 2:
            raise HTTPInvalidParam("The number of list elements must be even.", name)
        return dict(zip(items[::2], items[1::2], strict=True))


def _check_bounds(name: str, value: float, low: float | None, high: float | None) -> None:
    if low is not None and value < low:
        raise HTTPInvalidParam(f"The value must be at least {low}", name)
    if high is not None and value > high:
        raise HTTPInvalidParam(f"The value may not exceed {high}", name)


def _reader(name: str, handler: BaseHandler, kind: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        data = text.encode()
        try:
            return handler.deserialize(io.BytesIO(data), kind, len(data))
        except HTTPBadRequest:
            raise HTTPInvalidParam(f"It could not be deserialized as {kind!r}.", name) from None

    return convert
