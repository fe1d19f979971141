"""Proxies: module-level names (`request`, `g`, `session`) that stand for an object of the moment.

A `Proxy` asks its function for the object at every operation and passes the operation on, special methods included. It
also passes for an instance of the object's class (`isinstance(request, Request)`). Outside of its place every
operation raises the RuntimeError that the dialect words; only `repr`, `bool`, `dir` and `isinstance` answer then,
because debuggers and documentation tools ask them without meaning the object.
"""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, Generic, NoReturn, TypeVar

__all__ = ["Proxy"]

T = TypeVar("T")


def _forward(operation: Callable[..., Any]) -> Any:
    """Make a special method that performs an operation on the object."""

    def method(self: Proxy[Any], *args: Any, **kwargs: Any) -> Any:
        return operation(self._get_current_object(), *args, **kwargs)

    return method


def _reflected(operation: Callable[[Any, Any], Any]) -> Any:
    """Make the method for the case in which the object stands on the right."""

    def method(self: Proxy[Any], other: Any) -> Any:
        return operation(other, self._get_current_object())

    return method


def _in_place(operation: Callable[[Any, Any], Any]) -> Any:
    """Make the method of an augmented assignment; the name goes on standing for the proxy."""

    def method(self: Proxy[Any], other: Any) -> Any:
        operation(self._get_current_object(), other)
        return self

    return method


def _named(name: str) -> Any:
    """Make a special method that calls the object's own of the same name."""

    def method(self: Proxy[Any], *args: Any, **kwargs: Any) -> Any:
        return getattr(self._get_current_object(), name)(*args, **kwargs)

    return method


class Proxy(Generic[T]):
    """A name for the object that `find` returns at the moment.

    Args:
        find: returns the object, or raises LookupError when there is none.
        unbound: the text of the RuntimeError that is raised then.
    """

    __slots__ = ("__find", "__unbound", "__weakref__", "__wrapped__")

    def __init__(self, find: Callable[[], T], unbound: str = "the object is unbound") -> None:
        object.__setattr__(self, "_Proxy__find", find)
        object.__setattr__(self, "_Proxy__unbound", unbound)
        object.__setattr__(self, "__wrapped__", find)

    def _get_current_object(self) -> T:
        """Return the object itself, to pass it to another thread or to a signal.

        Raises:
            RuntimeError: there is none here.
        """
        try:
            found: T = self.__find()
        except LookupError:
            raise RuntimeError(self.__unbound) from None
        return found

    # ------------------------------------------------------------ attributes
    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._get_current_object(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._get_current_object(), name)

    @property
    def __class__(self) -> Any:
        try:
            return type(self.__find())
        except LookupError:
            return Proxy

    @__class__.setter
    def __class__(self, value: Any) -> NoReturn:
        raise TypeError("the class of a proxy can not be changed")

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        try:
            namespace: dict[str, Any] = self._get_current_object().__dict__
        except RuntimeError:
            raise AttributeError("__dict__") from None
        return namespace

    def __repr__(self) -> str:
        try:
            return repr(self.__find())
        except LookupError:
            return "<Proxy unbound>"

    def __bool__(self) -> bool:
        try:
            return bool(self.__find())
        except LookupError:
            return False

    def __dir__(self) -> Iterator[str]:
        try:
            return iter(dir(self.__find()))
        except LookupError:
            return iter(())

    __str__ = _forward(str)
    __bytes__ = _forward(bytes)
    __format__ = _forward(format)
    __hash__ = _forward(hash)
    __sizeof__ = _named("__sizeof__")
    __copy__ = _forward(copy.copy)
    __deepcopy__ = _forward(copy.deepcopy)
    __call__ = _named("__call__")

    # ----------------------------------------------------------- comparisons
    __eq__ = _forward(operator.eq)
    __ne__ = _forward(operator.ne)
    __lt__ = _forward(operator.lt)
    __le__ = _forward(operator.le)
    __gt__ = _forward(operator.gt)
    __ge__ = _forward(operator.ge)

    # ------------------------------------------------------------ containers
    __len__ = _forward(len)
    __length_hint__ = _forward(operator.length_hint)
    __getitem__ = _forward(operator.getitem)
    __setitem__ = _forward(operator.setitem)
    __delitem__ = _forward(operator.delitem)
    __contains__ = _forward(operator.contains)
    __iter__ = _forward(iter)
    __next__ = _forward(next)
    __reversed__ = _forward(reversed)

    # --------------------------------------------------------------- numbers
    __add__ = _forward(operator.add)
    __sub__ = _forward(operator.sub)
    __mul__ = _forward(operator.mul)
    __matmul__ = _forward(operator.matmul)
    __truediv__ = _forward(operator.truediv)
    __floordiv__ = _forward(operator.floordiv)
    __mod__ = _forward(operator.mod)
    __divmod__ = _forward(divmod)
    __pow__ = _forward(pow)
    __lshift__ = _forward(operator.lshift)
    __rshift__ = _forward(operator.rshift)
    __and__ = _forward(operator.and_)
    __xor__ = _forward(operator.xor)
    __or__ = _forward(operator.or_)
    __radd__ = _reflected(operator.add)
    __rsub__ = _reflected(operator.sub)
    __rmul__ = _reflected(operator.mul)
    __rmatmul__ = _reflected(operator.matmul)
    __rtruediv__ = _reflected(operator.truediv)
    __rfloordiv__ = _reflected(operator.floordiv)
    __rmod__ = _reflected(operator.mod)
    __rdivmod__ = _reflected(divmod)
    __rpow__ = _reflected(operator.pow)
    __rlshift__ = _reflected(operator.lshift)
    __rrshift__ = _reflected(operator.rshift)
    __rand__ = _reflected(operator.and_)
    __rxor__ = _reflected(operator.xor)
    __ror__ = _reflected(operator.or_)
    __iadd__ = _in_place(operator.iadd)
    __isub__ = _in_place(operator.isub)
    __imul__ = _in_place(operator.imul)
    __imatmul__ = _in_place(operator.imatmul)
    __itruediv__ = _in_place(operator.itruediv)
    __ifloordiv__ = _in_place(operator.ifloordiv)
    __imod__ = _in_place(operator.imod)
    __ipow__ = _in_place(operator.ipow)
    __ilshift__ = _in_place(operator.ilshift)
    __irshift__ = _in_place(operator.irshift)
    __iand__ = _in_place(operator.iand)
    __ixor__ = _in_place(operator.ixor)
    __ior__ = _in_place(operator.ior)
    __neg__ = _forward(operator.neg)
    __pos__ = _forward(operator.pos)
    __abs__ = _forward(abs)
    __invert__ = _forward(operator.invert)
    __complex__ = _forward(complex)
    __int__ = _forward(int)
    __float__ = _forward(float)
    __index__ = _forward(operator.index)
    __round__ = _forward(round)
    __trunc__ = _forward(math.trunc)
    __floor__ = _forward(math.floor)
    __ceil__ = _forward(math.ceil)

    # ------------------------------------------------------ context managers
    __enter__ = _named("__enter__")
    __exit__ = _named("__exit__")
    __await__ = _named("__await__")
    __aiter__ = _named("__aiter__")
    __anext__ = _named("__anext__")
    __aenter__ = _named("__aenter__")
    __aexit__ = _named("__aexit__")
