"""Equal types share an adapter; what only looks equal does not."""

from __future__ import annotations

import gc
from typing import Annotated, Any, ForwardRef, Literal

import pytest
from annotated_types import Ge
from pydantic import BaseModel, TypeAdapter

from fenrir.kit.validation import adapters
from fenrir.kit.validation.adapters import shared_adapter


def made(annotation: Any, *parts: Any) -> TypeAdapter[Any]:
    return shared_adapter((annotation, *parts), lambda: TypeAdapter(annotation))


class Item(BaseModel):
    name: str


def test_equal_types_share_one() -> None:
    for annotation in (int, Item, list[Item], str | None, Annotated[int, Ge(1)]):
        assert made(annotation) is made(annotation)
    assert made(int, ("default", 1)) is made(int, ("default", 1))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((int | str,), (str | int,)),
        ((list[int | str],), (list[str | int],)),
        ((Literal[1],), (Literal[True],)),
        ((int, ("default", 1)), (int, ("default", True))),
        ((int, ("default", 1)), (int, ("default", 1.0))),
        ((int, ("title", "a")), (int, ("title", "b"))),
    ],
)
def test_what_only_looks_equal_does_not(first: tuple[Any, ...], second: tuple[Any, ...]) -> None:
    one, other = made(*first), made(*second)
    assert one is not other
    assert (made(*first), made(*second)) == (one, other)


def test_what_can_not_be_compared_is_made_anew() -> None:
    class Odd:
        def __hash__(self) -> int:
            raise RuntimeError

    assert made(int, ("extra", {"a": 1})) is not made(int, ("extra", {"a": 1}))
    assert made(int, Odd()) is not made(int, Odd())
    reference = ForwardRef("int")
    assert made(int, reference) is not made(int, reference)


def test_models_of_one_name_have_their_own() -> None:
    def model() -> type[BaseModel]:
        class Same(BaseModel):
            name: str

        return Same

    one, other = model(), model()
    kept = made(one), made(other)
    assert kept[0] is not kept[1]
    assert kept[0].validate_python({"name": "x"}).__class__ is one


def test_an_adapter_that_nobody_uses_is_forgotten() -> None:
    class Passing(BaseModel):
        name: str

    adapter = made(Passing)
    before = len(adapters._known)
    del adapter
    gc.collect()
    assert len(adapters._known) < before
