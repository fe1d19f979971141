"""The work, spoken to FastAPI."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

app = FastAPI()


class User(BaseModel):
    """What `body` sends and gets back."""

    id: int
    name: str
    tags: list[str] = []


@app.get("/", response_class=PlainTextResponse)
async def plaintext() -> str:
    """Answer with a constant text."""
    return "Hello, World!"


@app.get("/json")
async def json() -> dict[str, str]:
    """Answer with a small object."""
    return {"message": "Hello, World!"}


@app.get("/items/{item_id}")
async def params(item_id: int, q: str, limit: int = 5) -> dict[str, object]:
    """Validate one path and two query parameters."""
    return {"item_id": item_id, "q": q, "limit": limit}


@app.post("/users")
async def body(user: User) -> User:
    """Validate a body and answer with it."""
    return user
