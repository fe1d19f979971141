"""Binding by itself: what signatures mean, what is refused, and both ways of reading a body."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from fenrir.core.binding import HANDLER, BodyNeed, Given, NodeKind
from fenrir.core.converters import Converters, string
from fenrir.core.declare import DeclarationError, Mode
from fenrir.core.errors import BadRequest
from fenrir.core.pattern import braces
from fenrir.http.json import dumps
from fenrir.kit.validation import (
    Body,
    Cookie,
    Depends,
    Form,
    Header,
    Path,
    Query,
    RequestValidationError,
    bind_signature,
    json_schemas,
)
from fenrir.kit.validation.graph import SecurityScheme
from fenrir.kit.validation.parameters import FastAPIDeprecationWarning

CONVERTERS = Converters(string())


class FakeHeaders(dict[str, str]):
    """Headers with one value each."""

    def getall(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


class FakeExchange:
    def __init__(self, query: bytes, headers: dict[str, str]) -> None:
        self.query = query
        self.headers = FakeHeaders(headers)


class FakeContext:
    """What `gather` reads of a context."""

    plan = None

    def __init__(
        self, *values: Any, query: bytes = b"", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.exchange = self.http = FakeExchange(query, headers or {})
        self.values = values
        self.body = body


JSON = {"content-type": "application/json"}


def gathered(handler: Callable[..., Any], c: FakeContext, path: str = "/") -> Any:
    """Return what a handler's binding gathers."""
    binding = bind_signature(handler, braces(path, CONVERTERS))
    assert binding.gather is not None
    return binding.gather(c)  # type: ignore[arg-type]


class Item(BaseModel):
    name: str
    price: float = 1.0
    children: list[Item] = []


@dataclasses.dataclass
class Point:
    x: int


def test_string_annotations_are_types() -> None:
    async def handler(item: Item, n: int, tags: Annotated[list[str], Query()] = []) -> None: ...  # noqa: B006

    values, bad = gathered(handler, FakeContext(query=b"n=1&tags=a", headers=JSON, body=b'{"name": "x"}'))
    assert bad is None and Item(name="x") in values and 1 in values and ["a"] in values


def test_text_in_a_signature_that_was_set_is_evaluated_too() -> None:
    """A library takes parameters away from a function, in a module with `from __future__ import annotations`."""

    def handler(first: Any, second: Annotated[int, Query()]) -> None: ...

    signature = inspect.signature(handler)
    assert signature.parameters["second"].annotation == "Annotated[int, Query()]"
    handler.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(signature.parameters.values())[1:]
    )
    assert gathered(handler, FakeContext(query=b"second=2")) == ((2,), None)


def test_everything_of_one_signature() -> None:
    def handler(p: int, q: str, h: Annotated[str, Header()], c: Annotated[str, Cookie()], d: int = 4) -> None: ...

    c = FakeContext("1", query=b"q=x", headers={"h": "head", "cookie": "c=cook"})
    assert gathered(handler, c, "/{p}") == ((1, "x", 4, "head", "cook"), None)


def test_dependencies_are_flattened_once_and_in_order() -> None:
    def first(a: int = 1) -> int:
        return a

    async def second(f: int = Depends(first)) -> int:
        return f

    def third(s: int = Depends(second), f: int = Depends(first)) -> Iterator[int]:
        yield s

    async def handler(t: int = Depends(third), f: int = Depends(first)) -> None: ...

    binding = bind_signature(handler, braces("/", CONVERTERS))
    assert [node.user for node in binding.nodes] == [first, second, third]
    assert [node.kind for node in binding.nodes] == [NodeKind.CALL, NodeKind.CALL, NodeKind.CONTEXT]
    assert [node.mode for node in binding.nodes] == [Mode.THREAD, Mode.LOOP, Mode.THREAD]
    assert [node.needs for node in binding.nodes] == [{0}, {0}, {0}]


def test_errors_belong_to_their_node() -> None:
    def first(a: int) -> int:
        return a

    async def handler(b: int, f: int = Depends(first)) -> None: ...

    binding = bind_signature(handler, braces("/", CONVERTERS))
    c: Any = FakeContext(query=b"b=x")
    assert binding.gather is not None and binding.invalid is not None
    _, bad = binding.gather(c)
    assert bad is not None and set(bad) == {0, HANDLER}
    error = binding.invalid(c, bad)
    assert isinstance(error, RequestValidationError)
    assert [item["loc"] for item in error.errors()] == [("query", "a"), ("query", "b")]


def test_an_override_takes_the_place() -> None:
    def first(a: int) -> int:
        return a

    def other() -> int:
        return 2

    async def handler(f: int = Depends(first)) -> None: ...

    binding = bind_signature(handler, braces("/", CONVERTERS), overrides={first: other})
    assert [node.user for node in binding.nodes] == [other] and binding.gather is None


