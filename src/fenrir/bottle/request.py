"""Bottle's requests: a WSGI environ with properties.

`BaseRequest` works on any environ. `LocalRequest` is the request that the engine serves: its environ is a real PEP 3333
dictionary, made when something asks for it, while its body and forms are the engine's own, parsed once for all
dialects. What is stored on it as an attribute is in the notebook that all dialects share.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, quote, urljoin

from asteri.wsgi import build_environ
from fenrir.bottle.response import HTTPError, unsign
from fenrir.bottle.structures import FileUpload, FormsDict, WSGIHeaderDict
from fenrir.bottle.text import parse_auth, path_shift, touni
from fenrir.core.errors import UnreadBody
from fenrir.core.threads import on_loop
from fenrir.http.cookies import parse_cookies
from fenrir.http.forms import FormError, FormParser, is_form
from fenrir.http.json import JSONError, loads
from fenrir.http.query import TooManyFields, parse_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fenrir.core.context import RequestContext

__all__ = ["BaseRequest", "LocalRequest", "Request"]


def _as_wsgi(text: str) -> str:
    """Return text as bytes written in latin-1, as upstream's dictionaries hold it."""
    return text if text.isascii() else text.encode("utf8", "surrogateescape").decode("latin-1")


def _pairs(query: bytes) -> FormsDict:
    fields = FormsDict()
    try:
        for name, value in parse_pairs(query):
            fields.append(_as_wsgi(name), _as_wsgi(value))
    except TooManyFields as exc:
        raise HTTPError(400, str(exc)) from exc
    return fields


