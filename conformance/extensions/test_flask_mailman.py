"""Flask-Mailman: messages of views and background threads, into memory and over SMTP."""

from __future__ import annotations

from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from flask import Flask, copy_current_request_context, current_app, render_template_string, request
from flask_mailman import EmailMessage, EmailMultiAlternatives, Mail


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(TESTING=True, MAIL_DEFAULT_SENDER="shop@example.org", MAIL_BACKEND="locmem")
    Mail(app)

    @app.post("/welcome")
    def welcome() -> str:
        body = render_template_string("Hello {{ request.form.name }}")
        message = EmailMultiAlternatives("Welcome", body, to=[request.form["to"]])
        message.attach_alternative(f"<p>{body}</p>", "text/html")
        return str(message.send())

    @app.post("/thread")
    def thread() -> str:
        @copy_current_request_context
        def send() -> None:
            EmailMessage("Later", f"from {current_app.name}", to=[request.form["to"]]).send()

        worker = Thread(target=send)
        worker.start()
        worker.join()
        return "sent"

    return app


def test_a_view_sends_a_message(app: Flask) -> None:
    answer = app.test_client().post("/welcome", data={"name": "Ada", "to": "ada@example.org"})
    assert answer.text == "1"
    (message,) = app.extensions["mailman"].outbox
    assert (message.subject, message.to, message.from_email) == ("Welcome", ["ada@example.org"], "shop@example.org")
    assert message.body == "Hello Ada" and message.alternatives[0][0] == "<p>Hello Ada</p>"


def test_a_thread_of_a_view_sends_a_message(app: Flask) -> None:
    app.test_client().post("/thread", data={"to": "ada@example.org"})
    assert [message.subject for message in app.extensions["mailman"].outbox] == ["Later"]


def test_many_messages_over_one_connection(app: Flask) -> None:
    with app.app_context(), app.extensions["mailman"].get_connection() as connection:
        sent = connection.send_messages([EmailMessage(str(n), "x", to=["a@example.org"]) for n in range(3)])
    assert sent == 3


class _Kept(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[object] = []

    def handle_message(self, message: object) -> None:
        self.messages.append(message)


class _AnyPort(Controller):
    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


def test_over_smtp() -> None:
    kept = _Kept()
    server = _AnyPort(kept, hostname="127.0.0.1", port=0)
    server.start()
    try:
        app = Flask(__name__)
        app.config.update(
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=server.port,
            MAIL_DEFAULT_SENDER="shop@example.org",
        )
        Mail(app)
        with app.app_context():
            assert EmailMessage("Over the wire", "text", to=["ada@example.org"]).send() == 1
    finally:
        server.stop()
    assert [message["Subject"] for message in kept.messages] == ["Over the wire"]  # type: ignore[index]
