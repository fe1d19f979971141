"""The third step: the blog is adopted, and new routes are written in whatever paradigm suits them, on one session.

fenrir run beside:app
"""

import sqlite3
from collections.abc import Iterator
from typing import Annotated

import fenrir

fenrir.adopt("flask")  # before the blog imports it

from blog import create_app, store  # noqa: E402
from pydantic import BaseModel, Field  # noqa: E402

from fenrir import Depends, Fenrir, HTTPException, WebSocket, WebSocketDisconnect, session  # noqa: E402

old = create_app()
app = Fenrir(__name__, title="Blog", secret_key=old.secret_key, static_folder=None)  # /static is the blog's
app.mount("/", old)


# ------------------------------------------------- a typed API, with documentation at /docs
class NewPost(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    body: str = ""


class Post(NewPost):
    id: int
    author: str


def database() -> Iterator[sqlite3.Connection]:
    """One connection a request, in a transaction."""
    connection = store.connect(old.config["DATABASE"])
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def member() -> int:
    """Return the account that the blog's own form has logged in."""
    if "account" not in session:
        raise HTTPException(401, "log in at /accounts/login")
    return session["account"]


Database = Annotated[sqlite3.Connection, Depends(database)]
Member = Annotated[int, Depends(member)]
POSTS = "select post.id, title, body, name as author from post join account on account = account.id"


@app.get("/api/me")
async def me() -> dict[str, int | None]:
    return {"account": session.get("account")}


@app.get("/api/posts")
def posts(connection: Database, limit: Annotated[int, fenrir.Query(ge=1, le=100)] = 20) -> list[Post]:
    rows = connection.execute(f"{POSTS} order by post.id desc limit ?", (limit,))
    return [Post(**dict(row)) for row in rows]


@app.post("/api/posts", status_code=201)
async def write(post: NewPost, account: Member, connection: Database) -> Post:
    made = connection.execute(
        "insert into post (account, title, body) values (?, ?, ?)", (account, post.title, post.body)
    )
    written = Post(**dict(connection.execute(f"{POSTS} where post.id = ?", (made.lastrowid,)).fetchone()))
    for reader in list(readers):
        await reader.send_json(written.model_dump())
    return written


# ------------------------------------------------------------------ a WebSocket
readers: set[WebSocket] = set()


@app.websocket("/api/live")
async def live(websocket: WebSocket) -> None:
    """Tell every new post as it is written (in this worker)."""
    await websocket.accept()
    readers.add(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        readers.discard(websocket)


# ---------------------------------------------------- a resource, as Falcon has them
class Health:
    def on_get(self, req, resp):
        resp.media = {"status": "ok"}


app.add_route("/api/health", Health())