def test_partials_classes_and_instances_are_callables() -> None:
    class Callable_:
        async def __call__(self, word: str) -> str:
            return word

    def base(a: int, b: int) -> int:
        return a + b

    async def handler(
        p: int = Depends(functools.partial(base, b=1)), o: Point = Depends(), i: str = Depends(Callable_())
    ) -> None: ...

    binding = bind_signature(handler, braces("/", CONVERTERS))
    assert [node.mode for node in binding.nodes] == [Mode.THREAD, Mode.THREAD, Mode.LOOP]
    assert binding.gather is not None
    values, bad = binding.gather(FakeContext(query=b"a=1&x=3&word=w"))  # type: ignore[arg-type]
    assert bad is None and values == (1, 1, 3, "w")


def test_reserved_arguments_come_from_the_dialect() -> None:
    asked: list[tuple[str, Any, int]] = []

    def reserved(name: str, annotation: Any, position: int) -> Given | None:
        asked.append((name, annotation, position))
        return Given(lambda c: c) if name == "request" else None

    async def handler(request, n: int, item: Item, marked: int = Query(1)) -> None:  # type: ignore[no-untyped-def]
        ...

    binding = bind_signature(handler, braces("/{n}", CONVERTERS), reserved=reserved)
    assert isinstance(binding.arguments[0].source, Given)
    # Of a marked one only the type is asked for: a request that is marked as a query parameter is a mistake.
    assert [name for name, _, _ in asked] == ["request", "item", ""] and binding.body is BodyNeed.BYTES


