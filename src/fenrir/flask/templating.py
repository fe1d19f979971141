"""Templates as Flask's views use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fenrir.core.context import current
from fenrir.flask.ctx import stream_with_context
from fenrir.flask.globals import current_app
from fenrir.kit.templating import Environment, TemplateNotFound

__all__ = [
    "Environment",
    "TemplateNotFound",
    "get_template_attribute",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]


def _context(context: dict[str, Any]) -> dict[str, Any]:
    current_app.update_template_context(context)
    return context


def render_template(template_name_or_list: Any, **context: Any) -> str:
    """Return a rendered template, the first of several names that exists."""
    return current_app.templates.template(template_name_or_list).render(_context(context))


def render_template_string(source: str, **context: Any) -> str:
    """Return a rendered text. SECURITY: the text is a program; it must never come from a client."""
    return current_app.templates.text(source).render(_context(context))


def _streamed(pieces: Iterator[str]) -> Iterator[str]:
    if current.get(None) is None:
        return pieces
    streamed: Iterator[str] = stream_with_context(pieces)
    return streamed


def stream_template(template_name_or_list: Any, **context: Any) -> Iterator[str]:
    """Return the pieces of a template as it is rendered, to be returned from a view."""
    return _streamed(current_app.templates.template(template_name_or_list).generate(_context(context)))


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Return the pieces of a text as it is rendered."""
    return _streamed(current_app.templates.text(source).generate(_context(context)))


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or a variable of a template."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)
