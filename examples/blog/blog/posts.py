"""The posts: everybody reads, members write, authors change what is theirs."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for

from blog.accounts import members_only
from blog.store import db

__all__ = ["bp"]

bp = Blueprint("posts", __name__)

ALL = "select post.id, title, body, written, account, name as author from post join account on account = account.id"


@bp.get("/")
def index() -> Any:
    return render_template("posts/index.html", posts=db().execute(f"{ALL} order by post.id desc").fetchall())


def _own(number: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db().execute(f"{ALL} where post.id = ?", (number,)).fetchone()
    if row is None:
        abort(404, f"There is no post {number}.")
    if row["account"] != g.account["id"]:
        abort(403)
    return row


def _form() -> tuple[str, str] | None:
    title, body = request.form["title"].strip(), request.form["body"]
    if not title:
        flash("A post needs a title.")
        return None
    return title, body


@bp.route("/write", methods=["GET", "POST"])
@members_only
def write() -> Any:
    if request.method == "POST" and (written := _form()):
        with db() as connection:
            row = (g.account["id"], *written)
            connection.execute("insert into post (account, title, body) values (?, ?, ?)", row)
        return redirect(url_for(".index"))
    return render_template("posts/form.html", post=None)


@bp.route("/<int:number>", methods=["GET", "POST"])
@members_only
def change(number: int) -> Any:
    post = _own(number)
    if request.method == "POST" and (written := _form()):
        with db() as connection:
            connection.execute("update post set title = ?, body = ? where id = ?", (*written, number))
        return redirect(url_for(".index"))
    return render_template("posts/form.html", post=post)


@bp.post("/<int:number>/remove")
@members_only
def remove(number: int) -> Any:
    _own(number)
    with db() as connection:
        connection.execute("delete from post where id = ?", (number,))
    return redirect(url_for(".index"))
