"""The ten signals, as blinker gives them.

The engine takes a shorter way through a request as long as nobody listens to what happens in it. So the signals of a
request remember that somebody once connected; that is never taken back, because asking who is left would cost every
request more than it saves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from blinker import ANY, NamedSignal, Namespace

__all__ = [
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
]

F = TypeVar("F", bound=Callable[..., Any])

_signals = Namespace()


class Listening:
    """Whether a signal of a request ever had a receiver."""

    ever = False


class _RequestSignal(NamedSignal):
    """A signal that is sent in the course of every request."""

    def connect(self, receiver: F, sender: Any = ANY, weak: bool = True) -> F:
        """Connect a receiver."""
        Listening.ever = True
        return super().connect(receiver, sender, weak)


def _of_requests(name: str) -> NamedSignal:
    made = _signals[name] = _RequestSignal(name)
    return made


template_rendered = _signals.signal("template-rendered")
before_render_template = _signals.signal("before-render-template")
message_flashed = _signals.signal("message-flashed")
request_started = _of_requests("request-started")
request_finished = _of_requests("request-finished")
request_tearing_down = _of_requests("request-tearing-down")
got_request_exception = _of_requests("got-request-exception")
appcontext_tearing_down = _of_requests("appcontext-tearing-down")
appcontext_pushed = _of_requests("appcontext-pushed")
appcontext_popped = _of_requests("appcontext-popped")
