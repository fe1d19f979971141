"""Signals of a Sanic application: named events `namespace.reference.action` with handlers and waiters.

A part of a handler's event may be a parameter `<name>`, whose value the handler gets as a keyword. The events of the
request's own life (`http.*`, `server.*`) are not dispatched by the engine; hooks stand in those places.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fenrir.sanic.exceptions import InvalidSignal

__all__ = ["Signals"]

_PARAMETER = re.compile(r"<(\w+)(?::\w+)?>")


class _Handler(NamedTuple):
    parts: tuple[str, ...]
    call: Callable[..., Any]
    condition: Mapping[str, Any] | None


def _parts(event: str) -> tuple[str, ...]:
    parts = tuple(event.split("."))
    if len(parts) != 3 or not all(parts):
        raise InvalidSignal(f"Invalid signal event: {event}")
    return parts


def _match(pattern: tuple[str, ...], event: tuple[str, ...]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for wanted, part in zip(pattern, event, strict=True):
        parameter = _PARAMETER.fullmatch(wanted)
        if parameter is not None:
            values[parameter[1]] = part
        elif wanted != part:
            return None
    return values


class Signals:
    """The events of one application."""

    def __init__(self) -> None:
        self._handlers: list[_Handler] = []
        self._waiting: list[tuple[tuple[str, ...], asyncio.Future[Mapping[str, Any]]]] = []

    def add(self, event: str, call: Callable[..., Any], condition: Mapping[str, Any] | None) -> None:
        """Add a handler. Raises `InvalidSignal` for a malformed name."""
        parts = _parts(event)
        if any(_PARAMETER.fullmatch(part) for part in parts[:2]):
            raise InvalidSignal(f"Invalid signal event: {event}; only its last part may be a parameter")
        self._handlers.append(_Handler(parts, call, condition))

    async def wait(self, event: str, timeout: float | None) -> Mapping[str, Any]:
        """Wait for an event and return its context."""
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        waiter = (_parts(event), future)
        self._waiting.append(waiter)
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            self._waiting.remove(waiter)

    async def dispatch(
        self,
        event: str,
        *,
        condition: Mapping[str, Any] | None,
        context: Mapping[str, Any],
        inline: bool,
        fail_not_found: bool,
        reverse: bool,
        start: Callable[[Any], Any],
    ) -> Any:
        """Call the handlers of an event; inline, the first result that is not None ends it and is returned."""
        parts = _parts(event)
        matches = [(handler, _match(handler.parts, parts)) for handler in self._handlers]
        chosen = [
            (handler, values)
            for handler, values in matches
            if values is not None and (handler.condition is None or handler.condition == condition)
        ]
        waiting = [future for pattern, future in self._waiting if _match(pattern, parts) is not None]
        if not chosen and not waiting and all(values is None for _, values in matches):
            if fail_not_found:
                raise InvalidSignal(f"Could not find signal {event}")
            return None
        for future in waiting:
            if not future.done():
                future.set_result(context)

        async def run() -> Any:
            for handler, values in reversed(chosen) if reverse else chosen:
                outcome = handler.call(**context, **(values or {}))
                outcome = await outcome if inspect.isawaitable(outcome) else outcome
                if outcome is not None:
                    return outcome
            return None

        return await run() if inline else start(run)
