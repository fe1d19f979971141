"""Background tasks, under upstream's module name."""

from fenrir.starlette.background import BackgroundTask, BackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]
