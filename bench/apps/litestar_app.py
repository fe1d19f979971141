"""The work, spoken to Litestar."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, MediaType, Request, Router, get, post, websocket_listener
from litestar.di import Provide
from work import BIG, MESSAGE, ROUTES, User


@get("/", media_type=MediaType.TEXT)
async def plaintext() -> str:
    return "Hello, World!"


@get("/json")
async def json() -> dict[str, str]:
    return MESSAGE


@get("/sync", sync_to_thread=True)
def sync() -> dict[str, str]:
    return MESSAGE


@get("/items/{item_id:int}")
async def params(item_id: int, q: str, limit: int = 5) -> dict[str, Any]:
    return {"item_id": item_id, "q": q, "limit": limit}


@post("/users", status_code=200)
async def body(data: User) -> User:
    return data


async def first(q: str = "x") -> str:
    return q


async def second(first: str) -> str:
    return first + "b"


async def third(second: str) -> str:
    return second + "c"


@get("/di", dependencies={"first": Provide(first), "second": Provide(second), "third": Provide(third)})
async def di(third: str) -> dict[str, str]:
    return {"v": third}


@get("/download", media_type="application/octet-stream")
async def download() -> bytes:
    return BIG


@post("/upload", status_code=200)
async def upload(request: Request[Any, Any, Any]) -> dict[str, int]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return {"size": size}


@websocket_listener("/ws")
async def ws(data: str) -> str:
    return data


@get("/{id:int}")
async def numbered(id: int) -> dict[str, int]:
    return {"id": id}


app = Litestar(
    [
        *(plaintext, json, sync, params, body, di, download, upload, ws),
        *(Router(f"/r/{number}", route_handlers=[numbered]) for number in range(ROUTES)),
    ],
    openapi_config=None,
    request_max_body_size=1 << 24,
)
