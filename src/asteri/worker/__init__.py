"""The worker: one process, one event loop. It introduces the protocol to the application and serves until it is told
to stop."""
