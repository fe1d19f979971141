"""What debug mode tells a developer beyond the bare error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fenrir.flask.globals import request
from fenrir.flask.incidental import incidental

if TYPE_CHECKING:
    from fenrir.flask.application import App
    from fenrir.flask.request import Request
    from fenrir.flask.scaffold import Scaffold
    from fenrir.kit.templating import BaseLoader

    Source = tuple[str, str | None, Callable[[], bool] | None]

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text where bytes belong, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """A file is missing because the form was not sent as one with files."""

    def __init__(self, request: Request, key: str) -> None:
        message = (
            f"You tried to access the file {key!r} in the request.files dictionary but it does not exist. The mimetype"
            f" for the request is {request.mimetype!r} instead of 'multipart/form-data' which means that no file"
            ' contents were transmitted. To fix this error you should provide enctype="multipart/form-data" in your'
            " form."
        )
        names = request.form.getlist(key)
        if names:
            message += (
                "\n\nThe browser instead transmitted some file names."
                f" This was submitted: {', '.join(repr(name) for name in names)}"
            )
        super().__init__(message)
        self.msg = message

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """A redirect of the routing would make the browser drop method and form."""

    def __init__(self, request: Request) -> None:
        target = str(getattr(request.routing_exception, "new_url", ""))
        message = (
            f"A request was sent to '{request.url}', but routing issued a redirect to the canonical URL '{target}'."
        )
        if f"{request.base_url}/" == target.partition("?")[0]:
            message += (
                " The URL was defined with a trailing slash. Flask will redirect to the URL with a trailing slash if it"
                " was accessed without one."
            )
        super().__init__(
            f"{message} Send requests to the canonical URL, or use 307 or 308 for routing redirects. Otherwise,"
            " browsers will drop form data.\n\nThis exception is only raised in debug mode."
        )


def attach_enctype_error_multidict(request: Request) -> None:
    """Have `request.files[name]` say what is wrong when the name is a field of a form without files."""
    files: Any = request.files
    plain = type(files)

    class Explaining(plain):  # type: ignore[valid-type, misc]
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    Explaining.__name__, Explaining.__qualname__, Explaining.__module__ = (
        plain.__name__,
        plain.__qualname__,
        plain.__module__,
    )
    files.__class__ = Explaining


def _about(loader: BaseLoader) -> Iterator[str]:
    """Describe a loader by its plain attributes."""
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for name, value in sorted(vars(loader).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, tuple | list) and all(isinstance(item, str) for item in value):
            yield f"{name}:"
            yield from (f"  - {item}" for item in value)
        elif isinstance(value, str | int | float):
            yield f"{name}: {value!r}"


def explain_template_loading_attempts(
    app: App, template: str, attempts: list[tuple[BaseLoader, Scaffold, Source | None]]
) -> None:
    """Log where a template was looked for, in order, and what is odd about the outcome."""
    lines = [f"Locating template {template!r}:"]
    for number, (loader, owner, source) in enumerate(attempts, 1):
        if owner is app:
            where = f"application {owner.import_name!r}"
        else:
            where = f"blueprint {owner.name!r} ({owner.import_name})"
        lines.append(f"{number:5}: trying loader of {where}")
        lines.extend(f"       {line}" for line in _about(loader))
        outcome = "no match" if source is None else f"found ({source[1] or '<string>'!r})"
        lines.append(f"       -> {outcome}")
    found = sum(source is not None for *_, source in attempts)
    if found == 0:
        lines.append("Error: the template could not be found.")
    elif found > 1:
        lines.append("Warning: multiple loaders returned a match for the template.")
    blueprint = request.blueprint if request else None
    if blueprint is not None and found != 1:
        lines += [
            f"  The template was looked up from an endpoint that belongs to the blueprint {blueprint!r}.",
            "  Maybe you did not place a template in the right folder?",
            "  See https://flask.palletsprojects.com/blueprints/#templates",
        ]
    app.logger.info("\n".join(lines))


__getattr__ = incidental(__name__)
