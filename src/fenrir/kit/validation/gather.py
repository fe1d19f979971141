"""Collecting and validating all values of a request, for the whole dependency graph of a route at once.

Two ways, one meaning. The fast way is a function written for the route: it picks the raw values out of the request and
gives them to one Pydantic validator, a tuple of all; a JSON body is validated from its bytes. The reference way looks
at each value by itself, as upstream does, and knows which node an error belongs to and how upstream words it. Whenever
the fast way is not sure (anything failed, is missing, or might be read differently) the reference way decides.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined, SchemaValidator, core_schema

from fenrir.core.errors import BadRequest
from fenrir.http.cookies import parse_cookies
from fenrir.http.query import TooManyFields, parse_pairs
from fenrir.kit.validation import body as bodies
from fenrir.kit.validation.errors import RequestValidationError, missing
from fenrir.kit.validation.fields import Field
from fenrir.kit.validation.json_mode import HUGE_NUMBER, json_mode
from fenrir.kit.validation.sources import HeaderSource, MappingSource, PairSource, Source, find, model_input

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Gathering", "Slot", "cookies_of", "embeds"]

Outcome = tuple[tuple[Any, ...], Mapping[int, Any] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A field and the node that owns it; its position among the slots is its position among the values."""

    field: Field
    owner: int


def cookies_of(headers: Any) -> dict[str, str]:
    """Return the cookies of a request, the last one of a name; browsers send one header, HTTP/2 may split it."""
    values = headers.getall("cookie")
    return parse_cookies("; ".join(values), last=True) if values else {}


def embeds(fields: Sequence[Field]) -> bool:
    """Say whether body parameters are members of an object (or fields of a form) instead of the body itself."""
    if not fields:
        return False
    first = fields[0]
    if len({field.name for field in fields}) > 1:
        return True
    if first.form_models and any(
        not field.form_models or field.annotation is not first.annotation for field in fields[1:]
    ):
        return True
    if getattr(first.info, "embed", None):
        return True
    return _in_form(first) and not first.form_models


def _in_form(field: Field) -> bool:
    from fenrir.kit.validation.parameters import Form

    return isinstance(field.info, Form) and not (
        isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    )


class Gathering:
    """All values of one route.

    Args:
        slots: every field once, those of one node in the order in which they are checked.
        names: of the path values.
        embedded: body parameters are members of an object.
        form: the body is a form.
        strict: a body without a content type is not JSON.
        invalid: the exception class for a body that is no JSON.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        names: Sequence[str],
        *,
        embedded: bool,
        form: bool,
        strict: bool,
        invalid: Callable[..., Exception] = RequestValidationError,
    ) -> None:
        self.slots = tuple(slots)
        self.names = tuple(names)
        self.embedded = embedded
        self.form = form
        self.strict = strict
        self.invalid = invalid

    # -------------------------------------------------------- reference way
    def carefully(self, c: RequestContext) -> Outcome:
        """Validate value by value, and say what is wrong in upstream's words."""
        values: list[Any] = []
        bad: dict[int, list[Any]] = {}
        sources: dict[str, Any] = {}
        for slot in self.slots:
            field = slot.field
            location = field.location
            if location not in sources:
                sources[location] = self._body(c) if location == "body" else self._source(c, location)
            source = sources[location]
            if location == "body":
                value, errors = self._check_body(slot, source)
            else:
                value, errors = check_parameter(field, source)
            values.append(value)
            if errors:
                bad.setdefault(slot.owner, []).extend(errors)
        return tuple(values), bad or None

    def _source(self, c: RequestContext, location: str) -> Source:
        if location == "query":
            try:
                return PairSource(parse_pairs(c.exchange.query))
            except TooManyFields as exc:
                raise BadRequest("the query has too many fields") from exc
        if location == "header":
            return HeaderSource(c.exchange.headers)
        if location == "cookie":
            return MappingSource(cookies_of(c.exchange.headers))
        return MappingSource(dict(zip(self.names, c.values, strict=True)))

    def _body(self, c: RequestContext) -> Any:
        if self.form:
            return bodies.form_of(c)
        return bodies.received_json(c, self.strict, self.invalid, standard=True)

    def _check_body(self, slot: Slot, received: Any) -> tuple[Any, list[Any]]:
        field = slot.field
        if isinstance(received, PairSource):
            if field.form_models:
                return field.check(bodies.form_input(field, received), ("body",))
            name, value = bodies.form_value(field, received)
            return field.check(value, ("body", name))
        if not self.embedded and not field.form_models:
            return field.check(received, ("body",))
        loc = ("body", field.aliases[0][0])
        value = PydanticUndefined
        if received is not PydanticUndefined and not isinstance(received, bytes):
            if not isinstance(received, dict):
                return None, [missing(loc)]
            for alias, _ in field.aliases:
                if alias in received:
                    value, loc = received[alias], ("body", alias)
                    break
        return field.check(value, loc)

    # ------------------------------------------------------------- fast way
    def compiled(self) -> Callable[[RequestContext], Outcome]:
        """Return the function that collects and validates the values of this route."""
        return _Writer(self).write()

    def input_body(self, c: RequestContext) -> Any:
        """Return the body as far as it can be read, for the error that reports it."""
        if not any(slot.field.location == "body" for slot in self.slots):
            return None
        if self.form:
            return dict(bodies.form_of(c).pairs)
        body = bodies.received_json(c, self.strict)
        return None if body is PydanticUndefined else body


