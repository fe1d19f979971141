"""Templates, under upstream's module name."""

from fenrir.starlette.templating import Jinja2Templates

__all__ = ["Jinja2Templates"]
