"""Smaller modules, compared with upstream's: the same code is run with either package's modules."""

from __future__ import annotations

import importlib
import os
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fenrir.starlette.testclient import TestClient

PACKAGES = ("starlette", "fenrir.starlette")


def twin(name: str) -> SimpleNamespace:
    modules = (
        "applications authentication background concurrency config convertors endpoints exceptions middleware "
        "middleware.authentication requests responses routing schemas status websockets"
    )
    return SimpleNamespace(
        **{module.replace(".", "_"): importlib.import_module(f"{name}.{module}") for module in modules.split()}
    )


def said(call: Callable[[], Any]) -> Any:
    """Return the value, or the class and the text of the exception."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error)


def same(run: Callable[[Any], Any]) -> None:
    expected, actual = (run(twin(name)) for name in PACKAGES)
    assert actual == expected


def shown(response: Any) -> Any:
    return response.status_code, response.text, response.headers.get("allow"), response.headers.get("location")


def test_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\nA=1\n B = 'two words' \nC=\"x'\nURL=a=b\nEMPTY=\nnothing\n#D=4\n", encoding="utf-8")
    monkeypatch.setenv("PRE_A", "env")

    def run(s: Any) -> Any:
        config = s.config.Config(file, environ={"A": "env", "BOOL": "True", "NO": "0", "ODD": "yes"})
        prefixed = s.config.Config(env_prefix="PRE_")
        environ = s.config.Environ({"READ": "1", "NEW": "2"})
        environ["READ"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            s.config.Config(tmp_path / "missing")
        return [
            [said(lambda name=name: config(name)) for name in ("A", "B", "C", "URL", "EMPTY", "D", "nothing")],
            [said(lambda name=name: config(name, cast=bool)) for name in ("BOOL", "NO", "ODD", "A")],
            said(lambda: config("A", cast=int)),
            said(lambda: config("A", cast=len)),
            [config("Z", default=None), config("Z", cast=int, default="3"), config.get("Z", default=0)],
            [said(lambda: prefixed("A")), said(lambda: prefixed("B"))],
            said(lambda: environ.__setitem__("READ", "2")),
            said(lambda: environ.__delitem__("READ")),
            said(lambda: environ.pop("NEW")),
            [list(environ), len(environ)],
            [str(warning.message) for warning in caught],
        ]

    same(run)
    assert os.environ["PRE_A"] == "env"


def test_convertors() -> None:
    def run(s: Any) -> Any:
        found = []
        values: list[Any] = [
            "a",
            "a/b",
            "",
            -1,
            1,
            "1",
            0.5,
            -0.1,
            1e20,
            1e-7,
            float("nan"),
            float("inf"),
            uuid.UUID(int=7),
        ]
        for name, convertor in s.convertors.CONVERTOR_TYPES.items():
            found.append((name, convertor.regex, [said(lambda v=v, c=convertor: c.to_string(v)) for v in values]))
            found.append([said(lambda t=t, c=convertor: c.convert(t)) for t in ("7", "0.5", str(uuid.UUID(int=7)))])
        return found

    same(run)


def test_exceptions() -> None:
    def run(s: Any) -> Any:
        errors = [
            s.exceptions.HTTPException(404),
            s.exceptions.HTTPException(499, headers={"a": "b"}),
            s.exceptions.HTTPException(400, detail="x"),
            s.exceptions.WebSocketException(1008),
            s.exceptions.WebSocketException(1008, "why"),
            s.websockets.WebSocketDisconnect(),
        ]
        return [(repr(error), vars(error)) for error in errors[:3]] + [
            (error.code, error.reason, repr(error) if index < 2 else "") for index, error in enumerate(errors[3:])
        ]

    same(run)


def test_renamed_statuses() -> None:
    def run(s: Any) -> Any:
        with pytest.warns(UserWarning) as caught:
            value = s.status.HTTP_422_UNPROCESSABLE_ENTITY
        names = [name for name in dir(s.status) if name.startswith(("HTTP_", "WS_"))]
        return value, str(caught[0].message), names, said(lambda: s.status.HTTP_999), said(lambda: s.status.WS_1)

    same(run)


def test_endpoints() -> None:
    def run(s: Any) -> Any:
        text = s.responses.PlainTextResponse

        class Thing(s.endpoints.HTTPEndpoint):  # type: ignore[misc,name-defined]
            async def get(self, request: Any) -> Any:
                return text(f"get {request.path_params.get('n')}")

            def post(self, request: Any) -> Any:
                return text("post")

        def talking(encoding: str | None) -> Any:
            class Talk(s.endpoints.WebSocketEndpoint):  # type: ignore[misc,name-defined]
                async def on_receive(self, websocket: Any, data: Any) -> None:
                    await websocket.send_json([encoding, data if isinstance(data, str | list) else data.decode()])

                async def on_disconnect(self, websocket: Any, close_code: int) -> None:
                    codes.append(close_code)

            Talk.encoding = encoding
            return Talk

        codes: list[int] = []
        kinds = (None, "text", "bytes", "json")
        route, socket = s.routing.Route, s.routing.WebSocketRoute
        app = s.applications.Starlette(
            routes=[route("/t/{n}", Thing), *(socket(f"/{kind}", talking(kind)) for kind in kinds)]
        )
        client = TestClient(app)
        found = [shown(client.request(method, "/t/1")) for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")]
        found.append(shown(TestClient(Thing).delete("/")))
        for kind in kinds:
            for data in ("[1]", b"[1]", "{"):

                def talk(kind: Any = kind, data: Any = data) -> Any:
                    with client.websocket_connect(f"/{kind}") as ws:
                        ws.send_text(data) if isinstance(data, str) else ws.send_bytes(data)
                        return ws.receive_json()

                found.append(said(talk))
        return found, codes

    same(run)


def test_authentication() -> None:
    def run(s: Any) -> Any:
        a = s.authentication

        class Backend(a.AuthenticationBackend):  # type: ignore[misc,name-defined]
            async def authenticate(self, conn: Any) -> Any:
                name = conn.query_params.get("user")
                if name == "bad":
                    raise a.AuthenticationError("who?")
                return (a.AuthCredentials(["in", name]), a.SimpleUser(name)) if name else None

        @a.requires("in")
        async def plain(request: Any) -> Any:
            return s.responses.JSONResponse([request.user.display_name, request.user.identity, request.auth.scopes])

        @a.requires(["in", "admin"], status_code=404)
        def admin(request: Any) -> Any:
            return s.responses.PlainTextResponse("admin")

        @a.requires("in", redirect="home")
        async def sent(request: Any) -> Any:
            return s.responses.PlainTextResponse("in")

        @a.requires("in")
        async def socket(websocket: Any) -> None:
            await websocket.accept()
            await websocket.send_text(websocket.user.display_name)
            await websocket.close()

        async def home(request: Any) -> Any:
            return s.responses.PlainTextResponse(f"{request.user.is_authenticated} {request.user.display_name!r}")

        route = s.routing.Route
        middleware = s.middleware_authentication.AuthenticationMiddleware
        app = s.applications.Starlette(
            routes=[
                route("/plain", plain), route("/admin", admin), route("/sent", sent), route("/", home, name="home"),
                s.routing.WebSocketRoute("/ws", socket),
            ],
            middleware=[s.middleware.Middleware(middleware, backend=Backend())],
        )  # fmt: skip
        client = TestClient(app)
        found = [
            shown(client.get(f"{path}?user={user}", follow_redirects=False))
            for path in ("/plain", "/admin", "/sent", "/")
            for user in ("", "bob", "admin", "bad")
        ]

        def talk(user: str) -> Any:
            with client.websocket_connect(f"/ws?user={user}") as ws:
                return ws.receive_text()

        found += [talk("bob"), said(lambda: talk(""))[0]]
        found.append(said(lambda: a.requires("x")(lambda other: None))[0])
        found.append(said(lambda: a.requires("x")(lambda request: None)(3)))
        return found

    same(run)


def test_schemas() -> None:
    def run(s: Any) -> Any:
        def described(request: Any) -> None:
            """Words.

            ---
            responses:
              200: {description: ok}
            """

        def words(request: Any) -> None:
            """Only words."""

        class Thing(s.endpoints.HTTPEndpoint):  # type: ignore[misc,name-defined]
            def get(self, request: Any) -> None:
                """responses: {200: {description: got}}"""

            def query(self, request: Any) -> None:
                """responses: {200: {description: found}}"""

        route, mount = s.routing.Route, s.routing.Mount
        routes = [
            route("/a/{n:int}", described, methods=["GET", "POST"]), route("/b", words), route("/c", Thing),
            route("/d", described, include_in_schema=False), mount("/m", routes=[route("/e", described)]),
            s.routing.Host("h", app=s.routing.Router([route("/f", described)])),
        ]  # fmt: skip
        made = [
            s.schemas.SchemaGenerator({"openapi": version}).get_schema(routes) for version in ("3.1.0", "3.2.0", "x")
        ]
        app = s.applications.Starlette(
            routes=[*routes, route("/schema", lambda request: s.schemas.SchemaGenerator({}).OpenAPIResponse(request))]
        )
        response = TestClient(app).get("/schema")
        return made, response.text, response.headers["content-type"], said(lambda: s.schemas.OpenAPIResponse([]))

    same(run)


def test_background_work_in_its_order() -> None:
    def run(s: Any) -> Any:
        done: list[Any] = []

        async def later(value: int) -> None:
            done.append(value)

        tasks = s.background.BackgroundTasks([s.background.BackgroundTask(done.append, 0)])
        tasks.add_task(later, value=1)
        tasks.add_task(done.append, 2)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await s.responses.Response(background=tasks)(scope, receive, send)

        TestClient(app).get("/")
        return done, [task.is_async for task in tasks.tasks]

    same(run)
