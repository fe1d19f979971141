"""Serving from `app.run()` and `flask run`: Werkzeug's function in its signature, Asteri in its work.

The reloader is Werkzeug's: it runs the same command again in a child process and restarts that after a change, so a
script behaves as it always did. What only Werkzeug's server has (TLS, several processes, a request handler of one's
own, a loop that looks around twice a second so that a thread can be ended from outside) is served by that, and said so.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Iterable
from typing import Any

from werkzeug import serving as werkzeug
from werkzeug._reloader import run_with_reloader
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import is_running_from_reloader

import asteri

__all__ = ["is_running_from_reloader", "run_simple"]

log = logging.getLogger("fenrir")

_functions = werkzeug.run_simple, werkzeug.make_server


def run_simple(
    hostname: str,
    port: int,
    application: Any,
    use_reloader: bool = False,
    use_debugger: bool = False,
    use_evalex: bool = True,
    extra_files: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
    reloader_interval: int = 1,
    reloader_type: str = "auto",
    threaded: bool = False,
    processes: int = 1,
    request_handler: Any = None,
    static_files: dict[str, Any] | None = None,
    passthrough_errors: bool = False,
    ssl_context: Any = None,
    **server: Any,
) -> int:
    """Serve an application until a signal comes, and return the exit code.

    Args:
        hostname: a name, an address, or `unix://` and a path.
        use_reloader: restart after a change of a file; `extra_files`, `exclude_patterns`, `reloader_*` are its options.
        use_debugger: answer unhandled exceptions with their traceback; it has no console.
        use_evalex, threaded: accepted and without effect: nothing is executed for a client, and plain views always run
            in threads.
        static_files: folders to serve beside the application.
        server: fields of `asteri.settings.Settings`.
    """
    own = not _replaced()
    beside = threading.current_thread() is not threading.main_thread()
    if not own or beside or ssl_context is not None or processes > 1 or request_handler is not None:
        if own:
            log.warning(
                "TLS, processes, threads and request handlers are Werkzeug's: serving on its development server"
            )
        options: dict[str, Any] = {
            "use_reloader": use_reloader,
            "use_debugger": use_debugger,
            "use_evalex": False,
            "extra_files": extra_files,
            "exclude_patterns": exclude_patterns,
            "reloader_interval": reloader_interval,
            "reloader_type": reloader_type,
            "threaded": threaded,
            "processes": processes,
            "request_handler": request_handler,
            "static_files": static_files,
            "passthrough_errors": passthrough_errors,
            "ssl_context": ssl_context,
            **server,
        }
        werkzeug.run_simple(hostname, port, application, **options)
        return 0
    if hasattr(application, "debug_pages"):
        application.debug_pages = use_debugger
    if static_files:
        application = SharedDataMiddleware(application, static_files)
    if hostname.startswith("unix://"):
        address = f"unix:{hostname.removeprefix('unix://')}"
    else:
        address = f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"
    server = {"bind": (address,), "access_log": True, **server}
    if not use_reloader:
        return asteri.run(application, **server)

    def serve() -> None:
        asteri.run(application, **server)

    run_with_reloader(
        serve,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
        interval=reloader_interval,
        reloader_type=reloader_type,
    )
    return 0


def _replaced() -> bool:
    """Say whether somebody put a function of his own into Werkzeug's server, or into a class under it.

    A test or a tool does that (to learn the port that the system picked, to count requests), and wants to be asked.
    """
    if (werkzeug.run_simple, werkzeug.make_server) != _functions:
        return True
    made_of = {*werkzeug.ThreadedWSGIServer.__mro__, *werkzeug.WSGIRequestHandler.__mro__}
    return any(
        inspect.isfunction(value) and value.__module__ != cls.__module__
        for cls in made_of
        for value in vars(cls).values()
    )