@pytest.mark.parametrize(
    "message, handler, path",
    [
        ("Cannot use `Query` for path param 'n'", lambda n=Query(1): n, "/{n}"),
        ("Path params must be of one of the supported types", "list_in_path", "/{n}"),
        ("Query parameter 'n' must be one of the supported types", "dict_in_query", "/"),
        ("is a valid Pydantic field type", "opaque", "/"),
        ("needs a class as the annotation", lambda n=Depends(): n, "/"),
        ("can not be evaluated", "unknown_name", "/"),
        ("depends on itself", "cycle", "/"),
    ],
)
def test_mistakes_name_the_users_line(message: str, handler: Any, path: str) -> None:
    class Opaque: ...

    def list_in_path(n: list[int]) -> None: ...
    def dict_in_query(n: Annotated[dict[str, int], Query()]) -> None: ...
    def opaque(n: Any) -> None: ...
    def unknown_name(n: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
    def cycle(n: int) -> None: ...

    opaque.__annotations__["n"] = Opaque
    cycle.__defaults__ = (Depends(cycle),)
    if isinstance(handler, str):
        handler = locals()[handler]
    with pytest.raises(DeclarationError, match=message) as caught:
        bind_signature(handler, braces(path, CONVERTERS))
    assert caught.value.source is not None and caught.value.source.file == __file__


def test_a_marker_refuses_unknown_options() -> None:
    with pytest.raises(TypeError, match="does not know minimum"):
        Query(1, minimum=3)  # type: ignore[call-arg]
    with pytest.raises(AssertionError, match="default"):
        Path(1)


async def takes_item(item: Item) -> None: ...


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "x", "price": NaN}',
        b'{"name": "x", "price": -Infinity}',
        b'{"name": "x", "price": 1e999}',
        b'{"name": "x", "ignored": NaN}',
        b'{"name": "x", "price": ' + b"9" * 400 + b".0}",
        b'\xef\xbb\xbf{"name": "x"}',
        b'{"name": "\\ud800"}',
        '{"name": "x"}'.encode("utf-16"),
        b'{"name": "x"',
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises((RequestValidationError, BadRequest)):
        gathered(takes_item, FakeContext(headers=JSON, body=body))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"children":[' * 50_000, b'{"name": "\xff"}'])
def test_hostile_bodies_are_client_errors(body: bytes) -> None:
    with pytest.raises((RequestValidationError, BadRequest)):
        gathered(takes_item, FakeContext(headers=JSON, body=body))


def test_the_word_nan_in_a_text_is_no_number() -> None:
    values, bad = gathered(takes_item, FakeContext(headers=JSON, body=b'{"name": "NaN and Infinity 1e999"}'))
    assert bad is None and values[0].name == "NaN and Infinity 1e999"


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_only_json_is_parsed(kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    _, bad = gathered(takes_item, FakeContext(headers=headers, body=b'{"name": "x"}'))
    assert bad[HANDLER][0]["type"] == "model_attributes_type"


class Wide(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int | str | None = None
    b: float | None = None
    c: list[bool] = []
    d: dict[str, int] = {}


async def takes_wide(wide: Wide) -> None: ...


TEXTS = st.sampled_from(["", "1", "1.0", "x", "true", "null", "1e999", "é"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
TREES = VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(TEXTS, VALUES, max_size=3)
WIDE = bind_signature(takes_wide, braces("/", CONVERTERS)).gather


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from("abcde"), TREES))
def test_both_ways_of_reading_a_body_agree(data: dict[str, Any]) -> None:
    assert WIDE is not None
    values, bad = WIDE(FakeContext(headers=JSON, body=dumps(data)))  # type: ignore[arg-type]
    try:
        expected = Wide.model_validate(data)
    except ValueError:
        assert bad is not None
    else:
        assert bad is None and values == (expected,)


def test_documentation_is_read_from_the_binding() -> None:
    def dep(token: Annotated[str, Header(description="who")]) -> str:
        return token

    async def handler(
        n: Annotated[int, Path(ge=1, title="N")],
        item: Item,
        t: str = Depends(dep),
        u: str = Depends(dep),
        hidden: int = Query(1, include_in_schema=False),
    ) -> None: ...

    about = bind_signature(handler, braces("/{n}", CONVERTERS)).about
    assert [(p.name, p.location, p.required) for p in about.parameters] == [
        ("n", "path", True),
        ("token", "header", True),
    ]
    assert about.parameters[1].description == "who" and about.validates
    assert about.body.media_type == "application/json" and about.body.required
    schemas, definitions = json_schemas(
        {"n": ("validation", about.parameters[0].type), "b": ("validation", about.body.type("B"))}
    )
    assert schemas["n"] == {"type": "integer", "minimum": 1, "title": "N"}
    assert schemas["b"] == {"$ref": "#/components/schemas/Item"} and set(definitions) == {"Item"}


def test_embedded_bodies_and_forms_are_described_as_objects() -> None:
    async def two(a: Annotated[int, Body()], b: Annotated[str, Body()] = "x") -> None: ...
    async def form(a: Annotated[int, Form()]) -> None: ...

    body = bind_signature(two, braces("/", CONVERTERS)).about.body
    schemas, definitions = json_schemas({"b": ("validation", body.type("Body_two"))})
    described = definitions["Body_two"] if "$ref" in schemas["b"] else schemas["b"]
    assert described["required"] == ["a"] and set(described["properties"]) == {"a", "b"}
    assert bind_signature(form, braces("/", CONVERTERS)).about.body.media_type == "application/x-www-form-urlencoded"


def test_a_signature_of_the_users_own_may_have_annotations_as_text() -> None:
    import inspect

    from fenrir.kit.validation.graph import signature_of

    def handler(one: int, two: str) -> None: ...

    handler.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    assert [parameter.annotation for parameter in signature_of(handler).parameters.values()] == [int, str]


def test_what_is_given_by_its_type_can_not_be_marked() -> None:
    class Given_: ...

    def reserved(name: str, annotation: Any, position: int) -> Given | None:
        return Given(lambda c: c) if annotation is Given_ else None

    with pytest.raises(AssertionError, match="Cannot specify FastAPI annotation for type"):
        bind_signature(_marked(Given_), braces("/", CONVERTERS), reserved=reserved)


def _marked(kind: Any) -> Any:
    def handler(given: Any = Query()) -> None: ...

    handler.__annotations__["given"] = kind
    return handler


def test_the_type_of_what_a_dependency_makes_need_not_exist() -> None:
    def make() -> int:
        return 1

    def handler(made: Nowhere = Depends(make)) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    (node,) = bind_signature(handler, braces("/", CONVERTERS)).nodes
    assert node.user is make


def test_old_names_of_options_warn_where_they_stand() -> None:
    for marker, option in ((Query, "example"), (Header, "example"), (Form, "regex")):
        with pytest.warns(FastAPIDeprecationWarning, match=f"`{option}` has been deprecated") as caught:
            marker(**{option: "x"})
        assert caught[0].filename == __file__


class Bare(SecurityScheme):
    def __call__(self) -> str:
        return "mock"


def test_a_security_scheme_without_a_description_is_used() -> None:
    def handler(who: Annotated[str, Depends(Bare())]) -> None: ...

    binding = bind_signature(handler, braces("/", CONVERTERS))
    assert [use.used.__class__ for use in binding.about.security] == [Bare]  # type: ignore[union-attr]


def test_a_signature_that_was_set_does_not_count_the_arguments() -> None:
    """A library puts path parameters before those of its function, which takes them by name."""

    def handler(q: str = "", **keys: str) -> None: ...

    key = inspect.Parameter("key", inspect.Parameter.POSITIONAL_ONLY, annotation=str)
    own = inspect.signature(handler).parameters["q"].replace(annotation=str)
    handler.__signature__ = inspect.Signature([key, own])  # type: ignore[attr-defined]
    binding = bind_signature(handler, braces("/{key}", CONVERTERS))
    assert [name for name, _ in binding.arguments] == ["key", "q"]
