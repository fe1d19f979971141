"""What happens in the shop, whoever asks for it: page, API, resource or the delivery van.

Every function takes a connection whose transaction belongs to the caller.
"""

from __future__ import annotations

import hmac
import sqlite3
from dataclasses import dataclass
from typing import Any

from database import password_hash

__all__ = [
    "Person", "ShopError", "SoldOut", "UnknownBook", "book", "books", "count", "latest_news", "login", "news_after",
    "order", "orders_of", "person", "restock",
]  # fmt: skip

LARGEST = 2**63 - 1  # SQLite counts no further, and clients send what they like


class ShopError(Exception):
    """Something that the shop does not do; the text is for the customer."""


class UnknownBook(ShopError):
    """There is no book of this number."""


class SoldOut(ShopError):
    """The shelf has fewer copies than were asked for."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in."""

    name: str
    staff: bool


def person(c: sqlite3.Connection, name: str) -> Person | None:
    """Return a person by name."""
    row = c.execute("SELECT name, staff FROM people WHERE name = ?", (name,)).fetchone()
    return Person(row["name"], bool(row["staff"])) if row else None


def login(c: sqlite3.Connection, name: str, password: str) -> Person | None:
    """Return the person with this name and this password."""
    row = c.execute("SELECT * FROM people WHERE name = ?", (name,)).fetchone()
    # A name that nobody has costs as much time as a wrong password.
    salt, kept = (row["salt"], row["password"]) if row else (b"nobody", b"")
    right = hmac.compare_digest(password_hash(password, salt), kept)
    return Person(row["name"], bool(row["staff"])) if right else None


def books(
    c: sqlite3.Connection, *, search: str = "", max_cents: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return the books whose title or author contains a text, the oldest first."""
    rows = c.execute(
        "SELECT * FROM books WHERE (instr(lower(title), :text) OR instr(lower(author), :text))"
        " AND (:cents IS NULL OR cents <= :cents) ORDER BY year LIMIT :limit",
        {"text": search.lower(), "cents": max_cents, "limit": limit},
    )
    return [dict(row) for row in rows]


def book(c: sqlite3.Connection, number: int) -> dict[str, Any]:
    """Return a book. Raises `UnknownBook`."""
    row = c.execute("SELECT * FROM books WHERE id = ?", (number,)).fetchone() if abs(number) <= LARGEST else None
    if row is None:
        raise UnknownBook(f"There is no book number {number}.")
    return dict(row)


def order(c: sqlite3.Connection, who: Person, number: int, copies: int) -> dict[str, Any]:
    """Take copies from the shelf for somebody. Raises `UnknownBook` or `SoldOut`."""
    wanted = book(c, number)
    if wanted["stock"] < copies:
        left = wanted["stock"]
        raise SoldOut(f"{wanted['title']}: {'no copy is' if not left else f'only {left} of {copies} are'} left.")
    c.execute("UPDATE books SET stock = stock - ? WHERE id = ?", (copies, number))
    made = c.execute("INSERT INTO orders (book, person, copies) VALUES (?, ?, ?)", (number, who.name, copies))
    _tell(c, number, f"{who.name} ordered {wanted['title']}" + (f", {copies} copies" if copies > 1 else ""))
    return {
        "id": made.lastrowid,
        "title": wanted["title"],
        "copies": copies,
        "cents": copies * wanted["cents"],
        "person": who.name,
    }


def orders_of(
    c: sqlite3.Connection, who: Person, *, number: int | None = None, limit: int = 20
) -> list[dict[str, Any]]:
    """Return what somebody ordered, the latest first; only one order if its number is given."""
    if number is not None and abs(number) > LARGEST:
        return []
    rows = c.execute(
        "SELECT orders.id, title, copies, copies * cents AS cents, person, at FROM orders JOIN books ON books.id = book"
        " WHERE person = :name AND (:number IS NULL OR orders.id = :number) ORDER BY orders.id DESC LIMIT :limit",
        {"name": who.name, "number": number, "limit": limit},
    )
    return [dict(row) for row in rows]


def count(c: sqlite3.Connection, who: Person, number: int, counted: int) -> dict[str, Any]:
    """Correct the number of copies on the shelf. Raises `UnknownBook`, or `ShopError` when the shelf is too small."""
    found = book(c, number)
    if counted > found["room"]:
        raise ShopError(f"The shelf has room for {found['room']} copies of {found['title']}.")
    c.execute("UPDATE books SET stock = ? WHERE id = ?", (counted, number))
    _tell(c, number, f"{who.name} counted {counted} of {found['title']}")
    return book(c, number)


def restock(c: sqlite3.Connection, now: float, every: float) -> bool:
    """Let the van bring one copy of each book that has room; False when it left less than `every` seconds ago.

    There is one van, however many processes send it: the one that notes its departure drives.
    """
    left = c.execute(
        "UPDATE settings SET value = ? WHERE name = 'van left' AND CAST(value AS REAL) <= ?", (str(now), now - every)
    )
    if not left.rowcount:
        return False
    for row in c.execute("SELECT id, title FROM books WHERE stock < room").fetchall():
        c.execute("UPDATE books SET stock = stock + 1 WHERE id = ?", (row["id"],))
        _tell(c, row["id"], f"the van brought {row['title']}")
    return True


def _tell(c: sqlite3.Connection, number: int, text: str) -> None:
    c.execute("INSERT INTO news (book, stock, text) SELECT id, stock, ? FROM books WHERE id = ?", (text, number))


def news_after(c: sqlite3.Connection, last: int) -> list[dict[str, Any]]:
    """Return what happened after a piece of news, in order."""
    return [dict(row) for row in c.execute("SELECT * FROM news WHERE id > ? ORDER BY id LIMIT 100", (last,))]


def latest_news(c: sqlite3.Connection, limit: int = 6) -> list[dict[str, Any]]:
    """Return the latest pieces of news, the newest first."""
    return [dict(row) for row in c.execute("SELECT * FROM news ORDER BY id DESC LIMIT ?", (limit,))]
