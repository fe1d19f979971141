"""Typed views: what a signature asks for is gathered, validated and made, then the view is called with it.

One `Injection` is made for a rule and a view. Its program is written like the plans of other dialects, in two forms:
for plain code, which is what dispatching is (a worker thread, a WSGI server's thread, a test), and for the loop, where
an `async def` view runs without a thread when nothing stands around it. Everything happens where Flask calls the view:
after the hooks before it, within the contexts of the request; what is raised goes to Flask's error handlers.

What a dependency with `yield` has opened is closed when the contexts of the request are torn down, before the
functions of `teardown_request`; when the view raises, before the error handlers. One of `scope="function"` is closed
when the view has returned.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union, cast, get_args, get_origin

from werkzeug.wsgi import get_host

from fenrir.core.binding import ArgumentSource, Binding, BodyNeed, Given, Node, NodeKind, Outcome
from fenrir.core.context import RequestContext as EngineContext
from fenrir.core.context import State, current
from fenrir.core.declare import DeclarationError, Mode, Source, mode_of
from fenrir.core.doors.wsgi import WSGIExchange
from fenrir.core.errors import StatusError
from fenrir.core.exits import Exits
from fenrir.core.reply import Reply
from fenrir.core.steps import Steps
from fenrir.core.writer import Writer
from fenrir.flask.exceptions import adopt
from fenrir.flask.globals import CONTEXT, _cv_app, request
from fenrir.flask.invalid import RequestValidationError
from fenrir.flask.kept import in_one_task, waiting, within_places
from fenrir.flask.request import Request
from fenrir.flask.signatures import Asked, asked_by
from fenrir.http.forms import Form, FormFile
from fenrir.http.headers import MutableHeaders
from fenrir.kit.background import BackgroundTasks
from fenrir.kit.validation import Serializer, bind_signature, dump_plain, return_annotation
from fenrir.kit.validation.errors import FieldTypeError
from fenrir.kit.validation.graph import signature_of
from fenrir.kit.validation.shapes import holds_model

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import Rule

    from fenrir.flask.app import Flask
    from fenrir.flask.ctx import RequestContext

__all__ = ["Injection", "bound_view", "given", "injection_for", "model_of_result"]

VALUES = "fenrir.flask: values"
"""Where a request keeps what its view is called with, among the notes of its context."""

JSON = ((b"content-type", b"application/json"),)


class _Names(NamedTuple):
    """The variables of a rule, as far as signatures are read against a pattern."""

    names: tuple[str, ...]


def injection_for(
    app: Flask,
    rule: Rule,
    view: Callable[..., Any],
    source: Source | None = None,
    dependencies: Sequence[Any] = (),
    taken: frozenset[str] = frozenset(),
) -> Injection | None:
    """Return what calls a view with all that it asks for; None if that is nothing but the values of its URL.

    Args:
        dependencies: run before the others, their values dropped.
        taken: more names for which `request.view_args` has the values (`url_value_preprocessor`).

    Raises:
        DeclarationError: a marked signature makes no sense.
    """
    asked = Asked.BY_MARKER if dependencies else asked_by(view, {*rule.arguments, *taken})
    if asked is Asked.NOTHING:
        return None
    try:
        return Injection(app, rule, view, source, dependencies, taken)
    except Exception:
        if asked is Asked.BY_MARKER:
            raise
        return None  # an annotation of any kind, which is not meant for us: whoever calls the view knows what for


def given(name: str, annotation: Any, position: int) -> ArgumentSource | None:
    """Say which arguments the dialect gives: the request first of all, and what an annotation names."""
    if isinstance(annotation, type):
        if issubclass(annotation, Request):
            return Given(lambda c: request._get_current_object())  # type: ignore[attr-defined]
        if issubclass(annotation, BackgroundTasks):
            return Given(_background)
        make = _view_of(annotation)
        return None if make is None else Given(lambda c: c.note(f"view: {annotation!r}", make))
    if annotation is inspect.Parameter.empty and name in ("request", "req") and position == 0:
        return Given(lambda c: request._get_current_object())  # type: ignore[attr-defined]
    return None


def _view_of(annotation: type) -> Callable[[EngineContext], Any] | None:
    """Return what makes the request or the WebSocket of another dialect: in this house such a class has `of(c)`."""
    make: Any = getattr(annotation, "of", None)
    if not any(base.__module__.startswith("fenrir.") for base in annotation.__mro__) or not inspect.ismethod(make):
        return None
    return make if [*inspect.signature(make).parameters] == ["c"] else None


def _nothing(c: EngineContext) -> Mapping[str, Any]:
    return {}


def _values(c: EngineContext) -> Mapping[str, Any]:
    """Return what the view is called with by Flask: the values of the path, after all hooks."""
    found: Mapping[str, Any] | None = c.notes.get(VALUES) if c.notes is not None else None
    return found if found is not None else request.view_args or {}


def _background(c: EngineContext) -> BackgroundTasks:
    def make(c: EngineContext) -> BackgroundTasks:
        tasks = BackgroundTasks()
        c.after_sending(tasks)
        return tasks

    tasks: BackgroundTasks = c.note("background", make)
    return tasks


def bound_view(
    view: Callable[..., Any],
    names: Sequence[str],
    overrides: Mapping[Any, Any],
    taken: frozenset[str] = frozenset(),
    dependencies: Sequence[Any] = (),
) -> Binding:
    """Return the binding of a view; a variable whose annotation nothing can be checked against stays what it is."""

    def bind(kept: frozenset[str]) -> Binding:
        def reserved(name: str, annotation: Any, position: int) -> ArgumentSource | None:
            if name in kept:
                return Given(lambda c: _values(c)[name])
            return given(name, annotation, position)

        checked = _Names(tuple(name for name in names if name not in kept))
        return bind_signature(
            _without_rest(view),
            cast(Any, checked),
            reserved=reserved,
            overrides=overrides,
            dependencies=dependencies,
            invalid=RequestValidationError,
        )

    try:
        return bind(taken)
    except FieldTypeError as error:
        try:
            return bind(taken | frozenset(names))
        except DeclarationError:
            raise error from None


_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _without_rest(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return what has the signature of a view but for `*args` and `**kwargs`, which ask for nothing."""
    signature = signature_of(view)
    kept = [parameter for parameter in signature.parameters.values() if parameter.kind not in _REST]
    if len(kept) == len(signature.parameters):
        return view

    def stand_in() -> None: ...

    stand_in.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return update_wrapper(stand_in, view, ("__module__", "__name__", "__qualname__"), ())


