"""What every application answers with."""

from __future__ import annotations

import os

from pydantic import BaseModel

HELLO = b"Hello, World!"
MESSAGE = {"message": "Hello, World!"}
BIG = b"x" * (1 << 20)
ROUTES = int(os.environ.get("BENCH_ROUTES", "0"))


class Address(BaseModel):
    """A part of a user."""

    street: str
    city: str
    zip: str


class User(BaseModel):
    """What `body` sends and gets back."""

    id: int
    name: str
    email: str
    tags: list[str]
    address: Address
