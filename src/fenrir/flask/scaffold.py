"""What applications and blueprints have in common: the registration methods.

Each of them becomes a function of a `Site`, the place where it takes effect. An application applies it at once, a
blueprint keeps it and applies it at every registration.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fenrir.core.declare import DeclarationError, Source, Stage, caller
from fenrir.flask.hooks import error_handlers, hook, key_of
from fenrir.kit.templating import BaseLoader, FileSystemLoader

if TYPE_CHECKING:
    from fenrir.core.declare import Scope
    from fenrir.flask.cli.script import AppGroup
    from fenrir.flask.door import FlaskDoor

__all__ = ["Scaffold", "Site", "root_path_of"]

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = ("methods", "defaults", "strict_slashes")


class Site:
    """A place where registrations take effect: the application, or one registration of a blueprint.

    Attributes:
        name: full name of the blueprint, None for the application.
        level: depth of the blueprint, 0 for the application.
    """

    def __init__(self, app: FlaskDoor, scope: Scope, name: str | None, level: int) -> None:
        self.app = app
        self.scope = scope
        self.name = name
        self.level = level

    def add_hook(self, stage: Stage, user: Callable[..., Any], source: Source, *, values: bool = False) -> None:
        """Add a hook for the routes of this place."""
        level = self.level - LAST if values else self.level
        self.app.engine.add_hook(hook(self.app, stage, user, source, level, values=values), self.scope)

    def add_error_handler(self, key: type[BaseException] | int, user: Callable[..., Any], source: Source) -> None:
        """Add an error handler for the routes of this place."""
        for handler in error_handlers(self.app, key, user, source, self.scope.error_handlers):
            self.app.engine.add_error_handler(handler, self.scope)

    def add_rule(
        self,
        rule: str,
        endpoint: str | None,
        view_func: Callable[..., Any] | None,
        automatic: bool | None,
        options: dict[str, Any],
        source: Source,
    ) -> None:
        """Add a rule."""
        self.app.add_rule(self, rule, endpoint, view_func, automatic, options, source)


LAST = 1 << 10
"""More levels than blueprints can be nested: before all of them on the way in, after all of them on the way out."""


def root_path_of(import_name: str) -> str:
    """Return the directory of a module or package, the current one if it has no file."""
    module = sys.modules.get(import_name)
    file = getattr(module, "__file__", None)
    if file is None and module is None:
        from importlib.util import find_spec

        try:
            spec = find_spec(import_name)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec is not None else None
    return str(Path(file).resolve().parent) if file is not None else str(Path.cwd())


class Scaffold:
    """Base of applications and blueprints.

    Attributes:
        import_name: module or package, from which `root_path` is found.
        root_path: what `static_folder` and `template_folder` are relative to.
    """

    name: str

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.root_path = root_path if root_path is not None else root_path_of(import_name)
        self._static_folder: str | None = None
        self.static_folder = static_folder
        self._static_url_path = static_url_path
        self.template_folder = os.fspath(template_folder) if template_folder is not None else None

    def _apply(self, call: Callable[[Site], None]) -> None:
        """Make a registration take effect."""
        raise NotImplementedError

    @cached_property
    def cli(self) -> AppGroup:
        """The commands that are registered here."""
        from fenrir.flask.cli.script import AppGroup

        return AppGroup(self.name)

    # ---------------------------------------------------------------- static
    @property
    def static_folder(self) -> str | None:
        """The absolute path of the folder of static files, None if there is none."""
        return None if self._static_folder is None else str(Path(self.root_path, self._static_folder))

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = os.fspath(value).rstrip("/\\") if value is not None else None

    @property
    def has_static_folder(self) -> bool:
        """There is a folder of static files."""
        return self._static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The prefix of static files; made of the folder's name if nobody said."""
        if self._static_url_path is not None:
            return self._static_url_path.rstrip("/")
        return f"/{Path(self._static_folder).name}".rstrip("/") if self._static_folder is not None else None

    def send_static_file(self, filename: str) -> Any:
        """Return a file of the static folder; 404 if there is none."""
        from fenrir.flask.sending import send_from_directory

        if self.static_folder is None:
            raise RuntimeError("'static_folder' must be set to serve static_files.")
        return send_from_directory(self.static_folder, filename)

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> Any:
        """Open a file below `root_path` for reading."""
        if mode not in ("r", "rt", "rb"):
            raise ValueError("Resources can only be opened for reading.")
        path = Path(self.root_path, resource)
        return path.open(mode) if mode == "rb" else path.open(mode, encoding=encoding or "utf-8")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """The loader of `template_folder`, None if there is no such folder."""
        if self.template_folder is None:
            return None
        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))  # noqa: PTH118 - as it was given

    # ---------------------------------------------------------------- routes
    def route(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for a rule; options are those of `add_url_rule`."""

        def decorator(f: F) -> F:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    def _verb(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[F], F]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")
        return self.route(rule, methods=[method], **options)

    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for GET."""
        return self._verb("GET", rule, options)

    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for POST."""
        return self._verb("POST", rule, options)

    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PUT."""
        return self._verb("PUT", rule, options)

    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for DELETE."""
        return self._verb("DELETE", rule, options)

    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PATCH."""
        return self._verb("PATCH", rule, options)

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a rule.

        Args:
            endpoint: its name; the view's by default.
            provide_automatic_options: answer OPTIONS by itself.
            options: `methods`, `defaults` (values that are not in the path), `strict_slashes`.

        Raises:
            DeclarationError: the rule can not be read, or leads nowhere.
            AssertionError: the endpoint has another view.
        """
        for name in options:
            if name not in OPTIONS:
                raise TypeError(f"a Flask rule has no option {name!r}; it knows {', '.join(OPTIONS)} and endpoint")
        source = caller()
        self._apply(lambda site: site.add_rule(rule, endpoint, view_func, provide_automatic_options, options, source))

    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the view of an endpoint whose rules come from elsewhere."""

        def decorator(f: F) -> F:
            self._apply(lambda site: site.app.set_view(f"{site.name}.{endpoint}" if site.name else endpoint, f))
            return f

        return decorator

    # ----------------------------------------------------------------- hooks
    def _hook(self, stage: Stage, f: F, *, values: bool = False) -> F:
        if not callable(f):
            raise DeclarationError(f"a hook must be callable, not {f!r}", caller())
        source = caller()
        self._apply(lambda site: site.add_hook(stage, f, source, values=values))
        return f

    def before_request(self, f: F) -> F:
        """Call a function before each request; what it returns, unless None, is the response."""
        return self._hook(Stage.BEFORE_HANDLER, f)

    def after_request(self, f: F) -> F:
        """Call a function with each response; it returns that or another one."""
        return self._hook(Stage.AFTER_HANDLER, f)

    def teardown_request(self, f: F) -> F:
        """Call a function at the end of each request with the unhandled exception or None."""
        return self._hook(Stage.TEARDOWN, f)

    def url_value_preprocessor(self, f: F) -> F:
        """Call a function with endpoint and view arguments before everything else; it may change the arguments."""
        return self._hook(Stage.BEFORE_HANDLER, f, values=True)

    def url_defaults(self, f: F) -> F:
        """Call a function with endpoint and values before a URL is built; it may add values."""
        self._apply(lambda site: site.app.url_default_functions.setdefault(site.name, []).append(f))
        return f

    def context_processor(self, f: F) -> F:
        """Add what a function returns to the context of templates."""
        self._apply(lambda site: site.app.template_context_processors.setdefault(site.name, []).append(f))
        return f

    def errorhandler(self, code_or_exception: Any) -> Callable[[F], F]:
        """Register a function as the handler of a status or of a class of exceptions."""

        def decorator(f: F) -> F:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    def register_error_handler(self, code_or_exception: Any, f: Callable[..., Any]) -> None:
        """Register a handler of a status or of a class of exceptions."""
        key, source = key_of(code_or_exception), caller()
        self._apply(lambda site: site.add_error_handler(key, f, source))


def method_set(methods: Iterable[str] | None, view_func: Any) -> set[str]:
    """Return the methods of a rule, from the rule, the view, or GET."""
    if methods is None:
        methods = getattr(view_func, "methods", None) or ("GET",)
    if isinstance(methods, str):
        raise TypeError('Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])')
    return {item.upper() for item in methods} | set(getattr(view_func, "required_methods", ()))
