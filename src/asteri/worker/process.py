"""A worker process, from the fork to its exit code.

It has three ways to end: SIGTERM, or the end of the link (the supervisor is gone), lets requests finish; SIGQUIT does
not. SIGINT and SIGHUP are the supervisor's business: a terminal sends them to the whole group.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib.util
import io
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from asteri.errors import AsteriError, ExitCode
from asteri.log import LOGGER
from asteri.settings import Settings
from asteri.worker.loader import load
from asteri.worker.loops import loop_factory
from asteri.worker.server import Server

__all__ = ["StopRequest", "Supervisor", "main", "serve_until_stopped", "source_directories"]

_LINGER = 1.0
YOUNG = 2_000
"""Objects made and not freed after which the collector looks at the young ones, unless the application has its own say.

A turn of the loop serves dozens of requests, whose objects are all alive at its end: with the 700 that were CPython's
default before 3.13 the collector ran in each turn and found nothing. More than these, the default since, gains nothing.
"""


class Supervisor(Protocol):
    """The link to the supervisor; it becomes readable when the supervisor is gone."""

    def fileno(self) -> int: ...
    def ready(self) -> None: ...
    def watch(self, directories: Iterable[str]) -> None: ...


class StopRequest:
    """Somebody wants the server to stop; asking twice means at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()

    def ask(self) -> None:
        """Ask to stop gracefully, or, the second time, at once."""
        if self.asked.is_set():
            self.hurry.set()
        self.asked.set()

    def at_once(self) -> None:
        """Ask to stop without waiting for requests in flight."""
        self.hurry.set()
        self.asked.set()


def main(settings: Settings, listeners: Sequence[socket.socket], supervisor: Supervisor) -> int:
    """Serve on inherited sockets until told to stop, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        # A handler and not SIG_IGN, because programs that the application starts would inherit the latter.
        signal.signal(number, lambda number, frame: None)
    try:
        faulthandler.enable()
    except (io.UnsupportedOperation, AttributeError, ValueError):
        LOGGER.debug("stderr is no file: no traceback on a fatal signal")
    _set_title(settings)
    threshold = gc.get_threshold()
    try:
        try:
            application = load(settings)
        finally:
            # Also what a broken version has imported so far: the repair may happen there.
            if settings.reload:
                supervisor.watch(source_directories(settings))
        # What exists now lives as long as the worker: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        if gc.get_threshold() == threshold:
            gc.set_threshold(YOUNG, *threshold[1:])
        with asyncio.Runner(loop_factory=loop_factory(settings.loop)) as runner:
            runner.run(_serve(Server(application, settings, listeners), supervisor))
    except AsteriError as error:
        LOGGER.error("%s", error)
        return error.exit_code
    return ExitCode.OK


async def _serve(server: Server, supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    stop = StopRequest()

    def orphaned() -> None:
        loop.remove_reader(supervisor.fileno())
        LOGGER.warning("the supervisor is gone: stopping")
        stop.ask()

    loop.add_reader(supervisor.fileno(), orphaned)
    # A repeated SIGTERM is no request to hurry here: that decision is the supervisor's, who says SIGQUIT.
    loop.add_signal_handler(signal.SIGTERM, stop.asked.set)
    loop.add_signal_handler(signal.SIGQUIT, stop.at_once)
    await serve_until_stopped(server, stop, supervisor.ready)


async def serve_until_stopped(server: Server, stop: StopRequest, on_ready: Callable[[], None]) -> None:
    """Start the server, serve, and stop it when asked to; a request to stop interrupts a startup.

    Raises:
        ApplicationError: the application's startup failed.
    """
    starting = asyncio.create_task(server.start())
    asked = asyncio.create_task(stop.asked.wait())
    try:
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
        if starting.cancelled():
            return
        await starting
        on_ready()
        await asked
        await server.stop(stop.hurry, linger=_LINGER)
    finally:
        asked.cancel()


def _set_title(settings: Settings) -> None:
    if importlib.util.find_spec("setproctitle") is not None:
        from setproctitle import setproctitle

        setproctitle(f"asteri: worker {settings.target}")


def source_directories(settings: Settings) -> Iterator[str]:
    """Yield the directories of imported modules that are neither installed nor below a watched directory."""
    watched = [Path(name).resolve() for name in (settings.reload_dir or (settings.app_dir,))]
    installed = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    seen: set[Path] = set()
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if not isinstance(origin, str) or not origin.endswith(".py"):
            continue
        if name.partition(".")[0] in ("asteri", "__main__"):
            continue
        directory = Path(origin).resolve().parent
        if directory in seen:
            continue
        seen.add(directory)
        if "site-packages" in directory.parts or "dist-packages" in directory.parts:
            continue
        if not any(directory.is_relative_to(root) for root in [*watched, *installed]):
            yield str(directory)
