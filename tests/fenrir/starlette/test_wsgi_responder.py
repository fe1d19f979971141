"""A responder of a WSGI application, as subclasses use it that read the body in their own way."""

import importlib
import warnings
from collections.abc import Iterable
from typing import Any

import anyio
import pytest


@pytest.fixture(params=["starlette", "fenrir.starlette"])
def wsgi(request: pytest.FixtureRequest) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"{request.param}.middleware.wsgi")


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    if body == b"refuse":
        try:
            raise LookupError(environ["PATH_INFO"])
        except LookupError:
            import sys

            start_response("500 Broken", [("Content-Type", "text/plain")], sys.exc_info())
            return [b"broken"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body, environ["REQUEST_METHOD"].encode()]


SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/p",
    "query_string": b"",
    "http_version": "1.1",
    "headers": [],
    "server": ("test", 80),
}


def run(wsgi: Any, body: bytes) -> tuple[list[Any], list[str]]:
    sent: list[Any] = []
    raised: list[str] = []

    class Responder(wsgi.WSGIResponder):  # type: ignore[misc]
        async def __call__(self, receive: Any, send: Any) -> None:
            environ = wsgi.build_environ(self.scope, body)
            async with self.stream_receive, anyio.create_task_group() as group:
                group.start_soon(self.sender, send)
                async with self.stream_send:
                    await anyio.to_thread.run_sync(self.wsgi, environ, self.start_response)
            if self.exc_info is not None:
                raise self.exc_info[1]

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        try:
            await Responder(app, SCOPE)(None, send)
        except LookupError as error:
            raised.append(str(error))

    anyio.run(main)
    return sent, raised


def test_a_responder_of_ones_own(wsgi: Any) -> None:
    sent, raised = run(wsgi, b"body")
    assert raised == []
    assert (sent[0]["status"], sent[0]["headers"]) == (200, [(b"content-type", b"text/plain")])
    assert b"".join(message["body"] for message in sent[1:]) == b"bodyPOST"
    assert [message.get("more_body", False) for message in sent[1:]] == [True, True, False]


def test_an_exception_that_the_application_has_answered(wsgi: Any) -> None:
    sent, raised = run(wsgi, b"refuse")
    assert (sent[0]["status"], sent[1]["body"], raised) == (500, b"broken", ["/p"])
