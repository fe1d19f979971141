"""Jinja templates as responses, with `url_for` and the request in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from fenrir.kit.templating import Environment, Template, folders, pass_context
from fenrir.starlette.background import BackgroundTask
from fenrir.starlette.datastructures import URL
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import HTMLResponse
from fenrir.starlette.types import Receive, Scope, Send

__all__ = ["Jinja2Templates"]


class _TemplateResponse(HTMLResponse):
    """A rendered template; a test client sees `response.template` and `response.context`."""

    def __init__(
        self,
        template: Template,
        context: dict[str, Any],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        self.template = template
        self.context = context
        super().__init__(template.render(context), status_code, headers, media_type, background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self.context.get("request", {})
        if "http.response.debug" in request.get("extensions", {}):
            await send({"type": "http.response.debug", "info": {"template": self.template, "context": self.context}})
        await super().__call__(scope, receive, send)


@pass_context
def _url_for(context: Mapping[str, Any], name: str, /, **path_params: Any) -> URL:
    request: Request = context["request"]
    return request.url_for(name, **path_params)


class Jinja2Templates:
    """The templates of some folders, or of a Jinja environment.

    Args:
        context_processors: functions of the request, each of which adds values to the context.
    """

    def __init__(
        self,
        directory: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        *,
        context_processors: list[Callable[[Request], dict[str, Any]]] | None = None,
        env: Environment | None = None,
    ) -> None:
        assert bool(directory) != bool(env), "either 'directory' or 'env' arguments must be passed"
        self.context_processors = context_processors or []
        self.env = env or folders(directory or ())
        self.env.globals.setdefault("url_for", _url_for)

    def get_template(self, name: str) -> Template:
        """Return a template. Raises `jinja2.TemplateNotFound`."""
        return self.env.get_template(name)

    def TemplateResponse(
        self,
        request: Request,
        name: str,
        context: dict[str, Any] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> _TemplateResponse:
        """Render a template, with `request` in its context."""
        context = context or {}
        context.setdefault("request", request)
        for processor in self.context_processors:
            context.update(processor(request))
        return _TemplateResponse(
            self.get_template(name),
            context,
            status_code=status_code,
            headers=headers,
            media_type=media_type,
            background=background,
        )
