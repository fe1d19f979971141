"""The page of an unhandled exception, for developers: its traceback, and nothing that a client could have executed.

SECURITY: it shows source lines and messages, so only the development server turns it on (`serving.run_simple` with
`use_debugger`), and it has no console: nothing in a request is ever evaluated.
"""

from __future__ import annotations

from markupsafe import escape
from werkzeug.debug.tbtools import DebugTraceback

from fenrir.core.reply import Reply
from fenrir.http.headers import MutableHeaders

__all__ = ["traceback_reply"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
h1 { font-size: 1.4rem; } h1 + p { font-size: 1.1rem; overflow-wrap: anywhere; } ul { list-style: none; padding: 0; }
h4 { font-weight: normal; margin: 1rem 0 .2rem; } cite { font-style: normal; } cite.filename { font-weight: bold; }
.source, blockquote { background: #f5f5f5; border-left: 3px solid #b33; margin: 0; padding: .4rem .8rem; }
.source { overflow-x: auto; }
.library .source { border-color: #ccc; color: #666; } pre { margin: 0; } .current { background: #fde0dc; }
.before, .after { color: #777; } .exc-divider { margin: 1.5rem 0; font-style: italic; }
"""


def traceback_reply(exc: BaseException, method: str, path: str, accept: str) -> Reply:
    """Return the answer 500 with the traceback: a page for a browser, else text."""
    traceback = DebugTraceback(exc)
    if "text/html" in accept:
        kind = "text/html; charset=utf-8"
        title = f"{type(exc).__name__} in {method} {path}"
        text = (
            f"<!doctype html>\n<html lang=en>\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
            f"<h1>{escape(type(exc).__name__)}</h1>\n<p>{escape(str(exc))}</p>\n"
            f"<p>{escape(method)} {escape(path)}</p>\n"
            f"{traceback.render_traceback_html()}\n"
        )
    else:
        kind, text = "text/plain; charset=utf-8", traceback.render_traceback_text()
    return Reply(500, MutableHeaders([("content-type", kind)]), text.encode("utf-8", "replace"))
