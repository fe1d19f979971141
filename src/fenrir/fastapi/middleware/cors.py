"""CORS, under upstream's module name."""

from fenrir.starlette.middleware.cors import CORSMiddleware

__all__ = ["CORSMiddleware"]
