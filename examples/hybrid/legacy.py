"""The card catalogue, a WSGI application from the old days: nothing but PEP 3333 and the standard library.

It knows nothing of Fenrir but one thing: mounted, it is part of the same request, so `g` says who is asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import shop

from fenrir import current_app, g

__all__ = ["application"]


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request."""
    page = {"": front, "/": front, "/cards.txt": cards}.get(environ["PATH_INFO"])
    if page is None:
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"There is no such drawer.\n"]
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        start_response("405 Method Not Allowed", [("Content-Type", "text/plain"), ("Allow", "GET, HEAD")])
        return [b"The cards are to be read only.\n"]
    kind, lines = page(environ)
    start_response("200 OK", [("Content-Type", f"{kind}; charset=utf-8")])
    return (line.encode() for line in lines)


def front(environ: dict[str, Any]) -> tuple[str, Iterator[str]]:
    def lines() -> Iterator[str]:
        yield '<!doctype html><html lang="en"><title>Card catalogue</title>'
        yield '<link rel="stylesheet" href="/static/style.css"><main class="cards"><h1>Card catalogue</h1><ul>'
        for book in all_books():
            yield f"<li>{escape(book['author'])}: <cite>{escape(book['title'])}</cite>, {book['year']}</li>"
        yield f'</ul><p><a href="{escape(environ["SCRIPT_NAME"])}/cards.txt">All cards as text</a>'
        yield ' · <a href="/">Back to the shop</a></p></main></html>'

    return "text/html", lines()


def cards(environ: dict[str, Any]) -> tuple[str, Iterator[str]]:
    def lines() -> Iterator[str]:
        yield f"CARD CATALOGUE, for {g.user.name if g.user else 'a stranger'} (request {g.request_id})\n"
        for book in all_books():
            yield f"{book['year']}  {book['title']:<18}{book['author']}\n"

    return "text/plain", lines()


def all_books() -> list[dict[str, Any]]:
    with current_app.ctx.database.read() as c:
        return shop.books(c)
