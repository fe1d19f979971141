"""Static files, under upstream's module name."""

from fenrir.starlette.staticfiles import StaticFiles

__all__ = ["StaticFiles"]
