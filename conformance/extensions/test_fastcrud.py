"""Routes that are made from a model, over an asynchronous session."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_fastcrud():
    from fastcrud import crud_router
    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class B(DeclarativeBase):
        pass

    class Item(B):
        __tablename__ = "item"
        id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
        name: Mapped[str]

    class S(BaseModel):
        name: str

    e = create_async_engine("sqlite+aiosqlite:///:memory:")
    mk = async_sessionmaker(e, expire_on_commit=False)

    async def session():
        async with mk() as s:
            yield s

    @asynccontextmanager
    async def lifespan(app):
        async with e.begin() as c:
            await c.run_sync(B.metadata.create_all)
        yield
        await e.dispose()

    app = FastAPI(lifespan=lifespan)
    app.include_router(crud_router(session=session, model=Item, create_schema=S, update_schema=S, path="/items"))
    with TestClient(app) as c:
        paths = c.get("/openapi.json").json()["paths"]
        r = c.post(next(p for p, m in paths.items() if "post" in m), json={"name": "a"})
        assert r.status_code in (200, 201), r.text
        g = next(p for p, m in paths.items() if "get" in m and "{id}" in p)
        assert c.get(g.replace("{id}", "1")).json()["name"] == "a"
