"""What code that blocks needs in an asynchronous application: `to_thread`.

    rows = await to_thread(connection.execute, "select ...")

The call runs in a worker thread of the application, in a copy of the current context: `request`, `g` and `session`
work in it. Unlike those of `asyncio.to_thread` the threads are those of the `def` handlers, and bounded in number
(FENRIR_THREADS).
"""

from fenrir.core.threads import on_loop, to_thread

__all__ = ["on_loop", "to_thread"]
