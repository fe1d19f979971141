"""What leaves: filtered by the model, or nothing."""

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, computed_field

from fenrir.core.declare import DeclarationError
from fenrir.http.json import loads
from fenrir.kit.validation import ResponseValidationError, Serializer, dump_plain, jsonable_encoder


class Public(BaseModel):
    id: int
    note: str | None = None


class Private(Public):
    password: str = "SECRET"

    @computed_field
    @property
    def shout(self) -> str:
        return "SECRET"


class Loose(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


@dataclasses.dataclass
class Row:
    id: int
    password: str = "SECRET"


@pytest.mark.parametrize(
    "value", [Private(id=1), {"id": 1, "password": "SECRET"}, Row(1), Private.model_construct(id=1, password="SECRET")]
)
def test_only_fields_of_the_model_leave(value: Any) -> None:
    assert loads(Serializer(Public).dump(value)) == {"id": 1, "note": None}


def test_members_of_containers_are_filtered() -> None:
    assert loads(Serializer(list[Public]).dump([Private(id=1)])) == [{"id": 1, "note": None}]
    assert loads(Serializer(dict[str, Public]).dump({"a": Private(id=1)})) == {"a": {"id": 1, "note": None}}
    assert loads(Serializer(Public | None).dump(None)) is None


@pytest.mark.parametrize("value", [{"id": "x", "password": "SECRET"}, "SECRET", None, 1, [Private(id=1)]])
def test_a_value_that_does_not_fit_leaves_nothing(value: Any) -> None:
    with pytest.raises(ResponseValidationError) as caught:
        Serializer(Public).dump(value)
    assert caught.value.__cause__ is None


def test_options_choose_fields() -> None:
    value = Public(id=1)
    assert Serializer(Public, include={"id"}).dump(value) == b'{"id":1}'
    assert Serializer(Public, exclude={"id"}).dump(value) == b'{"note":null}'
    assert Serializer(Public, exclude_none=True).dump(value) == b'{"id":1}'
    assert Serializer(Public, exclude_unset=True).dump(value) == b'{"id":1}'
    assert Serializer(Public, exclude_defaults=True).jsonable(value) == {"id": 1}


def test_a_type_without_a_schema_is_a_mistake_at_registration() -> None:
    class Opaque: ...

    with pytest.raises(DeclarationError, match="response"):
        Serializer(Opaque)


class Colour(enum.Enum):
    RED = "red"


def test_plain_values_are_written_by_the_encoders_rules() -> None:
    value = {
        "d": datetime.date(2020, 1, 2), "t": datetime.timedelta(seconds=2), "e": Colour.RED, "r": Row(1),
        "m": Public(id=1), "x": decimal.Decimal("2"), "u": uuid.UUID(int=1), "s": {1}, "b": b"b", "_sa_state": 1,
        1: 2, "n": None,
    }  # fmt: skip
    assert loads(dump_plain(value)) == loads(dump_plain(jsonable_encoder(value)))
    assert loads(dump_plain(value))["u"] == str(uuid.UUID(int=1)) and b"_sa" not in dump_plain(value)
    assert dump_plain({uuid.UUID(int=1): 1}) == b'{"00000000-0000-0000-0000-000000000001":1}'


@pytest.mark.parametrize("value", [float("nan"), {"x": [float("inf")]}, "\ud800"])
def test_what_is_no_json_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError):
        dump_plain(value)


def test_custom_encoders_come_first() -> None:
    assert jsonable_encoder({"a": Row(1)}, custom_encoder={Row: lambda row: row.id}) == {"a": 1}
    assert jsonable_encoder({"a": 1, "b": None}, exclude={"a"}, exclude_none=True) == {}
