"""Background tasks, under upstream's module name."""

from fenrir.kit.background import BackgroundTask, BackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]
