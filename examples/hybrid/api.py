"""The JSON API, in FastAPI's words: models that validate, dependencies, documentation at /docs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from sqlite3 import Connection
from typing import Annotated, Any

import shop
from pydantic import BaseModel, Field

from fenrir import current_app, g
from fenrir.fastapi import APIRouter, Depends, HTTPException, Query, Response

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["books"])


class Book(BaseModel):
    id: int
    title: str
    author: str
    year: int
    price: Decimal
    stock: int


class OrderIn(BaseModel):
    book: int
    copies: int = Field(1, ge=1, le=5)


class Order(BaseModel):
    title: str
    copies: int
    price: Decimal
    person: str


def reading() -> Iterator[Connection]:
    with current_app.ctx.database.read() as c:
        yield c


def writing() -> Iterator[Connection]:
    """Lend a connection; an exception in the handler arrives here and undoes everything."""
    with current_app.ctx.database.write() as c:
        yield c


def current_user() -> shop.Person:
    """Return whom the Flask hook in app.py has found."""
    if g.user is None:
        raise HTTPException(401, "log in, or send a name and a password", {"www-authenticate": "Basic"})
    user: shop.Person = g.user
    return user


class Problem(BaseModel):
    detail: str


UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such thing"}}
STRANGER: dict[int | str, dict[str, Any]] = {401: {"model": Problem, "description": "Nobody has logged in"}}
SOLD_OUT: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "Not that many are left"}}

MALFORMED: dict[int | str, dict[str, Any]] = {400: {"model": Problem, "description": "That is no JSON"}}

Reading = Annotated[Connection, Depends(reading)]
# The transaction ends before the answer is sent: what a client is told has happened, has happened.
Writing = Annotated[Connection, Depends(writing, scope="function")]
User = Annotated[shop.Person, Depends(current_user)]


def priced(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "price": Decimal(row["cents"]).scaleb(-2)}


@router.get("/books")
def list_books(
    c: Reading,
    q: str = "",
    max_price: Annotated[float, Query(gt=0, le=10_000, allow_inf_nan=False)] = 10_000,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Book]:
    """Find books by a part of their title or author, the oldest first."""
    return [Book(**priced(row)) for row in shop.books(c, search=q, max_cents=int(max_price * 100), limit=limit)]


@router.get("/books/{number}", responses=UNKNOWN)
def one_book(c: Reading, number: int) -> Book:
    try:
        return Book(**priced(shop.book(c, number)))
    except shop.UnknownBook as error:
        raise HTTPException(404, str(error)) from error


@router.post(
    "/orders",
    status_code=201,
    response_model=Order,
    tags=["orders"],
    responses=UNKNOWN | STRANGER | SOLD_OUT | MALFORMED,
)
def place_order(c: Writing, user: User, order: OrderIn, response: Response) -> Any:
    """Order a book: a name and a password are needed."""
    try:
        made = shop.order(c, user, order.book, order.copies)
    except shop.UnknownBook as error:
        raise HTTPException(404, str(error)) from error
    except shop.SoldOut as error:
        raise HTTPException(409, str(error)) from error
    response.headers["location"] = f"/api/orders/{made['id']}"
    return priced(made)


@router.get("/orders", response_model=list[Order], tags=["orders"], responses=STRANGER)
def my_orders(c: Reading, user: User) -> Any:
    return [priced(row) for row in shop.orders_of(c, user)]


@router.get("/orders/{number}", response_model=Order, tags=["orders"], responses=UNKNOWN | STRANGER)
def one_order(c: Reading, user: User, number: int) -> Any:
    for row in shop.orders_of(c, user, number=number):
        return priced(row)
    raise HTTPException(404, f"You have no order number {number}.")
