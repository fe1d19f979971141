"""`app.test_client()`: Flask's client over the test client of this framework.

`fenrir.testing` is a layer above the dialects, so it is found by its name when a client is made: an application that is
only served never loads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.flask.response import Response
from fenrir.flask.still import build_exchange
from fenrir.http.cookies import parse_cookies
from fenrir.http.headers import MutableHeaders
from fenrir.http.query import encode_pairs
from fenrir.kit.sessions import Session, save_session
from fenrir.kit.sessions.config import config_of
from fenrir.kit.sessions.store import open_session

if TYPE_CHECKING:
    from fenrir.flask.app import Flask

__all__ = ["FlaskClient", "TestResponse"]


class TestResponse(Response):
    """A response as a client got it.

    Attributes:
        history: redirects on the way here.
        request_path: path and query of the request that it answers.
    """

    __test__ = False  # not a test case of pytest
    history: tuple[Any, ...] = ()
    request_path: str = ""


class FlaskClient:
    """A client in the tests' own process.

    Args:
        use_cookies: keep cookies from one request to the next.
        door: "direct" as Asteri serves, "asgi" as other servers do.
    """

    def __init__(self, application: Flask, use_cookies: bool = True, door: str = "direct") -> None:
        self.application = application
        self._use_cookies = use_cookies
        self._base_url = application._base_url().rstrip("/")
        propagate = application.config["PROPAGATE_EXCEPTIONS"]
        self._client = import_module("fenrir.testing").Client(
            application,
            door=door,
            base_url=self._base_url,
            raise_server_exceptions=(application.testing or application.debug) if propagate is None else propagate,
        )

    def open(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        query_string: str | Mapping[str, Any] | None = None,
        headers: Any = None,
        data: Any = None,
        json: Any = None,
        content_type: str | None = None,
        follow_redirects: bool = False,
    ) -> TestResponse:
        """Send a request; `data` is a body or a form, in which an open file or (file, name) is a file."""
        options: dict[str, Any] = {"follow_redirects": follow_redirects}
        fields = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        if query_string is not None:
            text = query_string if isinstance(query_string, str) else encode_pairs(_flat(query_string))
            path = f"{path}{'&' if '?' in path else '?'}{text}"
        if json is not None:
            options["content"] = self.application.json.dumps(json)
            content_type = content_type or "application/json"
        elif isinstance(data, Mapping):
            files = {name: _file(value) for name, value in data.items() if _is_file(value)}
            plain = {name: value for name, value in data.items() if name not in files}
            if files or (content_type or "").startswith("multipart/"):
                options["data"], options["files"], content_type = plain, files, None
            else:
                options["content"] = encode_pairs(_flat(plain))
                content_type = content_type or "application/x-www-form-urlencoded"
        elif data is not None:
            options["content"] = data.read() if hasattr(data, "read") else data
        if content_type is not None:
            fields.append(("Content-Type", content_type))
        if not self._use_cookies:
            self._client.cookies.clear()
        got = self._client.request(method, path, headers=fields, **options)
        return _response(got)

    def get(self, path: str = "/", **options: Any) -> TestResponse:
        """GET; options as of `open`."""
        return self.open(path, method="GET", **options)

    def post(self, path: str = "/", **options: Any) -> TestResponse:
        """POST; options as of `open`."""
        return self.open(path, method="POST", **options)

    def put(self, path: str = "/", **options: Any) -> TestResponse:
        """PUT; options as of `open`."""
        return self.open(path, method="PUT", **options)

    def patch(self, path: str = "/", **options: Any) -> TestResponse:
        """PATCH; options as of `open`."""
        return self.open(path, method="PATCH", **options)

    def delete(self, path: str = "/", **options: Any) -> TestResponse:
        """DELETE; options as of `open`."""
        return self.open(path, method="DELETE", **options)

    def head(self, path: str = "/", **options: Any) -> TestResponse:
        """HEAD; options as of `open`."""
        return self.open(path, method="HEAD", **options)

    def options(self, path: str = "/", **options: Any) -> TestResponse:
        """OPTIONS; options as of `open`."""
        return self.open(path, method="OPTIONS", **options)

    def set_cookie(self, key: str, value: str = "") -> None:
        """Set a cookie for the requests that follow."""
        self._client.cookies[key] = value

    def delete_cookie(self, key: str) -> None:
        """Forget a cookie."""
        self._client.cookies.pop(key, None)

    def get_cookie(self, key: str) -> str | None:
        """Return the value of a cookie."""
        value: str | None = self._client.cookies.get(key)
        return value

    @contextmanager
    def session_transaction(self) -> Iterator[Session]:
        """Open the session as the next request would see it, and save what is changed."""
        engine = self.application.engine
        config = config_of(engine)
        jar = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        session = open_session(RequestContext(build_exchange(headers={"cookie": jar} if jar else {}), engine), config)
        yield session
        reply = Reply()
        save_session(session, config, reply)
        for written in reply.headers.getall("set-cookie"):
            value = parse_cookies(written).get(config.cookie_name)
            if value:
                self._client.cookies[config.cookie_name] = value
            else:
                self._client.cookies.pop(config.cookie_name, None)

    def close(self) -> None:
        """End the client's loop."""
        self._client.close()

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.__exit__(*exc)

    def __del__(self) -> None:
        client = self.__dict__.get("_client")
        if client is not None:
            client.close()


def _response(got: Any) -> TestResponse:
    response = TestResponse.over(Reply(got.status_code, MutableHeaders(got.headers.items()), got.content))
    response.history = tuple(_response(before) for before in got.history)
    response.request_path = got.request_path
    return response


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, value in values.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            pairs.append((name, str(item)))
    return pairs


def _is_file(value: Any) -> bool:
    return hasattr(value, "read") or (isinstance(value, tuple) and hasattr(value[0], "read"))


def _file(value: Any) -> tuple[str, bytes] | tuple[str, bytes, str]:
    if not isinstance(value, tuple):
        return getattr(value, "name", "file"), value.read()
    file, name, *kind = value
    return (name, file.read(), kind[0]) if kind else (name, file.read())
