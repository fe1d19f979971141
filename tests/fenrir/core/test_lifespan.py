"""Start, stop, and the tasks between."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fenrir.core.declare import ListenerStage, Mode
from fenrir.core.lifespan import Tasks

from .neutral import App

pytestmark = pytest.mark.timing

Log = list[str]


def manager(log: Log, name: str, state: Any = None) -> Callable[[], Any]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Any]:
        log.append(f"enter {name}")
        try:
            yield state
        finally:
            log.append(f"exit {name}")

    return lifespan


def listen(app: App, log: Log, failing: str = "") -> None:
    """Register two listeners for every stage, in a confusing order; the second of each is async."""
    stages = [stage for stage in ListenerStage if stage is not ListenerStage.LIFESPAN]
    for name in "ab":
        for stage in reversed(stages):

            def call(text: str = f"{stage.value} {name}") -> None:
                log.append(text)
                if text == failing:
                    raise RuntimeError(failing)

            async def awaited(call: Callable[[], None] = call) -> None:
                await asyncio.sleep(0)
                call()

            app.engine.add_listener(stage, awaited if name == "b" else call)


def test_stages_run_down_and_up(app: App, door: str) -> None:
    log: Log = []
    listen(app, log)
    app.engine.add_lifespan(manager(log, "x"))
    app.engine.add_lifespan(manager(log, "y"))
    with app.client(door):
        assert log == [
            "enter x", "enter y", "before_server_start a", "before_server_start b", "startup a", "startup b",
            "after_server_start a", "after_server_start b",
        ]  # fmt: skip
        log.clear()
    assert log == [
        "before_server_stop b", "before_server_stop a", "shutdown b", "shutdown a", "after_server_stop b",
        "after_server_stop a", "exit y", "exit x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("failing", "stopped"),
    [
        ("before_server_start b", ["exit x"]),
        ("startup a", ["after_server_stop b", "after_server_stop a", "exit x"]),
        ("after_server_start b", ["shutdown b", "shutdown a", "after_server_stop b", "after_server_stop a", "exit x"]),
    ],
)
def test_a_start_that_fails_stops_what_started(app: App, door: str, failing: str, stopped: Log) -> None:
    log: Log = []
    listen(app, log, failing)
    app.engine.add_lifespan(manager(log, "x"))
    with pytest.raises(RuntimeError, match=failing), app.client(door):
        raise AssertionError("started")
    assert log[log.index(failing) + 1 :] == stopped


def test_a_stop_that_fails_goes_on_and_says_so(app: App, door: str, caplog: pytest.LogCaptureFixture) -> None:
    log: Log = []
    listen(app, log, "shutdown b")
    app.engine.add_lifespan(manager(log, "x"))
    with pytest.raises(RuntimeError, match="shutdown b"), app.client(door):
        log.clear()
    assert log[-1] == "exit x" and len(log) == 7
    assert "listener shutdown (test_lifespan.py:" in caplog.records[0].getMessage()


def test_what_lifespan_yields_is_in_every_notebook(app: App, door: str) -> None:
    app.engine.add_lifespan(manager([], "x", {"db": "database"}))
    app.engine.add_lifespan(manager([], "y", {"cache": "memory"}))

    @app.route("/", takes="c")
    async def handler(c: Any) -> Any:
        found = [c.state.db, c.state.cache]
        c.state.db = "changed"
        return found

    with app.client(door) as client:
        assert client.get("/").json() == client.get("/").json() == ["database", "memory"]


# -------------------------------------------------------------------- tasks


async def endless(log: Log) -> None:
    log.append("begun")
    try:
        await asyncio.sleep(100)
    finally:
        log.append("ended")


@pytest.mark.parametrize("given", ["coroutine", "async", "sync"])
def test_a_task_added_before_the_start(app: App, door: str, given: str) -> None:
    log: Log = []
    begun = threading.Event()

    def plain() -> None:
        log.append(threading.current_thread().name)
        begun.set()

    async def awaited() -> None:
        plain()

    work: Any = awaited() if given == "coroutine" else awaited if given == "async" else plain
    assert app.engine.tasks.add(work, name="early") is None
    with app.client(door):
        assert begun.wait(2)
    assert log[0].startswith("fenrir-" if given == "sync" else "client-")


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD])
def test_a_handler_may_start_a_task(app: App, door: str, mode: Mode) -> None:
    log: Log = []

    async def work() -> None:
        log.append("work")

    def handle() -> Any:
        task = app.engine.tasks.add(work, name="from a handler")
        assert task is not None
        return {"name": task.get_name()}

    async def awaited() -> Any:
        return handle()

    app.route("/", awaited if mode is Mode.LOOP else handle)
    with app.client(door) as client:
        assert client.get("/").json() == {"name": "from a handler"}
    assert log == ["work"]


def test_tasks_get_their_grace_and_are_cancelled_then() -> None:
    log: Log = []

    async def short() -> None:
        await asyncio.sleep(0.01)
        log.append("short done")
        tasks.add(nested)

    async def nested() -> None:
        await asyncio.sleep(0)
        log.append("nested done")

    tasks = Tasks(grace=0.05)

    async def main() -> None:
        tasks.open()
        tasks.add(short)
        tasks.add(endless(log), name="endless")
        await asyncio.sleep(0)
        async with asyncio.timeout(2):
            await tasks.close()
        assert not list(tasks)

    asyncio.run(main())
    assert log == ["begun", "short done", "nested done", "ended"]


def test_tasks_have_names() -> None:
    log: Log = []

    async def main() -> None:
        tasks = Tasks()
        task = tasks.add(endless(log), name="endless")
        await asyncio.sleep(0)
        assert tasks.get("endless") is task and tasks.get("other") is None
        assert list(tasks) == [task]
        assert await tasks.cancel("endless", "enough") and not await tasks.cancel("endless")
        done = tasks.add(lambda: None, name="done")
        assert done is not None
        await done
        assert tasks.get("done") is done
        tasks.purge()
        assert tasks.get("done") is None

    asyncio.run(main())
    assert log == ["begun", "ended"]


def test_a_task_that_fails_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise KeyError("x")

    async def main() -> None:
        tasks = Tasks()
        task = tasks.add(fails, name="mailer")
        assert task is not None
        await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(main())
    (record,) = caplog.records
    assert record.getMessage() == "background task 'mailer' failed" and record.levelno == logging.ERROR


def test_only_work_is_a_task() -> None:
    with pytest.raises(TypeError, match="not int"):
        Tasks().add(5)  # type: ignore[arg-type]
