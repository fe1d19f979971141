"""The database: one connection a request, opened when it is asked for, closed when the request is over."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click
from flask import Flask, current_app, g

__all__ = ["connect", "db", "init_app"]

SCHEMA = Path(__file__).with_name("schema.sql")


def connect(path: str) -> sqlite3.Connection:
    """Return a connection to the database in a file, which is made when it is not there."""
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA.read_text(encoding="utf-8"))
    return connection


def db() -> sqlite3.Connection:
    """Return the connection of this request."""
    if "connection" not in g:
        g.connection = connect(current_app.config["DATABASE"])
    return g.connection


def _close(error: BaseException | None) -> None:
    connection = g.pop("connection", None)
    if connection is not None:
        connection.close()


@click.command("clear-posts")
def clear_posts() -> None:
    """Remove every post."""
    with db() as connection:
        count = connection.execute("delete from post").rowcount
    click.echo(f"{count} posts removed")


def init_app(app: Flask) -> None:
    app.teardown_appcontext(_close)
    app.cli.add_command(clear_posts)
