"""Coroutines of a Flask application run on the loop of the server: views, hooks, error handlers, dependencies."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest

import asteri
from fenrir import Depends, Query
from fenrir.flask import Flask, g, request


@pytest.mark.parametrize("hooked", [False, True])
def test_every_coroutine_is_on_the_loop_of_the_server(hooked: bool) -> None:
    app = Flask(__name__)
    seen: dict[str, Any] = {}

    def note(what: str) -> None:
        seen[what] = asyncio.get_running_loop()

    @app.get("/")
    async def view() -> str:
        note("view")
        return request.path

    async def opened() -> AsyncIterator[str]:
        note("opened")
        yield "opened"
        note("closed")

    @app.get("/typed")
    async def typed(one: Annotated[str, Depends(opened)], q: Annotated[int, Query()]) -> str:
        note("typed")
        return one

    @app.get("/fails")
    async def fails() -> str:
        raise LookupError

    @app.errorhandler(LookupError)
    async def failed(error: LookupError) -> str:
        note("error handler")
        return "handled"

    if hooked:

        @app.before_request
        async def before() -> None:
            g.before = True
            note("before")

        @app.after_request
        async def after(response: Any) -> Any:
            assert g.before
            note("after")
            return response

        @app.teardown_request
        async def teardown(error: BaseException | None) -> None:
            assert g.before
            note("teardown")

    async def main() -> None:
        async with asteri.serve(app) as server, httpx.AsyncClient(base_url=server.url) as client:
            for path, text in (("/", "/"), ("/typed?q=1", "opened"), ("/fails", "handled")):
                answer = await client.get(path)
                assert (answer.status_code, answer.text) == (200, text)
            assert (await client.get("/typed")).status_code == 422
        hooks = {"before", "after", "teardown"} if hooked else set()
        assert seen.keys() == {"view", "opened", "typed", "closed", "error handler", *hooks}
        assert set(seen.values()) == {asyncio.get_running_loop()}

    asyncio.run(main())
