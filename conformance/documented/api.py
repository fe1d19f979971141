"""A FastAPI application of many kinds of parameters and answers, each of which it documents."""

import threading
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Cookie, Depends, FastAPI, Form, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI(title="Documented")


class Problem(BaseModel):
    detail: str


class Kind(StrEnum):
    BOOK = "book"
    MAP = "map"


class New(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=50)
    kind: Kind = Kind.BOOK
    pages: int | None = Field(None, ge=1, le=10_000)
    tags: list[str] = Field([], max_length=5)


class Item(New):
    id: UUID


class Filter(BaseModel):
    limit: int = Query(10, ge=1, le=100)
    offset: int = Query(0, ge=0, le=1_000_000)
    kind: Kind | Literal["any"] = "any"


class Store:
    """The items, in memory."""

    def __init__(self) -> None:
        self.items: dict[UUID, Item] = {}
        self.lock = threading.Lock()


store = Store()
key = APIKeyHeader(name="x-key")


def get_store() -> Store:
    return store


def member(given: Annotated[str, Depends(key)]) -> str:
    if given != "key":
        raise HTTPException(403, "This is not the key")
    return given


Items = Annotated[Store, Depends(get_store)]
MALFORMED = {400: {"model": Problem, "description": "That is no JSON"}}
MISSING = {404: {"model": Problem, "description": "There is no such item"}}
STRANGER = {
    401: {"model": Problem, "description": "No key was sent"},
    403: {"model": Problem, "description": "Another key was sent"},
}
router = APIRouter(prefix="/items", tags=["items"])


@router.get("")
def search(items: Items, filter: Annotated[Filter, Query()]) -> list[Item]:
    found = [item for item in list(items.items.values()) if filter.kind in ("any", item.kind)]
    return found[filter.offset : filter.offset + filter.limit]


@router.post("", status_code=201, responses=MALFORMED | STRANGER, dependencies=[Depends(member)])
async def add(new: New, items: Items, response: Response, request: Request) -> Item:
    item = Item(id=uuid4(), **new.model_dump())
    with items.lock:
        items.items[item.id] = item
    response.headers["location"] = request.app.url_path_for("read", number=item.id)
    return item


@router.get("/{number}", responses=MISSING)
async def read(number: UUID, items: Items) -> Item:
    if number not in items.items:
        raise HTTPException(404, "No such item")
    return items.items[number]


@router.put("/{number}", responses=MISSING | MALFORMED | STRANGER, dependencies=[Depends(member)])
def change(number: UUID, new: New, items: Items) -> Item:
    with items.lock:
        if number not in items.items:
            raise HTTPException(404, "No such item")
        items.items[number] = Item(id=number, **new.model_dump())
    return items.items[number]


@router.delete("/{number}", status_code=204, responses=MISSING | STRANGER, dependencies=[Depends(member)])
def remove(number: UUID, items: Items) -> None:
    with items.lock:
        if items.items.pop(number, None) is None:
            raise HTTPException(404, "No such item")


app.include_router(router)


@app.get("/greeting/{times}", response_class=PlainTextResponse)
async def greet(
    times: Annotated[int, Path(ge=1, le=10)],
    x_name: Annotated[str, Header(max_length=20)] = "you",
    language: Annotated[Literal["en", "de"], Cookie()] = "en",
) -> str:
    word = "Hello" if language == "en" else "Hallo"
    return " ".join([f"{word} {x_name}!"] * times)


@app.post("/sum")
async def total(first: Annotated[int, Form(ge=0, le=10**6)], second: Annotated[int, Form(ge=0, le=10**6)]) -> int:
    return first + second
