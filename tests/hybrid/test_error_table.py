"""Five spellings of an error handler, one table: arguments by spelling, nearest wins (paradigms rules 18 to 20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fenrir
from fenrir import APIRouter, Blueprint, Fenrir, HTTPException, bottle, falcon, fastapi, flask, sanic
from fenrir.falcon import HTTPNotFound
from fenrir.fastapi.responses import JSONResponse
from fenrir.flask import abort
from fenrir.sanic.exceptions import NotFound as SanicNotFound
from fenrir.testing import Client

from .test_sharing import HANDLERS


class Trouble(Exception):
    """What the handlers raise."""


class Worse(Trouble):
    """A kind of it."""


def by_flask(app: Fenrir, key: Any, seen: list[Any]) -> None:
    @app.errorhandler(key)
    def handle(exc: Any) -> Any:
        seen.append((exc, flask.request.path))
        return "flask", 599


def by_fastapi(app: Fenrir, key: Any, seen: list[Any]) -> None:
    @app.exception_handler(key)
    async def handle(request: fastapi.Request, exc: Any) -> Any:
        seen.append((exc, request.url.path))
        return JSONResponse("fastapi", 599)


def by_falcon(app: Fenrir, key: Any, seen: list[Any]) -> None:
    def handle(req: Any, resp: Any, ex: Any, params: Any) -> None:
        assert isinstance(params, dict)
        seen.append((ex, req.path))
        resp.text, resp.status = "falcon", 599

    app.add_error_handler(key, handle)


def by_sanic(app: Fenrir, key: Any, seen: list[Any]) -> None:
    @app.exception(key)
    async def handle(request: Any, exc: Any) -> Any:
        seen.append((exc, request.path))
        return sanic.text("sanic", status=599)


SPELLINGS: dict[str, Callable[[Fenrir, Any, list[Any]], None]] = {
    "flask": by_flask,
    "fastapi": by_fastapi,
    "falcon": by_falcon,
    "sanic": by_sanic,
}


def trouble() -> Any:
    raise Worse("no")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("dialect", HANDLERS)
def test_every_spelling_takes_errors_of_every_handler(app: Fenrir, door: str, dialect: str, spelling: str) -> None:
    """The spelling decides the handler's arguments, whoever raised."""
    seen: list[Any] = []
    SPELLINGS[spelling](app, Trouble, seen)
    HANDLERS[dialect](app, "/x", trouble)
    with Client(app, door=door) as client:
        response = client.get("/x")
    assert (response.status_code, response.text.strip('"')) == (599, spelling)
    [(exc, path)] = seen
    assert type(exc) is Worse
    assert path == "/x"


@pytest.mark.parametrize("dialect", HANDLERS)
def test_bottles_spelling_takes_a_status(app: Fenrir, door: str, dialect: str) -> None:
    """Bottle's handlers are for a status, take Bottle's HTTPError and return the body."""

    @app.error(404)
    def missing(error: bottle.HTTPError) -> str:
        return f"bottle {error.status_code} {type(error).__name__}"

    def not_found() -> Any:
        raise HTTPException(404, "gone")

    HANDLERS[dialect](app, "/x", not_found)
    with Client(app, door=door) as client:
        for path in ("/x", "/nowhere"):
            response = client.get(path)
            assert (response.status_code, response.text) == (404, "bottle 404 HTTPError")


RAISERS: dict[str, Callable[[], Any]] = {
    "fastapi": lambda: (_ for _ in ()).throw(HTTPException(404, "gone")),
    "flask": lambda: abort(404, "gone"),
    "falcon": lambda: (_ for _ in ()).throw(HTTPNotFound(description="gone")),
    "sanic": lambda: (_ for _ in ()).throw(SanicNotFound("gone")),
    "bottle": lambda: bottle.abort(404, "gone"),
}


def raising(call: Callable[[], Any]) -> Any:
    """Call a raiser; those that are generators raise at their first step."""
    made = call()
    return next(made) if hasattr(made, "__next__") else made


