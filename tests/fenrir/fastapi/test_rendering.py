"""Response classes that only name a media type: the short way answers what upstream answers."""

import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from fenrir.fastapi import FastAPI
from fenrir.fastapi.rendering import Rendering
from fenrir.fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, Package, compare, get

both_doors = pytest.mark.parametrize("door", DOORS)


def texts(p: Package) -> Any:
    app = p.main.FastAPI()

    class Css(p.responses.PlainTextResponse):  # type: ignore[misc, name-defined]
        media_type = "text/css"

    class Latin(p.responses.HTMLResponse):  # type: ignore[misc, name-defined]
        charset = "latin-1"

    class Loud(p.responses.PlainTextResponse):  # type: ignore[misc, name-defined]
        def render(self, content: Any) -> bytes:
            return str(content).upper().encode()

    class Headed(p.responses.PlainTextResponse):  # type: ignore[misc, name-defined]
        def init_headers(self, headers: Any = None) -> None:
            super().init_headers({"x-a": "1"})

    class Geo(p.responses.JSONResponse):  # type: ignore[misc, name-defined]
        media_type = "application/geo+json"

    kinds = {
        "plain": p.responses.PlainTextResponse, "html": p.responses.HTMLResponse, "bare": p.main.Response, "css": Css,
        "latin": Latin, "loud": Loud, "headed": Headed, "geo": Geo, "json": p.responses.JSONResponse,
    }  # fmt: skip
    values = {
        "text": "grüße",
        "empty": "",
        "none": None,
        "bytes": b"raw",
        "number": 3,
        "snow": "\u2603",
        "map": {"a": 1},
    }
    for kind, response_class in kinds.items():

        @app.get(f"/{kind}/{{what}}", response_class=response_class)
        async def returned(what: str) -> Any:
            return values[what]

        @app.get(f"/{kind}-thread/{{what}}", response_class=response_class, response_model=None)
        def in_a_thread(what: str) -> Any:
            return values[what]

        @app.get(f"/{kind}-typed/{{what}}", response_class=response_class, status_code=203)
        async def typed(what: str) -> str:
            return values[what]  # type: ignore[return-value]

        @app.get(f"/{kind}-checked", response_class=response_class)
        async def checked() -> Annotated[str, Field(max_length=2)]:
            return "too long"

        @app.get(f"/{kind}-gone", response_class=response_class, status_code=204, response_model=None)
        async def gone() -> Any:
            return "nothing of this is sent"

        @app.get(f"/{kind}-set", response_class=response_class)
        async def changed(response: p.main.Response) -> Any:
            response.status_code = 202
            response.headers["x-a"] = "set"
            response.set_cookie("a", "b")
            return "set"

        @app.get(f"/{kind}-own", response_class=response_class)
        async def own() -> Any:
            return p.responses.JSONResponse(["own"], 201)

    return app


KINDS = ("plain", "html", "bare", "css", "latin", "loud", "headed", "geo", "json")
VALUES = ("text", "empty", "none", "bytes", "number", "snow", "map")


@both_doors
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_answered_as_upstream_does(kind: str, door: str) -> None:
    requests = [get(f"/{kind}{way}/{value}") for way in ("", "-thread", "-typed") for value in VALUES]
    compare(texts, [*requests, *(get(f"/{kind}-{way}") for way in ("checked", "gone", "set", "own"))], door)


def test_background_tasks_run_after_a_text() -> None:
    from fenrir.fastapi import BackgroundTasks

    app = FastAPI()
    ran: list[str] = []

    @app.get("/", response_class=PlainTextResponse)
    async def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(ran.append, "task")
        return "text"

    with Client(app) as client:
        assert client.get("/").text == "text"
    assert ran == ["task"]


class Named(PlainTextResponse):
    """Says more in its documentation than in its code."""

    media_type = "text/x-named"


class Rendered(HTMLResponse):
    def render(self, content: Any) -> bytes:
        return b""


class Mixed(Rendered, JSONResponse):
    pass


@pytest.mark.parametrize("chosen", [None, Response, PlainTextResponse, HTMLResponse, JSONResponse, Named])
def test_what_only_names_a_type_has_a_short_way(chosen: Any) -> None:
    fast = Rendering(None, chosen, 201).renderer().fast
    assert fast is not None
    assert fast.status == 201
    value: Any = {"a": 1} if chosen in (None, JSONResponse) else "a"
    made = (chosen or JSONResponse)(value, 201)
    assert fast.dump(value) == made.body
    assert [*fast.headers] == [field for field in made.raw_headers if field[0] != b"content-length"]


@pytest.mark.parametrize("chosen", [Rendered, Mixed, lambda content: Response(content)])
def test_what_does_more_has_none(chosen: Any) -> None:
    assert Rendering(None, chosen, None).renderer().fast is None


@both_doors
def test_headers_are_those_of_the_object(door: str) -> None:
    app = FastAPI()

    @app.get("/text", response_class=Named)
    async def text() -> Any:
        return "é"

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        answer = client.get("/text")
    assert sorted(answer.headers.raw) == sorted(Named("é").raw_headers)
    assert json.dumps(answer.text) == json.dumps("é")