def check_parameter(field: Field, source: Source) -> tuple[Any, list[Any]]:
    """Validate a parameter outside the body; return its value and the errors."""
    if (model := field.model) is not None:
        return _check_model(field, model, source)
    _, name = next((pair for pair in field.aliases if pair[1] in source), field.aliases[0])
    return field.check(find(field, source, name), (field.location, name))


def _check_model(field: Field, model: type[BaseModel], source: Source) -> tuple[Any, list[Any]]:
    value, spelled = model_input(field, model, source)
    result, errors = field.check(value, (field.location,))
    if spelled and model.model_config.get("loc_by_alias", True):
        for error in errors:
            loc = error["loc"]
            if len(loc) > 1 and loc[1] in spelled:
                error["loc"] = (loc[0], spelled[loc[1]], *loc[2:])
    return result, errors


@lru_cache(maxsize=1024)
def _compiled(text: str) -> types.CodeType:
    """Compile a program once, for all routes that gather alike."""
    module = compile(text, "<fenrir gather>", "exec")
    return next(const for const in module.co_consts if isinstance(const, types.CodeType))


class _Writer:
    """Writes the fast way of one route; every value of the user enters through the namespace."""

    def __init__(self, gathering: Gathering) -> None:
        self.gathering = gathering
        self.lines: list[str] = []
        self.space: dict[str, Any] = {
            "__builtins__": builtins,
            "carefully": gathering.carefully,
            "U": PydanticUndefined,
            "ValidationError": ValidationError,
        }
        self.needs: set[str] = set()

    def write(self) -> Callable[[RequestContext], Outcome]:
        g = self.gathering
        whole = len(g.slots) - 1 if g.slots and self._is_whole(g.slots[-1]) else None
        parts = g.slots[:whole] if whole is not None else g.slots
        if whole is not None and any(self._is_whole(slot) for slot in parts):
            return g.carefully  # several dependencies read the one body: rare, and the same value each time
        raws: list[str] = []
        picks: list[str] = []
        for index, slot in enumerate(parts):
            expression = self._pick(index, slot.field)
            if expression is None:
                return g.carefully
            picks.append(f"r{index} = {expression}")
            if slot.field.makes_checked_default:
                return g.carefully
            if slot.field.required:
                picks.append(f"if r{index} is U: return carefully(c)")
            raws.append(f"r{index}")
        self._prepare()
        self.lines += picks
        checks: list[str] = []
        if parts:
            self.space["validate"] = _tuple_validator([slot.field for slot in parts])
            attributes = ", from_attributes=True" if any(self._is_composite(slot.field) for slot in parts) else ""
            checks.append(f"v = validate(({', '.join(raws)},){attributes})")
        if whole is not None:
            self._whole_body(g.slots[whole].field, checks)
            checks.append("return (*v, b), None" if parts else "return (b,), None")
        else:
            checks.append("return v, None")
        text = "\n    ".join(["def gather(c):", *self.lines, "try:"])
        text += "".join(f"\n        {line}" for line in checks)
        text += "\n    except ValidationError:\n        return carefully(c)\n"
        return types.FunctionType(_compiled(text), self.space, "gather")

    def _is_whole(self, slot: Slot) -> bool:
        g = self.gathering
        return slot.field.location == "body" and not g.form and not g.embedded

    @staticmethod
    def _is_composite(field: Field) -> bool:
        return field.location == "body" or field.model is not None

    def _pick(self, index: int, field: Field) -> str | None:
        """Write how a raw value is found; None when it never is there."""
        location = field.location
        if location == "body":
            return self._pick_from_body(index, field)
        if location == "path":
            names = self.gathering.names
            return f"c.values[{names.index(field.alias)}]" if field.alias in names else None
        if field.model is not None or len(field.aliases) > 1:
            self.needs.add(f"{location} source")
            look = f"look{index}"
            self.space[look] = _looker(field)
            return f"{look}({location}_source)"
        alias = f"alias{index}"
        self.space[alias] = field.alias.lower() if location == "header" else field.alias
        self.needs.add(location)
        if location == "query":
            if field.takes_list:
                return f"[value for name, value in query_pairs if name == {alias}] or U"
            return f"query.get({alias}, U)"
        if location == "header":
            return f"headers.getall({alias}) or U" if field.takes_list else f"headers.get({alias}, U)"
        return f"cookies.get({alias}, U)" if not field.takes_list else None

    def _pick_from_body(self, index: int, field: Field) -> str:
        name = f"look{index}"
        if self.gathering.form:
            self.needs.add("form")
            if field.form_models:
                self.space[name] = lambda source: bodies.form_input(field, source)
            else:
                self.space[name] = lambda source: bodies.form_value(field, source)[1]
            return f"{name}(form)"
        self.needs.add("members")
        names = tuple(alias for alias, _ in field.aliases)

        def look(members: Mapping[str, Any]) -> Any:
            return next((members[alias] for alias in names if alias in members), PydanticUndefined)

        self.space[name] = look
        return f"{name}(members)"

    def _prepare(self) -> None:
        """Write what the picks read from."""
        g, lines, space = self.gathering, self.lines, self.space
        if {"query", "query source"} & self.needs:
            space["pairs_of"] = _query_pairs
            lines += ["query_pairs = pairs_of(c.exchange.query)", "query = dict(query_pairs)"]
        if {"header", "header source"} & self.needs:
            lines.append("headers = c.exchange.headers")
        if {"cookie", "cookie source"} & self.needs:
            space["cookies_of"] = cookies_of
            lines.append("cookies = cookies_of(c.exchange.headers)")
        makers: dict[str, tuple[str, Any]] = {
            "query": ("query_pairs", PairSource),
            "header": ("headers", HeaderSource),
            "cookie": ("cookies", MappingSource),
        }
        for location, (argument, maker) in makers.items():
            if f"{location} source" in self.needs:
                space[f"{location}_maker"] = maker
                lines.append(f"{location}_source = {location}_maker({argument})")
        if "form" in self.needs:
            space["form_of"] = bodies.form_of
            lines.append("form = form_of(c)")
        if "members" in self.needs:
            space["received"] = lambda c: bodies.received_json(c, g.strict, g.invalid)
            lines += ["members = received(c)", "if type(members) is not dict: return carefully(c)"]

    def _whole_body(self, field: Field, checks: list[str]) -> None:
        """Write the validation of a JSON body."""
        mode = json_mode(field.adapter)
        space, lines = self.space, self.lines
        space["is_json"] = bodies.is_json
        lines += [
            "kind = c.exchange.headers.get('content-type')",
            "if kind != 'application/json' and (kind is None or not is_json(kind)): return carefully(c)",
            "data = c.body",
        ]
        if not mode.same:
            space["received"] = lambda c: bodies.received_json(c, self.gathering.strict, self.gathering.invalid)
            space["validate_body"] = field.adapter.validator.validate_python
            lines.append("if not data: return carefully(c)")
            checks.append("b = validate_body(received(c), from_attributes=True)")
            return
        # SECURITY: pydantic-core reads NaN and Infinity, which are no JSON.
        doubtful = "not data or data.find(b'NaN') >= 0 or data.find(b'Infinity') >= 0"
        if mode.floats:
            space["huge"] = HUGE_NUMBER.search
            doubtful += " or huge(data) is not None"
        lines.append(f"if {doubtful}: return carefully(c)")
        space["validate_body"] = field.adapter.validator.validate_json
        checks.append("b = validate_body(data)")


def _query_pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_pairs(query)
    except TooManyFields as exc:
        raise BadRequest("the query has too many fields") from exc


def _looker(field: Field) -> Callable[[Source], Any]:
    model = field.model
    if model is not None:
        return lambda source: model_input(field, model, source)[0]

    def look(source: Source) -> Any:
        _, name = next((pair for pair in field.aliases if pair[1] in source), field.aliases[0])
        return find(field, source, name)

    return look


def _tuple_validator(fields: Sequence[Field]) -> Callable[..., tuple[Any, ...]]:
    """Return one validator for all; a missing value is `PydanticUndefined`, which becomes the default."""
    definitions: dict[str, Any] = {}
    items = []
    for field in fields:
        schema: Any = field.adapter.core_schema
        while schema["type"] == "definitions":
            definitions.update({definition["ref"]: definition for definition in schema["definitions"]})
            schema = schema["schema"]
        items.append(schema)
    whole: Any = core_schema.tuple_schema(items)
    if definitions:
        whole = core_schema.definitions_schema(whole, list(definitions.values()))
    return SchemaValidator(whole).validate_python