@pytest.mark.parametrize("raised", RAISERS)
@pytest.mark.parametrize("dialect", HANDLERS)
def test_every_abort_in_every_handler(app: Fenrir, door: str, dialect: str, raised: str) -> None:
    """An exception that is an answer is one everywhere, in the look of the route that raised it."""
    HANDLERS[dialect](app, "/x", lambda: raising(RAISERS[raised]))
    with Client(app, door=door) as client:
        response = client.get("/x")
    assert response.status_code == 404
    assert "gone" in response.text
    looks = {"native": "json", "fastapi": "json", "falcon": "json", "flask": "html", "bottle": "html", "sanic": "text"}
    assert looks[dialect] in response.headers["content-type"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("raised", RAISERS)
def test_a_status_is_one_thing_for_all(app: Fenrir, door: str, raised: str, spelling: str) -> None:
    """A handler for its own dialect's 404 takes those of all dialects, and the router's."""
    keys: dict[str, Any] = {"flask": 404, "fastapi": 404, "falcon": HTTPNotFound, "sanic": SanicNotFound}
    SPELLINGS[spelling](app, keys[spelling], seen := [])
    app.get("/x")(lambda: raising(RAISERS[raised]))
    with Client(app, door=door) as client:
        assert [client.get(path).status_code for path in ("/x", "/nowhere")] == [599, 599]
    assert [path for _, path in seen] == ["/x", "/nowhere"]


def test_the_nearest_class_wins(app: Fenrir, door: str) -> None:
    """Of the handlers of one scope the nearest class wins, whatever the spelling and the order."""
    app.add_error_handler(Worse, lambda req, resp, ex, params: setattr(resp, "text", "Worse"))
    app.errorhandler(Trouble)(lambda exc: "Trouble")
    app.exception(Exception)(lambda request, exc: sanic.text("Exception"))

    def other() -> Any:
        raise KeyError("other")

    def plain() -> Any:
        raise Trouble("plain")

    for path, call in (("/worse", trouble), ("/trouble", plain), ("/other", other)):
        app.get(path, name=path)(call)
    with Client(app, door=door) as client:
        assert [client.get(path).text for path in ("/worse", "/trouble", "/other")] == ["Worse", "Trouble", "Exception"]


def test_the_routers_handler_wins_over_the_applications(app: Fenrir, door: str) -> None:
    """A handler of the route's router wins, even for a more general class."""
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    blueprint.route("/x")(trouble)
    blueprint.errorhandler(Exception)(lambda exc: "blueprint")
    group = sanic.Blueprint("sanic_shop", url_prefix="/sanic")

    @group.get("/x")
    async def sanic_trouble(request: Any) -> Any:
        raise Worse

    group.exception(Exception)(lambda request, exc: sanic.text("group"))
    app.errorhandler(Worse)(lambda exc: "app")
    app.include(blueprint)
    app.include(group)
    app.get("/x", name="own")(trouble)
    with Client(app, door=door) as client:
        assert [client.get(path).text for path in ("/shop/x", "/sanic/x", "/x")] == ["blueprint", "group", "app"]


def test_outside_any_route_the_application_answers_in_its_own_look(app: Fenrir, door: str) -> None:
    """404 and 405 of the router speak the home language (rule 20)."""
    app.flask.route("/flask", methods=["POST"], endpoint="flask")(lambda: "x")
    app.sanic.post("/sanic", name="sanic")(lambda request: sanic.text("x"))
    with Client(app, door=door) as client:
        missing = client.get("/nowhere")
        assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
        refused = client.get("/flask")
        assert (refused.status_code, refused.json()) == (405, {"detail": "Method Not Allowed"})
        assert refused.headers["allow"] == "OPTIONS, POST"
        assert client.get("/sanic").status_code == 405


@pytest.mark.parametrize("dialect", HANDLERS)
def test_an_error_handler_that_fails_is_an_error(app: Fenrir, door: str, dialect: str) -> None:
    """It is answered with 500 in the look of the route, and hooks still see the answer."""
    statuses: list[int] = []
    app.errorhandler(Trouble)(lambda exc: 1 / 0)

    @app.after_request
    def after(response: Any) -> Any:
        statuses.append(response.status_code)
        return response

    HANDLERS[dialect](app, "/x", trouble)
    with Client(app, door=door, raise_server_exceptions=False) as client:
        response = client.get("/x")
    assert response.status_code == 500
    assert statuses == [500]
    assert "ZeroDivisionError" not in response.text


def test_errors_of_hooks_and_dependencies_reach_the_table(app: Fenrir, door: str) -> None:
    """Whoever raises around a handler, the table answers."""

    def fail(*args: Any) -> Any:
        raise Worse

    installers: dict[str, Callable[[Fenrir], Any]] = {
        "before_request": lambda app: app.before_request(fail),
        "after_request": lambda app: app.after_request(fail),
        "on_request": lambda app: app.on_request(fail),
        "bottle before_request": lambda app: app.hook("before_request")(fail),
        "dependency": lambda app: None,
    }
    for name, install in installers.items():
        one = Fenrir(
            __name__, static_folder=None, dependencies=[fenrir.Depends(refuse)] if name == "dependency" else []
        )
        install(one)
        one.errorhandler(Trouble)(lambda exc: ("trouble", 599))
        one.get("/x")(lambda: "x")
        with Client(one, door=door) as client:
            assert client.get("/x").status_code == 599, name


def refuse() -> None:
    """Refuse as a dependency."""
    raise Worse


def test_routers_of_fastapi_have_no_handlers_but_share_the_applications(app: Fenrir, door: str) -> None:
    """An APIRouter's routes fall to the application's table."""
    router = APIRouter(prefix="/api")
    router.get("/x")(trouble)
    app.include(router)
    app.add_error_handler(falcon.HTTPError, lambda req, resp, ex, params: setattr(resp, "text", "http"))
    app.exception_handler(Trouble)(lambda request, exc: JSONResponse("trouble", 599))
    with Client(app, door=door) as client:
        assert client.get("/api/x").status_code == 599
        assert client.get("/api/none").text == "http"
