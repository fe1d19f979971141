"""Serving from Python: `asteri.run` for a program's last line, `asteri.serve` inside a running event loop.

With a target string `run` is the command line without argv. An application object can not be imported again by a new
process, so it is served in this one, by the same `Server` that a worker uses.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asteri import log
from asteri.errors import AsteriError, UsageError
from asteri.settings import Settings, split_target
from asteri.supervisor import sockets
from asteri.supervisor.arbiter import Arbiter
from asteri.worker.loader import Application, detect, load
from asteri.worker.loops import loop_factory
from asteri.worker.process import StopRequest, serve_until_stopped
from asteri.worker.server import Server

__all__ = ["run", "serve"]


def run(target: Any, **options: Any) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    Args:
        target: "module:app", served by a supervisor and workers; or an application object, served in this process.
        options: fields of `asteri.settings.Settings`.

    Raises:
        UsageError: an option is unknown or malformed, or an application object is to be served by several processes.
    """
    settings = Settings.of(**options, **({"target": target} if isinstance(target, str) else {}))
    if isinstance(target, str):
        split_target(target)
    elif settings.workers > 1 or settings.reload:
        raise UsageError("workers and reload need the application as a string, 'module:app'")
    log.configure(settings.log_level, access=settings.access_log)
    try:
        if isinstance(target, str):
            return Arbiter(settings).run()
        application = Application(target, detect(target, settings.interface))
        with asyncio.Runner(loop_factory=loop_factory(settings.loop)) as runner:
            runner.run(_run(application, settings))
    except AsteriError as error:
        log.LOGGER.critical("%s", error)
        return error.exit_code
    return 0


async def _run(application: Application, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stop = StopRequest()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.ask)
    listeners = sockets.bind(settings.addresses, settings.backlog)
    try:
        server = Server(application, settings, listeners)
        await serve_until_stopped(server, stop, lambda: log.LOGGER.info("listening on %s", server.url))
    finally:
        sockets.close(listeners, settings.addresses)


@asynccontextmanager
async def serve(target: Any, **options: Any) -> AsyncIterator[Server]:
    """Serve an application in the running loop while the context lasts.

    The server has `url` and `address`, where it listens: by default a free port of 127.0.0.1. Logging is left alone.

    Args:
        target: "module:app" or an application object.
        options: fields of `asteri.settings.Settings`.

    Raises:
        ApplicationError: the application can not be imported, or its startup failed.
        BindError: an address can not be listened on.
        UsageError: an option is unknown or malformed.
    """
    named = {"target": target} if isinstance(target, str) else {}
    settings = Settings.of(**{"bind": "127.0.0.1:0"} | options | named)
    if isinstance(target, str):
        application = load(settings)
    else:
        application = Application(target, detect(target, settings.interface))
    listeners = sockets.bind(settings.addresses, settings.backlog)
    try:
        server = Server(application, settings, listeners)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
    finally:
        sockets.close(listeners, settings.addresses)
