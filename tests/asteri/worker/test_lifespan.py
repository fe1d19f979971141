"""Startup and shutdown of an ASGI application, once each."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from asteri.errors import ApplicationError
from asteri.worker.lifespan import Lifespan

pytestmark = pytest.mark.timing


def run(application: Any, mode: str = "auto", context: contextvars.Context | None = None) -> Lifespan:
    async def scenario() -> Lifespan:
        lifespan = Lifespan(application, mode, context or contextvars.copy_context())
        await lifespan.startup()
        await lifespan.shutdown()
        await lifespan.shutdown()
        return lifespan

    return asyncio.run(scenario())


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE")


def test_once_each_with_state_and_context() -> None:
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        VARIABLE.set("set at startup")
        scope["state"]["pool"] = 1
        await send({"type": "lifespan.startup.complete"})
        seen.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    context = contextvars.copy_context()
    assert run(application, "on", context).state == {"pool": 1}
    assert seen == ["lifespan.startup", "lifespan.shutdown"]
    assert context[VARIABLE] == "set at startup"


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def returns(scope: Any, receive: Any, send: Any) -> None:
    return None


async def fails(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def raises_in_startup(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise OSError("no disk")


@pytest.mark.parametrize("application", [without_lifespan, returns])
def test_an_application_without_lifespan(application: Callable[..., Any]) -> None:
    run(application)
    with pytest.raises(ApplicationError, match="startup failed"):
        run(application, "on")


@pytest.mark.parametrize(("application", "message"), [(fails, "no database"), (raises_in_startup, "no disk")])
def test_a_startup_that_fails_is_no_missing_lifespan(application: Callable[..., Any], message: str) -> None:
    with pytest.raises(ApplicationError, match=message):
        run(application)


def test_off() -> None:
    run(fails, "off")


def test_a_failing_shutdown_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise KeyError("at the end")

    run(application)
    assert "shutdown failed" in caplog.text
    assert "at the end" in caplog.text


def test_a_cancelled_startup_leaves_no_task() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.Event().wait()

    async def scenario() -> None:
        lifespan = Lifespan(application, "on", contextvars.copy_context())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lifespan.startup(), 0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())
