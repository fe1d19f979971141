"""The work, spoken to Flask."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from work import BIG, MESSAGE, ROUTES, User

app = Flask(__name__)


@app.get("/")
def plaintext() -> Response:
    return Response("Hello, World!", mimetype="text/plain")


@app.get("/json")
def json() -> dict[str, str]:
    return MESSAGE


@app.get("/sync")
def sync() -> dict[str, str]:
    return MESSAGE


@app.get("/items/<int:item_id>")
def params(item_id: int) -> dict[str, Any]:
    return {"item_id": item_id, "q": request.args["q"], "limit": request.args.get("limit", 5, type=int)}


@app.post("/users")
def body() -> Response:
    user = User.model_validate_json(request.get_data())
    return Response(user.model_dump_json(), mimetype="application/json")


@app.get("/download")
def download() -> Response:
    return Response(BIG, mimetype="application/octet-stream")


@app.post("/upload")
def upload() -> dict[str, int]:
    size = 0
    while chunk := request.stream.read(65536):
        size += len(chunk)
    return {"size": size}


def numbered(id: int) -> dict[str, int]:
    return {"id": id}


for number in range(ROUTES):
    app.add_url_rule(f"/r/{number}/<int:id>", f"r{number}", numbered)
