"""Templates: Jinja2, configured once and with escaping on. The only file that knows Jinja2.

An application has one environment. Templates are looked for in the application's own folders first, then in those of
its routers in order of registration; a router may bring templates, the application may replace any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    Template,
    TemplateNotFound,
    pass_context,
    select_autoescape,
)
from jinja2.sandbox import SandboxedEnvironment

__all__ = [
    "BaseLoader",
    "Environment",
    "FileSystemLoader",
    "Template",
    "TemplateNotFound",
    "Templates",
    "folders",
    "pass_context",
]

Names = str | Template | Sequence[str | Template]


def folders(directory: str | PathLike[str] | Sequence[str | PathLike[str]]) -> Environment:
    """Return an environment of its own for the templates of some folders; HTML and XML are escaped."""
    return Environment(loader=FileSystemLoader(directory), autoescape=select_autoescape())


class _Everywhere(BaseLoader):
    """Asks one loader after the other."""

    def __init__(self, loaders: Callable[[], Iterator[BaseLoader]]) -> None:
        self._loaders = loaders

    def get_source(self, environment: Environment, template: str) -> Any:
        for loader in self._loaders():
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        return sorted({name for loader in self._loaders() for name in loader.list_templates()})


class Templates:
    """The templates of an application.

    Args:
        autoescape: a function of the template's name (None for a text); True escapes everything.
        sandbox: templates come from people who are not trusted.
        auto_reload: look whether a file has changed each time.
        options: of `jinja2.Environment`.
    """

    def __init__(
        self,
        *,
        autoescape: bool | Callable[[str | None], bool] = True,
        sandbox: bool = False,
        auto_reload: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings: dict[str, Any] = {"autoescape": autoescape, "auto_reload": auto_reload, **(options or {})}
        self._sandbox = sandbox
        self.loaders: list[BaseLoader] = []
        self.globals: dict[str, Any] = {}
        self.processors: list[Callable[[], Mapping[str, Any]]] = []

    def add_folder(self, folder: str | PathLike[str], *, first: bool = False) -> BaseLoader:
        """Look for templates in a folder too."""
        loader = FileSystemLoader(folder)
        self.loaders.insert(0 if first else len(self.loaders), loader)
        return loader

    @cached_property
    def environment(self) -> Environment:
        """The Jinja2 environment, made at its first use; filters, tests and globals may be added to it at any time."""
        kind = SandboxedEnvironment if self._sandbox else Environment
        environment = kind(loader=_Everywhere(lambda: iter(self.loaders)), **self._settings)
        environment.globals.update(self.globals)
        return environment

    def context(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context with what the processors add; the caller's own values win."""
        merged: dict[str, Any] = {}
        for processor in self.processors:
            merged.update(processor())
        merged.update(context)
        return merged

    def template(self, names: Names) -> Template:
        """Return the first template of some names that exists. Raises TemplateNotFound."""
        return self.environment.get_or_select_template(names)  # type: ignore[arg-type]

    def text(self, source: str) -> Template:
        """Return a template made of a text; escaping is on unless `autoescape(None)` says otherwise."""
        return self.environment.from_string(source)

    def render(self, names: Names, context: Mapping[str, Any]) -> str:
        """Return a rendered template."""
        return self.template(names).render(self.context(context))

    def render_text(self, source: str, context: Mapping[str, Any]) -> str:
        """Return a rendered text."""
        return self.text(source).render(self.context(context))

    def stream(self, names: Names, context: Mapping[str, Any]) -> Iterator[str]:
        """Return the pieces of a template as it is rendered."""
        return self.template(names).generate(self.context(context))
