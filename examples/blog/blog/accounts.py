"""Who is who: registering, logging in and out; the account's number is what the session remembers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash

from blog.store import db

__all__ = ["bp", "members_only"]

bp = Blueprint("accounts", __name__, url_prefix="/accounts")


@bp.before_app_request
def load_account() -> None:
    """Know the account before any view of the application runs."""
    number = session.get("account")
    g.account = db().execute("select id, name from account where id = ?", (number,)).fetchone() if number else None


def members_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Send who is not logged in to the form, and back afterwards."""

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if g.account is None:
            return redirect(url_for("accounts.login", next=request.path))
        return view(**values)

    return guarded


@bp.route("/register", methods=["GET", "POST"])
def register() -> Any:
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        if not name or not password:
            flash("A name and a password, please.")
        else:
            try:
                with db() as connection:
                    row = (name, generate_password_hash(password))
                    connection.execute("insert into account (name, password) values (?, ?)", row)
            except sqlite3.IntegrityError:
                flash(f"{name} is taken.")
            else:
                flash("Welcome! Now log in.")
                return redirect(url_for(".login"))
    return render_template("accounts/form.html", title="Register")


@bp.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "POST":
        row = db().execute("select * from account where name = ?", (request.form["name"],)).fetchone()
        if row is None or not check_password_hash(row["password"], request.form["password"]):
            flash("Nobody of this name has this password.")
        else:
            session.clear()
            session["account"] = row["id"]
            target = request.args.get("next", "")
            # Only a path of this site: two slashes would name another one.
            inside = target.startswith("/") and not target.startswith(("//", "/\\"))
            return redirect(target if inside else url_for("posts.index"))
    return render_template("accounts/form.html", title="Log in")


@bp.post("/logout")
def logout() -> Any:
    session.clear()
    return redirect(url_for("posts.index"))
