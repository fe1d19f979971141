"""After the second step, without a third: the adopted blog itself grows a typed API, its document and a WebSocket.

fenrir run grown:app
"""

import sqlite3
from typing import Annotated

import fenrir

fenrir.adopt("flask")  # before the blog imports it

from blog import create_app  # noqa: E402
from blog.store import db  # noqa: E402
from flask import Blueprint, abort, g  # noqa: E402
from pydantic import BaseModel, Field  # noqa: E402

from fenrir import Depends, Query, WebSocket, WebSocketDisconnect  # noqa: E402

api = Blueprint("api", __name__, url_prefix="/api")


class NewPost(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    body: str = ""


class Post(NewPost):
    id: int
    author: str


def member() -> int:
    """Return the account of whoever asks, which the blog's own `before_request` has found."""
    if g.account is None:
        abort(401, "Log in at /accounts/login.")
    return int(g.account["id"])


# The blog's own connection: its teardown closes it.
Database = Annotated[sqlite3.Connection, Depends(db)]
Member = Annotated[int, Depends(member)]
POSTS = "select post.id, title, body, name as author from post join account on account = account.id"


@api.get("/posts")
def posts(connection: Database, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Post]:
    rows = connection.execute(f"{POSTS} order by post.id desc limit ?", (limit,))
    return [Post(**dict(row)) for row in rows]


@api.post("/posts")
def write(post: NewPost, account: Member, connection: Database) -> tuple[Post, int]:
    with connection:
        row = (account, post.title, post.body)
        made = connection.execute("insert into post (account, title, body) values (?, ?, ?)", row)
    return Post(**dict(connection.execute(f"{POSTS} where post.id = ?", (made.lastrowid,)).fetchone())), 201


@api.get("/posts/<int:number>/words")
async def words(number: int, wanted: Annotated[str, Query(min_length=1)], connection: Database) -> dict[str, int]:
    found = connection.execute("select body from post where id = ?", (number,)).fetchone()
    return {wanted: 0 if found is None else found["body"].split().count(wanted)}


@api.websocket("/posts/<int:number>/live")
async def live(socket: WebSocket, number: int) -> None:
    """Count the words of drafts that are sent."""
    await socket.accept()
    try:
        while True:
            await socket.send_json({"post": number, "words": len((await socket.receive_text()).split())})
    except WebSocketDisconnect:
        pass


app = create_app()
app.register_blueprint(api)
app.serve_documents("/openapi.json", asyncapi_url="/asyncapi.json", docs_url="/docs", title="Blog")
