"""`solve_dependencies` for callables outside a route, as packages use it; the same by upstream."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

import pytest


@pytest.mark.parametrize("package", ["fastapi", "fenrir.fastapi"])
@pytest.mark.parametrize("least", [False, True])
def test_arguments_of_a_callable(package: str, least: bool) -> None:
    f = importlib.import_module(package)
    utils = importlib.import_module(f"{package}.dependencies.utils")
    log: list[str] = []

    async def pool() -> AsyncIterator[str]:
        log.append("pool in")
        yield "pool"
        log.append("pool out")

    def session(p: Annotated[str, f.Depends(pool)]) -> Iterator[str]:
        log.append("session in")
        yield f"session of {p}"
        log.append("session out")

    def replaced() -> str:
        return "real"

    def task(
        s: Annotated[str, f.Depends(session)],
        r: Annotated[str, f.Depends(replaced)],
        request: f.Request,
        tasks: f.BackgroundTasks,
        q: int = 3,
    ) -> None: ...

    app = f.FastAPI()
    app.dependency_overrides[replaced] = lambda: "fake"

    async def main() -> Any:
        dependant = utils.get_dependant(path="task", call=task)
        assert [child.call for child in dependant.dependencies] == [session, replaced]
        async with AsyncExitStack() as stack:
            scope: dict[str, Any] = {"fastapi_inner_astack": stack, "fastapi_function_astack": stack}
            scope |= {"type": "http", "headers": [], "query_string": b"", "path_params": {}}
            if not least:
                scope |= {"method": "GET", "path": "/", "query_string": b"q=5"}
            request = f.Request(scope)
            solved = await utils.solve_dependencies(
                request=request,
                dependant=dependant,
                async_exit_stack=stack,
                embed_body_fields=False,
                dependency_overrides_provider=app,
            )
            assert log == ["pool in", "session in"] and solved.errors == []
            assert solved.values.pop("request") is request
            assert isinstance(solved.values.pop("tasks"), f.BackgroundTasks)
        assert log == ["pool in", "session in", "session out", "pool out"]
        return solved.values

    assert asyncio.run(main()) == {"s": "session of pool", "r": "fake", "q": 3 if least else 5}


@pytest.mark.parametrize("package", ["fastapi", "fenrir.fastapi"])
def test_errors_are_values(package: str) -> None:
    f = importlib.import_module(package)
    utils = importlib.import_module(f"{package}.dependencies.utils")

    def task(n: int, q: str) -> None: ...

    async def main() -> Any:
        async with AsyncExitStack() as stack:
            scope = {
                "type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"n=x", "path_params": {},
                "fastapi_inner_astack": stack, "fastapi_function_astack": stack,
            }  # fmt: skip
            return await utils.solve_dependencies(
                request=f.Request(scope),
                dependant=utils.get_dependant(path="/", call=task),
                async_exit_stack=stack,
                embed_body_fields=False,
            )

    errors = asyncio.run(main()).errors
    assert [(error["type"], error["loc"]) for error in errors] == [
        ("int_parsing", ("query", "n")),
        ("missing", ("query", "q")),
    ]


def test_what_streams_hold() -> None:
    from fenrir.fastapi.dependencies.utils import get_stream_item_type

    assert get_stream_item_type(AsyncIterator[int]) is int
    assert get_stream_item_type(list[int]) is None