def _rest_of(view: Callable[..., Any]) -> Callable[[EngineContext], Mapping[str, Any]] | None:
    """Return what gives a view with `**kwargs` the values of its URL that it does not name."""
    parameters = inspect.signature(view).parameters
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return lambda c: {name: value for name, value in _values(c).items() if name not in parameters}


def model_of_result(view: Callable[..., Any], source: Source | None = None) -> Serializer | None:
    """Return the filter of what a typed view returns, if its annotation has a model in it."""
    bodies = tuple(_bodies(return_annotation(view)))
    return Serializer(Union[bodies], source=source) if bodies else None  # noqa: UP007 - they are known at run time


def _bodies(annotation: Any) -> Iterator[Any]:
    """Return what is a body with a model in an annotation: of a tuple the first member, of a union each."""
    origin = get_origin(annotation)
    if origin is tuple:
        yield from _bodies(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _bodies(member)
    elif holds_model(annotation):
        yield annotation


class Injection:
    """A typed view under one rule.

    Attributes:
        binding: where its arguments come from.
        has_exits: something is open until the request ends.
        model: of what it returns.
    """

    def __init__(
        self,
        app: Flask,
        rule: Rule,
        view: Callable[..., Any],
        source: Source | None,
        dependencies: Sequence[Any],
        taken: frozenset[str],
    ) -> None:
        self._app = app
        self._rule = rule
        self._view = view
        self._source = source
        self._dependencies = dependencies
        self._taken = taken
        self._rest = _rest_of(view)
        self._names = (*rule._converters, *(name for name in rule.defaults or () if name not in rule._converters))
        self._expected = {*self._names, *taken}
        self._others: dict[frozenset[str], Injection | None] = {}
        self.binding = self._bound(self._names, app.dependency_overrides, taken)
        self.has_exits = any(node.kind is not NodeKind.CALL for node in self.binding.nodes)
        self.model = model_of_result(view, source)
        self._title = f"{rule.rule} · {getattr(view, '__qualname__', view)}"
        self._here: Callable[..., Any] | None = None
        self._on_loop: Callable[..., Any] | None = None

    def _bound(self, names: Sequence[str], overrides: Mapping[Any, Any], taken: frozenset[str]) -> Binding:
        return bound_view(self._view, names, overrides, taken, self._dependencies)

    # ------------------------------------------------------------------ calls
    def call(self, context: RequestContext, view: Callable[..., Any], values: Mapping[str, Any] | None = None) -> Any:
        """Call the view, or what has taken its place, in plain code; return its value.

        Args:
            values: what it is called with by Flask, in the place of `request.view_args`.
        """
        if values is None:
            values = context.request.view_args or {}
        if not values.keys() <= self._expected:
            return self._for_more(context, view, values)
        c = engine_context(context)
        c.note(VALUES, _nothing)
        cast("dict[str, Any]", c.notes)[VALUES] = values
        self._load(c, context.request)
        return self._run(context, c, self._app.ensure_sync(view))

    async def awaited(self, context: RequestContext, view: Callable[..., Any]) -> Any:
        """Call an `async def` view on the loop; only for what leaves nothing open."""
        c = context._c
        assert c is not None
        self._load(c, context.request)
        if self._on_loop is None:
            program = _Program(self._gathering(self.binding), self._rest)
            self._on_loop = program.written(loop=True, title=self._title)
        try:
            return self._rendered(await self._on_loop(c, view))
        except StatusError as exc:
            _raise_adopted(exc)

    def shared(self, names: Sequence[str], overrides: Mapping[Any, Any], taken: frozenset[str]) -> Binding:
        """Return the binding for an engine that other dialects share, which runs it as it runs theirs."""
        view, rendered, trusted = self._view, self._rendered, self._app.config

        rest = self._rest or _nothing

        def call(*args: Any, **values: Any) -> Any:
            _check_host(trusted["TRUSTED_HOSTS"])
            return rendered(view(*args, **values, **rest(current.get())))

        async def awaited(*args: Any, **values: Any) -> Any:
            _check_host(trusted["TRUSTED_HOSTS"])
            return rendered(await view(*args, **values, **rest(current.get())))

        binding = self._bound(names, overrides, taken)
        return replace(binding, handler=awaited if mode_of(view) is Mode.LOOP else call)

    def _for_more(self, context: RequestContext, view: Callable[..., Any], values: Mapping[str, Any]) -> Any:
        """Call it with what a function of `url_value_preprocessor` has added."""
        more = frozenset(values) - self._expected
        if more not in self._others:
            self._others[more] = injection_for(
                self._app, self._rule, self._view, self._source, self._dependencies, self._taken | more
            )
        other = self._others[more]
        if other is not None:
            return other.call(context, view, values)
        return self._app.ensure_sync(view)(**values)

    def _run(self, context: RequestContext, c: EngineContext, view: Callable[..., Any]) -> Any:
        if self._here is None:
            binding = replace(self.binding, nodes=tuple(map(_for_plain_code, self.binding.nodes)))
            self._here = _Program(self._gathering(binding), self._rest).written(loop=False, title=self._title)
        try:
            if not self.has_exits:
                return self._rendered(self._here(c, view))
            exits = Exits()
            early = Exits(exits)
            try:
                value = self._rendered(self._here(c, view, exits, early))
                if (left := early.close(None)) is not None:
                    raise left
            except BaseException as exc:
                left = exits.close(early.close(exc))
                if left is not None and left is not exc:
                    raise left  # noqa: B904 - it has its own cause
                raise
            if context.is_held:
                context.on_teardown(exits.close)
            elif (left := exits.close(None)) is not None:
                raise left
            return value
        except StatusError as exc:
            _raise_adopted(exc)

    def _gathering(self, binding: Binding) -> Binding:
        """Return a binding that takes the values of the path from the request, where hooks may have changed them."""
        gather = binding.gather
        about = binding.about
        if gather is None or not any(parameter.location == "path" for parameter in about.parameters):
            return binding
        names = tuple(name for name in self._names if name not in self._taken)

        def gathered(c: EngineContext) -> Outcome:
            values = _values(c)
            before, c.values = c.values, tuple(values.get(name) for name in names)
            try:
                return gather(c)
            finally:
                c.values = before

        return replace(binding, gather=gathered)

    # ----------------------------------------------------------------- bodies
    def _load(self, c: EngineContext, current: Request) -> None:
        """Have the body there, read by the request of this dialect and within its limits."""
        if self.binding.body is BodyNeed.BYTES:
            c.keep_body(current.get_data())
        elif self.binding.body is BodyNeed.FORM and c.kept_form is None:
            c.adopt_form(_form_of(current))

    def _rendered(self, value: Any) -> Any:
        """Write models; everything else is what it is to every view."""
        if isinstance(value, tuple):
            return (self._written(value[0]), *value[1:]) if value else value
        return self._written(value)

    def _written(self, value: Any) -> Any:
        if isinstance(value, (str, bytes)) or value is None or hasattr(value, "__reply__") or _is_response(value):
            return value
        if self.model is not None:
            return Reply(200, MutableHeaders.of_checked(JSON), self.model.dump(value))
        if hasattr(type(value), "model_dump_json"):
            return Reply(200, MutableHeaders.of_checked(JSON), dump_plain(value))
        return value


def _check_host(trusted: Any) -> None:
    if trusted is not None:
        get_host(request.environ, trusted)  # raises for another one


def _is_response(value: Any) -> bool:
    from werkzeug.wrappers import Response

    return isinstance(value, Response)


def _raise_adopted(exc: StatusError) -> NoReturn:
    """Raise an error with a status as Flask's handlers know it."""
    adopted: Exception | HTTPException = adopt(exc)
    if adopted is exc:
        raise exc
    raise adopted from exc


def engine_context(context: RequestContext) -> EngineContext:
    """Return the engine's context of a request; of one that comes from a WSGI server it is made of the environ."""
    c = context._c
    if c is None:
        c = context.__dict__.get("_made")
    if c is None:
        environ = context.request.environ
        c = context.__dict__["_made"] = EngineContext(WSGIExchange(environ, cast(Any, None)), context.app.engine)
        c.notes = {CONTEXT: context, "wsgi: environ": environ}
        notebook = _cv_app.get().g
        if isinstance(notebook, State):
            c._state = notebook
        context._after_request_functions.append(lambda response: _ended_with(c, response))
    return c


def _ended_with(c: EngineContext, response: Any) -> Any:
    """Run what was left for after the response, when the server has sent that."""
    for task in c.background or ():
        response.call_on_close(waiting(task))
    return response


def _form_of(current: Request) -> Form:
    parts: list[tuple[str, str | FormFile]] = list(current.form.items(multi=True))
    files: list[tuple[str, FormFile]] = []
    for name, storage in current.files.items(multi=True):
        stream = cast(Any, storage.stream)
        size = stream.seek(0, 2)
        stream.seek(0)
        headers = tuple((key.lower(), value) for key, value in storage.headers)
        files.append((name, FormFile(name, storage.filename or "", storage.content_type or "", headers, stream, size)))
    return Form([cast(Any, part) for part in parts], files, [*parts, *files])


# ------------------------------------------------------------------- programs
class _PlainWriter(Writer):
    """Plain code waits for coroutines, whichever loop there is."""

    def awaited(self, expression: str) -> str:
        """Write the waiting."""
        from fenrir.core.background import wait_for

        self.value("wait_for", wait_for)
        return f"wait_for({expression})"


class _Program(Steps):
    """The text of one injection."""

    def __init__(self, binding: Binding, rest: Callable[[EngineContext], Mapping[str, Any]] | None) -> None:
        super().__init__(cast(Any, None), binding)
        self._rest = rest

    def written(self, *, loop: bool, title: str) -> Callable[..., Any]:
        """Write and compile it: `(c, view)`, and `exits, early` where there are any."""
        if not loop:
            self.w = _PlainWriter()
        w = self.w
        w.in_thread = not loop
        w.indent = 1
        self.gather()
        for index, node in enumerate(self.binding.nodes):
            self.node(index, node)
        self.refuse()
        arguments = self.arguments(self.binding.arguments, "view")
        if self._rest is not None:
            arguments = f"{arguments}{', ' if arguments else ''}**{w.value('rest', self._rest)}(c)"
        w.line(f"return {'await ' if loop else ''}view({arguments})")
        w.indent = 0
        exits = ", exits, early" if self.has_exits else ""
        w.lines.insert(0, f"{'async ' if loop else ''}def injected(c, view{exits}):")
        return w.compiled("injected", title)[0]


def _for_plain_code(node: Node) -> Node:
    """Return a dependency that plain code can run: async managers live in a task of their own."""
    if node.limit is None and node.kind is not NodeKind.ASYNC_CONTEXT:
        return node
    call, mode, kind = node.call, node.mode, node.kind
    if kind is NodeKind.ASYNC_CONTEXT:
        call, mode, kind = _kept(call), Mode.THREAD, NodeKind.CONTEXT
    if node.limit is not None:
        call, mode = within_places(call, node.limit, kind, awaited=mode is Mode.LOOP), Mode.THREAD
    return replace(node, call=call, mode=mode, kind=kind, limit=None)


def _kept(call: Callable[..., Any]) -> Callable[..., AbstractContextManager[Any]]:
    return lambda *args, **kwargs: in_one_task(call(*args, **kwargs))
