"""What applications and blueprints have in common: the registration methods, and the tables that they fill.

The tables are plain dictionaries, by the name of a blueprint (None: the owner itself), because extensions read and
change them. Nothing else remembers what was registered.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from werkzeug.exceptions import HTTPException, default_exceptions

from fenrir.flask.globals import current_app
from fenrir.flask.origins import get_root_path
from fenrir.flask.sending import send_from_directory
from fenrir.flask.templating import _default_template_ctx_processor
from fenrir.kit.templating import BaseLoader, FileSystemLoader

if TYPE_CHECKING:
    from datetime import timedelta

    from fenrir.flask.response import Response

__all__ = ["Scaffold", "find_package", "setupmethod"]

F = TypeVar("F", bound=Callable[..., Any])
Key = str | None
Functions = dict[Key, list[Callable[..., Any]]]

_sentinel: Any = object()


def setupmethod(f: F) -> F:
    """Refuse a registration that comes too late to be seen by all requests."""
    name = f.__name__

    def wrapper(self: Scaffold, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return cast(F, update_wrapper(wrapper, f))


class Scaffold:
    """The registration methods of an application or a blueprint.

    Attributes:
        view_functions: views by endpoint.
        error_handler_spec: error handlers by blueprint, status (or None) and class.
        before_request_funcs, after_request_funcs, teardown_request_funcs, url_value_preprocessors,
            url_default_functions, template_context_processors: functions by blueprint, in order of registration.
    """

    name: str
    cli: Any
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        self.view_functions: dict[str, Callable[..., Any]] = {}
        self.error_handler_spec: dict[Key, dict[int | None, dict[type[Exception], Callable[..., Any]]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self.before_request_funcs: Functions = defaultdict(list)
        self.after_request_funcs: Functions = defaultdict(list)
        self.teardown_request_funcs: Functions = defaultdict(list)
        self.url_value_preprocessors: Functions = defaultdict(list)
        self.url_default_functions: Functions = defaultdict(list)
        self.template_context_processors: Functions = defaultdict(list, {None: [_default_template_ctx_processor]})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    # ----------------------------------------------------------------- files
    @property
    def static_folder(self) -> str | None:
        """The folder of static files, absolute; None if there is none."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)  # noqa: PTH118 - upstream's spelling of the path

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip("\\/")

    @property
    def has_static_folder(self) -> bool:
        """Static files are served."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The prefix of static files: the one that was set, or the name of the folder."""
        if self._static_url_path is not None:
            return self._static_url_path
        folder = self.static_folder
        # The name of "folder/" is empty: then static files stand at the root.
        return None if folder is None else f"/{os.path.basename(folder)}".rstrip("/")  # noqa: PTH119

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """The loader of the owner's own templates."""
        if self.template_folder is None:
            return None
        return FileSystemLoader(Path(self.root_path, self.template_folder))

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return for how many seconds a client may keep a file without asking."""
        value: timedelta | int | None = current_app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return value if value is None or isinstance(value, int) else int(value.total_seconds())

    def send_static_file(self, filename: str) -> Response:
        """Answer with a file of the static folder: the view of the endpoint `static`.

        Raises:
            RuntimeError: there is no such folder.
        """
        folder = self.static_folder
        if folder is None:
            raise RuntimeError("'static_folder' must be set to serve static_files.")
        return send_from_directory(folder, filename, max_age=self.get_send_file_max_age(filename))

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open a file of the owner for reading."""
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Resources can only be opened for reading.")
        return Path(self.root_path, resource).open(mode, encoding=None if mode == "rb" else encoding)

    # ---------------------------------------------------------------- routes
    def _method_route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[F], F]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for GET."""
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for POST."""
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PUT."""
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for DELETE."""
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PATCH."""
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for a rule; options are those of `add_url_rule`."""

        def decorator(f: F) -> F:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a rule."""
        raise NotImplementedError

    @setupmethod
    def websocket(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register an `async def` for the WebSocket connections of a rule; options are those of `add_websocket_rule`.

        No method of upstream: there are no WebSockets in Flask.
        """

        def decorator(f: F) -> F:
            endpoint = options.pop("endpoint", None)
            self.add_websocket_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_websocket_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        handler: Callable[..., Any] | None = None,
        *,
        dependencies: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        """Register a handler of WebSocket connections."""
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the view of an endpoint whose rules come from elsewhere."""

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    # ----------------------------------------------------------------- hooks
    def _add_function(self, table: str, key: Key, f: Callable[..., Any]) -> None:
        """Enter a function into one of the tables; where an engine has to know of it, a subclass tells it."""
        getattr(self, table).setdefault(key, []).append(f)

    @setupmethod
    def before_request(self, f: F) -> F:
        """Call a function before each request; what it returns, unless None, is the response."""
        self._add_function("before_request_funcs", None, f)
        return f

    @setupmethod
    def after_request(self, f: F) -> F:
        """Call a function with each response; it returns that or another one."""
        self._add_function("after_request_funcs", None, f)
        return f

    @setupmethod
    def teardown_request(self, f: F) -> F:
        """Call a function at the end of each request with the unhandled exception or None."""
        self._add_function("teardown_request_funcs", None, f)
        return f

    @setupmethod
    def context_processor(self, f: F) -> F:
        """Add what a function returns to the context of templates."""
        self._add_function("template_context_processors", None, f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: F) -> F:
        """Call a function with endpoint and view arguments before everything else; it may change the arguments."""
        self._add_function("url_value_preprocessors", None, f)
        return f

    @setupmethod
    def url_defaults(self, f: F) -> F:
        """Call a function with endpoint and values before a URL is built; it may add values."""
        self._add_function("url_default_functions", None, f)
        return f

    # ---------------------------------------------------------------- errors
    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[F], F]:
        """Register a function as the handler of a status or of a class of exceptions."""

        def decorator(f: F) -> F:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception: type[Exception] | int, f: Callable[..., Any]) -> None:
        """Register a handler of a status or of a class of exceptions."""
        cls, code = self._get_exc_class_and_code(code_or_exception)
        self._add_error_handler(None, code, cls, f)

    def _add_error_handler(self, key: Key, code: int | None, cls: type[Exception], f: Callable[..., Any]) -> None:
        """Enter an error handler into its table, as `_add_function` does."""
        self.error_handler_spec[key][code][cls] = f

    @staticmethod
    def _get_exc_class_and_code(exc_class_or_code: type[Exception] | int) -> tuple[type[Exception], int | None]:
        """Return the class that an error handler is for, and its status if it has one."""
        cls: Any = exc_class_or_code
        if isinstance(cls, int):
            if cls not in default_exceptions:
                raise ValueError(
                    f"'{cls}' is not a recognized HTTP error code. Use a subclass of HTTPException with that code"
                    " instead."
                )
            cls = default_exceptions[cls]
        only = "Handlers can only be registered for Exception classes or HTTP error codes."
        if isinstance(cls, Exception):
            raise TypeError(f"{cls!r} is an instance, not a class. {only}")
        if not issubclass(cls, Exception):
            raise ValueError(f"'{cls.__name__}' is not a subclass of Exception. {only}")
        return cls, (cls.code if issubclass(cls, HTTPException) else None)


def _endpoint_from_view_func(view_func: Callable[..., Any] | None) -> str:
    """Return the endpoint of a view that was given none: its name."""
    assert view_func is not None, "expected view func if endpoint is not provided."
    return view_func.__name__


def _folder_of(import_name: str) -> Path:
    """Return the folder in which the outermost package of a module lies; the current one if it has none."""
    outermost = import_name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(outermost)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Path.cwd()
    places = spec.submodule_search_locations
    if not places:
        return Path(spec.origin or "").parent
    if spec.origin not in (None, "namespace"):
        return Path(spec.origin).parent.parent
    # A namespace has several places; the module lies in one of them.
    chosen = next(iter(places))
    inner = importlib.util.find_spec(import_name)
    if inner is not None and inner.submodule_search_locations:
        inside = Path(os.path.commonpath(list(inner.submodule_search_locations)))
        chosen = next((place for place in places if inside.is_relative_to(place)), chosen)
    return Path(chosen).parent


def find_package(import_name: str) -> tuple[str | None, str]:
    """Return the prefix under which a package is installed, None if it is not, and the folder that it lies in."""
    folder = _folder_of(import_name)
    prefix = Path(sys.prefix).absolute()
    if folder.is_relative_to(prefix):
        return str(prefix), str(folder)
    if folder.name.lower() != "site-packages":
        return None, str(folder)
    above = folder.parent
    if above.name.lower() == "lib":
        return str(above.parent), str(folder)
    if above.parent.name.lower() == "lib":
        return str(above.parent.parent), str(folder)
    return str(above), str(folder)
