"""The messages of a channel, said on its handler.

    @app.websocket("/chat/{room}")
    @messages(receives=Said, sends=Said | Joined)
    async def chat(websocket, room: str): ...

On a handler of HTTP requests it says that the answer is a stream of events.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin

__all__ = ["Messages", "messages", "messages_of"]

C = TypeVar("C", bound=Callable[..., Any])
_MARK = "fenrir_messages"


@dataclass(frozen=True, slots=True)
class Messages:
    """The types of what a channel carries; nothing means that anything may come.

    Attributes:
        receives: from the client.
        sends: to the client.
    """

    receives: tuple[Any, ...] = ()
    sends: tuple[Any, ...] = ()


def messages(*, receives: Any = None, sends: Any = None) -> Callable[[C], C]:
    """Say which types a handler receives and sends; each is a type that Pydantic knows, or a union of several."""
    said = Messages(_members(receives), _members(sends))

    def mark(handler: C) -> C:
        setattr(handler, _MARK, said)
        return handler

    return mark


def messages_of(handler: Callable[..., Any]) -> Messages | None:
    """Return what was said on a handler, also behind decorators; None when nothing was."""
    found: Messages | None = getattr(handler, _MARK, None)
    return found if found is not None else getattr(inspect.unwrap(handler), _MARK, None)


def _members(annotation: Any) -> tuple[Any, ...]:
    if annotation is None:
        return ()
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
