"""Proxies stand for an object of the moment in every operation."""

from __future__ import annotations

import copy
import operator
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import pytest

from fenrir.core.proxy import Proxy

variable: ContextVar[Any] = ContextVar("variable")
proxy: Any = Proxy(variable.get, "nothing here")


@pytest.fixture(autouse=True)
def reset() -> Any:
    token = variable.set(None)
    yield
    variable.reset(token)


def test_attributes_items_and_calls_reach_the_object() -> None:
    class Thing:
        x = 1

        def __call__(self, a: int) -> int:
            return a + self.x

    variable.set(thing := Thing())
    proxy.x = 2
    assert proxy(3) == 5 and thing.x == 2
    del proxy.x
    assert proxy.x == 1
    assert isinstance(proxy, Thing) and proxy._get_current_object() is thing
    assert vars(proxy) is vars(thing) and "x" in dir(proxy)
    variable.set({"a": 1})
    proxy["b"] = 2
    del proxy["a"]
    assert "b" in proxy and list(proxy) == ["b"] and len(proxy) == 1 and proxy == {"b": 2} and proxy | {} == {"b": 2}
    assert repr(proxy) == "{'b': 2}" and str(proxy) == "{'b': 2}" and bool(proxy)


@pytest.mark.parametrize(
    "op",
    [
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod, pow,
        operator.lshift, operator.rshift, operator.and_, operator.or_, operator.xor, operator.eq, operator.lt,
        operator.ge,
    ],
)  # fmt: skip
def test_operators_on_both_sides(op: Any) -> None:
    variable.set(7)
    assert op(proxy, 3) == op(7, 3)
    assert op(30, proxy) == op(30, 7)


def test_conversions_and_unary_operators() -> None:
    variable.set(-7)
    assert (-proxy, +proxy, abs(proxy), ~proxy, int(proxy), float(proxy), complex(proxy), round(proxy)) == (
        7, -7, 7, 6, -7, -7.0, -7 + 0j, -7,
    )  # fmt: skip
    assert hash(proxy) == hash(-7) and [0] * 8 != [] and list(range(8))[proxy] == 1
    variable.set(Decimal("1.5"))
    assert f"{proxy:.2f}" == "1.50"
    variable.set([1])
    assert copy.copy(proxy) == [1] and copy.deepcopy(proxy) is not variable.get() and list(reversed(proxy)) == [1]


def test_augmented_assignment_keeps_the_proxy() -> None:
    variable.set(items := [1])
    local = proxy
    local += [2]
    assert local is proxy and items == [1, 2]


async def _uses() -> list[Any]:
    class Source:
        async def __aenter__(self) -> str:
            return "in"

        async def __aexit__(self, *_: object) -> None:
            return None

        async def __aiter__(self) -> Any:
            yield 1

    variable.set(Source())
    async with proxy as entered:
        return [entered, [item async for item in proxy]]


def test_context_managers_and_async_iteration() -> None:
    import asyncio
    import io

    variable.set(file := io.StringIO("x"))
    with proxy as opened:
        assert opened is file
    assert file.closed
    assert asyncio.run(_uses()) == ["in", [1]]


def test_outside_of_its_place() -> None:
    unbound: Any = Proxy(ContextVar[int]("never set").get, "nothing here")
    assert repr(unbound) == "<Proxy unbound>" and not unbound and dir(unbound) == []
    assert isinstance(unbound, Proxy)
    for use in (
        lambda: unbound.x,
        lambda: unbound + 1,
        lambda: unbound["a"],
        lambda: len(unbound),
        lambda: str(unbound),
    ):
        with pytest.raises(RuntimeError, match="nothing here"):
            use()
