"""What code that blocks needs in an asynchronous application: `to_thread`.

    rows = await to_thread(connection.execute, "select ...")

The call runs in a worker thread of the application, in a copy of the current context: `request`, `g` and `session` work in
it. Unlike `asyncio.to_thread` its threads are shared with the `def` handlers and their number is bounded (FENRIR_THREADS).
"""

from fenrir.core.threads import on_loop, to_thread

__all__ = ["on_loop", "to_thread"]
