"""The Hollow Oak, a small bookshop: five paradigms in one application, and in one request.

    fenrir run app:app          (or: uvicorn app:app, hypercorn app:app)

pages.py speaks Flask, api.py FastAPI, stock.py Falcon, legacy.py is a WSGI application, and here stand the
listeners, the middleware and the background tasks, in Sanic's words. They share the request: its number and the person
who asks are found once, below, and read everywhere.

DEMO_DATABASE names the SQLite file (default: instance/bookshop.db), DEMO_VAN_SECONDS how often the van comes.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path
from typing import Any

import accounts
import api
import legacy
import live
import pages
from database import Database
from stock import Stock

from fenrir import Fenrir

HERE = Path(__file__).parent
CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

app = Fenrir(__name__, title="The Hollow Oak", version="1.0.0", description="A bookshop that speaks five dialects.")
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


# ---------------------------------------------------------------- start and stop
@app.listener("before_server_start")
async def open_shop(app: Any) -> None:
    database = Database(Path(os.environ.get("DEMO_DATABASE") or HERE / "instance" / "bookshop.db"))
    database.open()
    with database.read() as c:
        app.secret_key = c.execute("SELECT value FROM settings WHERE name = 'secret'").fetchone()[0]
    app.ctx.database = database
    app.ctx.news = live.News(database)
    app.add_task(app.ctx.news.watch(), name="news")
    app.add_task(live.drive_van, name="delivery van")


@app.listener("before_server_stop")
async def send_listeners_home(app: Any) -> None:
    app.ctx.news.close()


@app.listener("after_server_stop")
async def close_shop(app: Any) -> None:
    app.ctx.database.close()


# ------------------------------------------------------------ around every request
@app.on_request
def number_request(request: Any) -> None:
    given = request.headers.get("x-request-id", "")
    request.ctx.request_id = given if re.fullmatch(r"[\w.-]{1,64}", given, re.ASCII) else secrets.token_hex(8)
    request.ctx.began = time.perf_counter()


@app.on_response
def name_request(request: Any, response: Any) -> None:
    if not hasattr(request.ctx, "request_id"):
        return  # refused before anything of ours ran
    response.headers["x-request-id"] = request.ctx.request_id
    response.headers["server-timing"] = f"app;dur={(time.perf_counter() - request.ctx.began) * 1000:.1f}"


app.before_request(accounts.find_user)


@app.after_request
def protect(response: Any) -> Any:
    response.headers.setdefault("content-security-policy", CONTENT_POLICY)
    response.headers.setdefault("x-content-type-options", "nosniff")
    return response


@app.context_processor
def for_templates() -> dict[str, Any]:
    return {"form_key": accounts.form_key}


@app.template_filter("money")
def money(cents: int) -> str:
    return f"€ {cents / 100:.2f}"


# ------------------------------------------------------------------------- rooms
app.include(pages.site)  # Flask
app.include(api.router)  # FastAPI
app.include(live.router)
app.add_route("/stock/{number:int}", Stock())  # Falcon
app.mount_wsgi("/legacy", legacy.application)  # WSGI
