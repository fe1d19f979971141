"""Templates as Flask's views use them: the environment, the loader over application and blueprints, rendering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fenrir.flask.ctx import stream_with_context
from fenrir.flask.globals import current_app, g, request
from fenrir.flask.incidental import incidental
from fenrir.flask.signals import before_render_template, template_rendered
from fenrir.kit import templating as kit
from fenrir.kit.templating import BaseLoader, Template, TemplateNotFound

if TYPE_CHECKING:
    from fenrir.flask.application import App
    from fenrir.flask.scaffold import Scaffold

    Source = tuple[str, str | None, Callable[[], bool] | None]
    Names = str | Template | list[str | Template]

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "TemplateNotFound",
    "get_template_attribute",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]


def _default_template_ctx_processor() -> dict[str, Any]:
    """Put `g` and `request` themselves into the context, which are faster to ask than their proxies.

    The session stays a proxy: only whoever asks for it has looked at it.
    """
    context: dict[str, Any] = {}
    if current_app:
        context["g"] = g._get_current_object()
    if request:
        context["request"] = request._get_current_object()  # type: ignore[attr-defined]
    return context


class Environment(kit.Environment):
    """A Jinja environment that knows its application.

    Attributes:
        app: the application.
    """

    def __init__(self, app: App, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app


class DispatchingJinjaLoader(BaseLoader):
    """Looks in the folders of the application first, then in those of its blueprints in order of registration."""

    def __init__(self, app: App) -> None:
        self.app = app

    def get_source(self, environment: kit.Environment, template: str) -> Source:
        """Return the first source that there is; with EXPLAIN_TEMPLATE_LOADING look everywhere and log the findings."""
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        return self._get_source_fast(environment, template)

    def _get_source_explained(self, environment: kit.Environment, template: str) -> Source:
        attempts: list[tuple[BaseLoader, Scaffold, Source | None]] = []
        for owner, loader in self._iter_loaders(template):
            try:
                attempts.append((loader, owner, loader.get_source(environment, template)))
            except TemplateNotFound:
                attempts.append((loader, owner, None))
        from fenrir.flask.debughelpers import explain_template_loading_attempts

        explain_template_loading_attempts(self.app, template, attempts)
        for *_, source in attempts:
            if source is not None:
                return source
        raise TemplateNotFound(template)

    def _get_source_fast(self, environment: kit.Environment, template: str) -> Source:
        for _, loader in self._iter_loaders(template):
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    def _iter_loaders(self, template: str) -> Iterator[tuple[Scaffold, BaseLoader]]:
        """Iterate over those who have templates; extensions for themes choose here."""
        for owner in (self.app, *self.app.iter_blueprints()):
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates."""
        return list({name for _, loader in self._iter_loaders("") for name in loader.list_templates()})


def _app() -> App:
    app: App = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def _send(signal: Any, app: App, template: Template, context: dict[str, Any]) -> None:
    signal.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)


def _render(app: App, template: Template, context: dict[str, Any]) -> str:
    app.update_template_context(context)
    _send(before_render_template, app, template, context)
    text = template.render(context)
    _send(template_rendered, app, template, context)
    return text


def _stream(app: App, template: Template, context: dict[str, Any]) -> Iterator[str]:
    app.update_template_context(context)
    _send(before_render_template, app, template, context)

    def pieces() -> Iterator[str]:
        yield from template.generate(context)
        _send(template_rendered, app, template, context)

    streamed: Iterator[str] = stream_with_context(pieces()) if request else pieces()
    return streamed


def render_template(template_name_or_list: Names, **context: Any) -> str:
    """Return a rendered template, the first of several names that exists."""
    app = _app()
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Return a rendered text. SECURITY: the text is a program; it must never come from a client."""
    app = _app()
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(template_name_or_list: Names, **context: Any) -> Iterator[str]:
    """Return the pieces of a template as it is rendered, to be returned from a view."""
    app = _app()
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Return the pieces of a text as it is rendered."""
    app = _app()
    return _stream(app, app.jinja_env.from_string(source), context)


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or a variable of a template."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


__getattr__ = incidental(__name__)
