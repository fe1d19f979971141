"""What the interpreted form of a `*_cy` module needs of Cython, which is not installed where nothing is compiled.

Decorators change nothing, declarations give their value, and the names of C types are only names. What can not mean
anything without a compiler (addresses, pointers) stands behind `if cython.compiled:` in the modules and is not here.
"""

from __future__ import annotations

from typing import Any

__all__ = ["cython"]


class _Type:
    """A C type in an annotation or a declaration."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __repr__(self) -> str:
        return f"cython.{self.__name__}"


def _unchanged(thing: Any) -> Any:
    return thing


class cython:
    """The stand-in for `import cython`."""

    compiled = False
    cclass = cfunc = ccall = final = inline = staticmethod(_unchanged)

    @staticmethod
    def exceptval(*_: Any, **__: Any) -> Any:
        """Take the exception value of a C function."""
        return _unchanged

    @staticmethod
    def declare(_: Any = None, value: Any = None, **__: Any) -> Any:
        """Declare a variable."""
        return value

    @staticmethod
    def cast(_: Any, value: Any, **__: Any) -> Any:
        """Convert to a C type."""
        return value


NAMES = """
    bint char int uint long ulong longlong ulonglong size_t Py_ssize_t double void
    p_char p_uchar p_const_char p_const_uchar p_void
"""
for _name in NAMES.split():
    setattr(cython, _name, _Type(_name))
