"""The version of Pydantic, for code that must know it."""

from pydantic.version import VERSION

__all__ = ["PYDANTIC_VERSION"]

PYDANTIC_VERSION: str = VERSION
