"""The pages, in Flask's words: a blueprint, templates, a session and flashed messages."""

from __future__ import annotations

from typing import Any

import accounts
import shop

from fenrir import current_app
from fenrir.flask import Blueprint, flash, g, redirect, render_template, request, session, url_for

__all__ = ["site"]

site = Blueprint("pages", __name__)
site.before_request(accounts.check_form)


@site.get("/")
def shelf() -> str:
    search = request.args.get("q", "").strip()
    with current_app.ctx.database.read() as c:
        found, news = shop.books(c, search=search), shop.latest_news(c)
    return render_template("shelf.html", books=found, news=news, search=search)


@site.post("/login")
def login() -> Any:
    with current_app.ctx.database.read() as c:
        who = shop.login(c, request.form.get("name", ""), request.form.get("password", ""))
    if who is None:
        flash("Nobody of this name has this password.", "error")
    else:
        session.clear()
        session["user"] = who.name
        flash(f"Good day, {who.name}.", "success")
    return redirect(url_for("pages.shelf"), 303)


@site.post("/logout")
def logout() -> Any:
    session.clear()
    flash("You are logged out.", "success")
    return redirect(url_for("pages.shelf"), 303)


@site.post("/order/<int:number>")
@accounts.login_required
def order(number: int) -> Any:
    try:
        with current_app.ctx.database.write() as c:
            made = shop.order(c, g.user, number, 1)
    except shop.ShopError as error:
        flash(str(error), "error")
    else:
        flash(f"Ordered: {made['title']}. We keep it at the counter for you.", "success")
    return redirect(url_for("pages.shelf"), 303)


@site.get("/orders")
@accounts.login_required
def orders() -> str:
    with current_app.ctx.database.read() as c:
        return render_template("orders.html", orders=shop.orders_of(c, g.user))


@site.get("/favicon.ico")
def favicon() -> Any:
    return redirect(url_for("static", filename="oak.svg"), 301)