class BaseRequest:
    """A request over an environ. Items are those of the environ, attributes may be added."""

    MEMFILE_MAX: ClassVar[int] = 102400
    environ: dict[str, Any]

    def __init__(self, environ: dict[str, Any] | None = None) -> None:
        object.__setattr__(self, "environ", {} if environ is None else environ)
        self.environ["bottle.request"] = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.url}>"

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        key = f"bottle.request.{name}"
        if key not in self.environ:
            self.environ[key] = make()
        return self.environ[key]

    # ------------------------------------------------------------ application
    @property
    def app(self) -> Any:
        """The application."""
        return self._connected("bottle.app", "an application")

    @property
    def route(self) -> Any:
        """The route that serves the request."""
        return self._connected("bottle.route", "a route")

    @property
    def url_args(self) -> Any:
        """The values of the path by name."""
        return self._connected("route.url_args", "a route")

    def _connected(self, key: str, what: str) -> Any:
        try:
            return self.environ[key]
        except KeyError:
            raise RuntimeError(f"This request is not connected to {what}.") from None

    # ------------------------------------------------------------------- head
    @property
    def path(self) -> str:
        """The path, with exactly one slash at its beginning."""
        return "/" + str(self.environ.get("PATH_INFO", "")).lstrip("/")

    @property
    def method(self) -> str:
        """The method."""
        return str(self.environ.get("REQUEST_METHOD", "GET")).upper()

    @property
    def headers(self) -> WSGIHeaderDict:
        """The headers."""
        return WSGIHeaderDict(self.environ)

    def get_header(self, name: str, default: Any = None) -> Any:
        """Return a header."""
        return self.headers.get(name, default)

    @property
    def cookies(self) -> FormsDict:
        """The cookies; use `get_cookie` for signed ones."""

        def read() -> FormsDict:
            pairs = parse_cookies(self.environ.get("HTTP_COOKIE", ""))
            return FormsDict({name: _as_wsgi(value) for name, value in pairs.items()})

        found: FormsDict = self._kept("cookies", read)
        return found

    def get_cookie(self, key: str, default: Any = None, secret: Any = None, digestmod: Any = hashlib.sha256) -> Any:
        """Return a cookie; with a secret the value that was signed, or the default when the signature is wrong."""
        value = self.cookies.get(key)
        if secret:
            value = unsign(key, value, secret, digestmod)
            return default if value is None else value
        return value or default

    @property
    def query(self) -> FormsDict:
        """The query."""
        found: FormsDict = self._kept("query", lambda: _pairs(self.query_string.encode("latin-1", "replace")))
        return found

    @property
    def GET(self) -> FormsDict:
        """Same as `query`."""
        return self.query

    @property
    def query_string(self) -> str:
        """The query as it arrived."""
        return str(self.environ.get("QUERY_STRING", ""))

    # ------------------------------------------------------------------- body
    @property
    def body(self) -> Any:
        """The body as an open file, at its beginning."""
        body = self._kept("body", self._read_body)
        body.seek(0)
        return body

    def _read_body(self) -> Any:
        source = self.environ.get("wsgi.input")
        if source is None or (self.content_length < 0 and not self.chunked):
            body = io.BytesIO()
        else:
            body = io.BytesIO(source.read() if self.chunked else source.read(self.content_length))
        self.environ["wsgi.input"] = body
        return body

    @property
    def chunked(self) -> bool:
        """The body came in chunks."""
        return "chunked" in self.environ.get("HTTP_TRANSFER_ENCODING", "").lower()

    def _body_bytes(self, limit: int) -> bytes:
        if self.content_length > limit:
            raise HTTPError(413, "Request entity too large")
        data: bytes = self.body.read(limit + 1)
        if len(data) > limit:
            raise HTTPError(413, "Request entity too large")
        return data

    @property
    def json(self) -> Any:
        """The body as JSON if its type says so, else None. Raises a 400."""
        if self.content_type.split(";")[0].strip() not in ("application/json", "application/json-rpc"):
            return None
        return self._kept("json", self._read_json)

    def _read_json(self) -> Any:
        data = self._body_bytes(self.MEMFILE_MAX)
        if not data:
            return None
        try:
            return loads(data)
        except JSONError as exc:
            raise HTTPError(400, "Invalid JSON") from exc

    @property
    def POST(self) -> FormsDict:
        """Fields and files of a form."""
        found: FormsDict = self._kept("post", self._read_form)
        return found

    def _read_form(self) -> FormsDict:
        kind = self.environ.get("CONTENT_TYPE", "")
        if not kind.lower().startswith("multipart/"):
            # As upstream: whatever is no multipart form is read as a form of the other kind.
            return _pairs(self._body_bytes(self.MEMFILE_MAX))
        if not is_form(kind):
            return FormsDict()
        try:
            parser = FormParser(kind)
            parser.feed(self.body.read())
            return _posted(parser.finish())
        except FormError as exc:
            raise HTTPError(exc.status, exc.detail) from exc

    @property
    def forms(self) -> FormsDict:
        """The fields of a form."""
        return self._posted("forms", False)

    @property
    def files(self) -> FormsDict:
        """The uploaded files of a form."""
        return self._posted("files", True)

    def _posted(self, key: str, files: bool) -> FormsDict:
        def pick() -> FormsDict:
            chosen = FormsDict()
            chosen.recode_unicode = self.POST.recode_unicode
            for name, item in self.POST.allitems():
                if isinstance(item, FileUpload) is files:
                    chosen.append(name, item)
            return chosen

        found: FormsDict = self._kept(key, pick)
        return found

    @property
    def params(self) -> FormsDict:
        """The fields of the query and of the form."""
        params = FormsDict()
        for source in (self.query, self.forms):
            for name, value in source.allitems():
                params.append(name, value)
        return params

    # -------------------------------------------------------------------- URL
    @property
    def url(self) -> str:
        """The whole URL."""
        return self.urlparts.geturl()

    @property
    def urlparts(self) -> SplitResult:
        """The URL in its parts."""
        environ = self.environ
        scheme = environ.get("HTTP_X_FORWARDED_PROTO") or environ.get("wsgi.url_scheme", "http")
        host = environ.get("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST")
        if not host:
            host = environ.get("SERVER_NAME", "127.0.0.1")
            port = environ.get("SERVER_PORT")
            if port and port != ("80" if scheme == "http" else "443"):
                host += f":{port}"
        return SplitResult(scheme, host, quote(self.fullpath), environ.get("QUERY_STRING", ""), "")

    @property
    def fullpath(self) -> str:
        """The path with the script name before it."""
        return urljoin(self.script_name, self.path.lstrip("/"))

    @property
    def script_name(self) -> str:
        """The prefix that was taken off the path, with slashes on both sides."""
        name = self.environ.get("SCRIPT_NAME", "").strip("/")
        return f"/{name}/" if name else "/"

    def path_shift(self, shift: int = 1) -> None:
        """Move segments from the path to the script name, or back."""
        script, path = path_shift(self.environ.get("SCRIPT_NAME", "/"), self.path, shift)
        self["SCRIPT_NAME"], self["PATH_INFO"] = script, path

    @property
    def content_length(self) -> int:
        """The length of the body, -1 when the client did not say."""
        return int(self.environ.get("CONTENT_LENGTH") or -1)

    @property
    def content_type(self) -> str:
        """The content type in lower case."""
        return str(self.environ.get("CONTENT_TYPE", "")).lower()

    @property
    def is_xhr(self) -> bool:
        """X-Requested-With says XMLHttpRequest."""
        return str(self.environ.get("HTTP_X_REQUESTED_WITH", "")).lower() == "xmlhttprequest"

    @property
    def is_ajax(self) -> bool:
        """Same as `is_xhr`."""
        return self.is_xhr

    @property
    def auth(self) -> tuple[str, str | None] | None:
        """User and password of Basic authentication; (REMOTE_USER, None) when a server authenticated."""
        basic = parse_auth(self.environ.get("HTTP_AUTHORIZATION", ""))
        if basic is not None:
            return basic
        user = self.environ.get("REMOTE_USER")
        return (user, None) if user else None

    @property
    def remote_route(self) -> list[str]:
        """The client's address and those of proxies, as X-Forwarded-For has them. A client can forge it."""
        proxies = self.environ.get("HTTP_X_FORWARDED_FOR")
        if proxies:
            return [address.strip() for address in proxies.split(",")]
        remote = self.environ.get("REMOTE_ADDR")
        return [remote] if remote else []

    @property
    def remote_addr(self) -> str | None:
        """The client's address. A client can forge it."""
        route = self.remote_route
        return route[0] if route else None

    # --------------------------------------------------------------- the rest
    def copy(self) -> BaseRequest:
        """Return a request over a copy of the environ."""
        return BaseRequest(self.environ.copy())

    def get(self, value: str, default: Any = None) -> Any:
        """Return an item of the environ."""
        return self.environ.get(value, default)

    def __getitem__(self, key: str) -> Any:
        return self.environ[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if self.environ.get("bottle.request.readonly"):
            raise KeyError("The environ dictionary is read-only.")
        self.environ[key] = value
        stale: tuple[str, ...] = ()
        if key == "wsgi.input":
            stale = ("body", "forms", "files", "post", "json")
        elif key == "QUERY_STRING":
            stale = ("query",)
        elif key.startswith("HTTP_"):
            stale = ("cookies",)
        for name in stale:
            self.environ.pop(f"bottle.request.{name}", None)

    def __delitem__(self, key: str) -> None:
        self[key] = ""
        del self.environ[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.environ)

    def __len__(self) -> int:
        return len(self.environ)

    def keys(self) -> Any:
        """Return the names in the environ."""
        return self.environ.keys()

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._notes()[name]
        except KeyError:
            raise AttributeError(f"Attribute {name!r} not defined.") from None
        return value.__get__(self) if hasattr(value, "__get__") else value

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"Attribute already defined: {name}")
        self._notes()[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self._notes()[name]
        except KeyError:
            raise AttributeError(f"Attribute not defined: {name}") from None

    def _notes(self) -> Any:
        """Return where added attributes are kept."""
        return self.environ.setdefault("bottle.request.ext", {})


Request = BaseRequest


def _posted(form: Any) -> FormsDict:
    post = FormsDict()
    post.recode_unicode = False
    for name, value in form.fields:
        post.append(name, value)
    for name, upload in form.files:
        post.append(name, FileUpload(upload.file, name, upload.filename, upload.headers))
    return post


class _Input(io.RawIOBase):
    """`wsgi.input` of a request whose body the engine reads: fetched when it is first read."""

    def __init__(self, request: LocalRequest) -> None:
        self._request = request
        self._file: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._file is None:
            self._file = io.BytesIO(self._request._loaded())
        return self._file.readinto(buffer)


class LocalRequest(BaseRequest):
    """The request that is being served here."""

    def __init__(self, c: RequestContext) -> None:
        object.__setattr__(self, "_c", c)
        object.__setattr__(self, "_environ", None)

    @property
    def environ(self) -> dict[str, Any]:  # type: ignore[override]
        """The WSGI environ; the server's own when the application is served by WSGI."""
        environ: dict[str, Any] | None = self._environ
        if environ is None:
            c: RequestContext = self._c
            environ = getattr(c.exchange, "environ", None)
            if environ is None:
                environ = build_environ(c.http, io.BufferedReader(_Input(self)))
            path = environ["bottle.raw_path"] = environ.get("PATH_INFO", "")
            environ["PATH_INFO"] = path.encode("latin-1").decode("utf8", "ignore")
            environ["bottle.app"] = c.app.facade
            environ["bottle.request"] = self
            object.__setattr__(self, "_environ", environ)
        return environ

    def _loaded(self) -> bytes:
        """Return the body, reading it first if this is a worker thread before the handler (a before_request hook)."""
        c: RequestContext = self._c
        try:
            return c.body
        except UnreadBody:
            on_loop(c.load())
            return c.body

    @property
    def path(self) -> str:
        """The path, with exactly one slash at its beginning."""
        if self._environ is not None:
            return "/" + touni(self._environ.get("PATH_INFO", "")).lstrip("/")
        path: str = self._c.http.path
        return "/" + path.lstrip("/")

    @property
    def method(self) -> str:
        """The method."""
        return str(self._c.exchange.method).upper() if self._environ is None else super().method

    @property
    def app(self) -> Any:
        """The application."""
        return self._c.app.facade

    @property
    def route(self) -> Any:
        """The route that serves the request."""
        plan = self._c.plan
        if plan is None:
            raise RuntimeError("This request is not connected to a route.")
        return plan.route.options.get("bottle", plan.route)

    @property
    def url_args(self) -> dict[str, Any]:
        """The values of the path by name."""
        return dict(self._c.path_values)

    def _read_body(self) -> Any:
        return io.BytesIO(self._loaded())

    def _body_bytes(self, limit: int) -> bytes:
        data = self._loaded()
        if len(data) > limit:
            raise HTTPError(413, "Request entity too large")
        return data

    def _read_form(self) -> FormsDict:
        c: RequestContext = self._c
        if not c.content_type.lower().startswith("multipart/"):
            return super()._read_form()
        self._loaded()
        return _posted(c.form)

    def _notes(self) -> Any:
        return self._c.state
