"""What the Sanic application does beside answering requests: start and stop, tasks, signals, WebSockets, names."""

import asyncio

import pytest

from fenrir.core.declare import DeclarationError
from fenrir.sanic import Blueprint, Config, Sanic, text
from fenrir.sanic.exceptions import InvalidSignal, SanicException
from fenrir.testing import Client

DOORS = pytest.mark.parametrize("door", ["direct", "asgi"])


@pytest.fixture
def app():
    Sanic.test_mode = True
    made = Sanic("app")
    yield made
    Sanic.unregister_app(made)


@DOORS
def test_listeners_run_in_order_and_stop_in_reverse(app, door):
    events = []
    for name in ("after_server_stop", "before_server_stop", "after_server_start", "before_server_start"):
        for number in (1, 2):
            app.register_listener(lambda app, name=name, number=number: events.append(f"{name} {number}"), name)

    @app.before_server_start(priority=3)
    async def urgent(app, loop):
        assert loop is asyncio.get_running_loop()
        events.append("urgent")

    with Client(app, door=door):
        started = list(events)
        events.clear()
    assert started == [
        "urgent",
        "before_server_start 1",
        "before_server_start 2",
        "after_server_start 1",
        "after_server_start 2",
    ]
    assert events == [
        "before_server_stop 2",
        "before_server_stop 1",
        "after_server_stop 2",
        "after_server_stop 1",
    ]


def test_an_unknown_listener_is_refused(app):
    with pytest.raises(SanicException, match="Invalid event"):
        app.listener("before_everything")(lambda app: None)


@DOORS
def test_tasks_are_named_found_and_cancelled(app, door):
    done = []

    async def once(app):
        done.append(app.name)

    async def forever():
        try:
            await asyncio.sleep(60)
        finally:
            done.append("stopped")

    app.add_task(once)

    @app.get("/start")
    async def start(request):
        task = app.add_task(forever(), name="forever")
        assert app.get_task("forever") is task
        assert task in list(app.tasks)
        await asyncio.sleep(0)
        return text(task.get_name())

    @app.get("/cancel")
    async def cancel(request):
        await app.cancel_task("forever")
        return text(str(app.get_task("forever", raise_exception=False)))

    with Client(app, door=door) as client:
        assert client.get("/start").text == "forever"
        assert client.get("/cancel").text == "None"
    assert done == ["app", "stopped"]
    with pytest.raises(SanicException, match="not found"):
        app.get_task("forever")


@DOORS
def test_a_task_that_still_runs_is_cancelled_at_shutdown(app, door):
    ended = []
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.01

    async def forever():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    @app.after_server_start
    async def start(app):
        app.add_task(forever())

    with Client(app, door=door):
        pass
    assert ended == [True]


@DOORS
def test_a_websocket_echoes_and_chooses_a_protocol(app, door):
    @app.websocket("/ws/<name>", subprotocols=["b", "a"])
    async def echo(request, ws, name):
        await ws.send(f"{name} {ws.subprotocol} {request.args.get('q')}")
        async for message in ws:
            await ws.send(message)

    with Client(app, door=door) as client, client.websocket("/ws/x?q=1", subprotocols=["a"]) as ws:
        assert ws.receive() == "x a 1"
        ws.send(b"bytes")
        assert ws.receive() == b"bytes"


@DOORS
def test_signals_reach_handlers_and_waiters(app, door):
    seen = []

    @app.signal("order.placed.<kind>")
    async def placed(kind, amount):
        seen.append((kind, amount))
        return amount

    @app.get("/")
    async def index(request):
        waiting = asyncio.create_task(app.event("order.placed.book", timeout=1))
        await asyncio.sleep(0)
        result = await app.dispatch("order.placed.book", context={"amount": 3}, inline=True)
        assert await waiting == {"amount": 3}
        with pytest.raises(InvalidSignal):
            await app.dispatch("no.such.signal")
        return text(str(result))

    with Client(app, door=door) as client:
        assert client.get("/").text == "3"
    assert seen == [("book", 3)]


@DOORS
def test_a_handler_that_is_left_is_told(app, door):
    left = []

    @app.get("/")
    async def endless(request):
        response = await request.respond()
        try:
            while True:
                await response.send("x")
        except OSError:
            left.append(True)

    @app.head("/")
    async def head(request):
        return await endless(request)

    with Client(app, door=door) as client:
        assert client.head("/").status_code == 200
    assert left == [True]


def test_notebooks_are_shared_with_the_engine(app):
    app.ctx.db = "db"
    assert app.engine.state.db == "db"

    @app.on_request
    def note(request):
        request.ctx.user = "u"

    @app.get("/")
    def index(request):
        return text(f"{request.ctx.user} {request.app.ctx.db} {request.get_current() is request}")

    with Client(app) as client:
        assert client.get("/").text == "u db True"


def test_names_are_unique_and_found(app):
    assert Sanic.get_app("app") is app
    Sanic.test_mode = False
    try:
        with pytest.raises(SanicException, match="already in use"):
            Sanic("app")
        with pytest.raises(SanicException, match="not found"):
            Sanic.get_app("other")
    finally:
        Sanic.test_mode = True
    with pytest.raises(SanicException, match="invalid format"):
        Sanic("a b")


def test_mistakes_name_the_line(app):
    with pytest.raises(DeclarationError, match=r"test_sanic_app\.py"):
        app.get("/<x:nothing>")(lambda request, x: None)
    with pytest.raises(TypeError, match="Unexpected keyword arguments: colour"):
        app.get("/", colour="red")
    with pytest.raises(ValueError, match="request"):
        app.get("/")(lambda: None)
    app.blueprint(Blueprint("one"))
    with pytest.raises(DeclarationError, match="already registered"):
        app.blueprint(Blueprint("one"))


def test_configuration_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SANIC_PORTS", "3")
    monkeypatch.setenv("SANIC_FLAG", "true")
    monkeypatch.setenv("SANIC_RATIO", "1.5")
    config = Config()
    assert (config.PORTS, config.FLAG, config.RATIO) == (3, True, 1.5)
    (tmp_path / "settings.py").write_text("A = 1\nb = 2\n")
    config.update_config(str(tmp_path / "settings.py"))
    assert config.A == 1
    assert "b" not in config
    with pytest.raises(AttributeError, match="MISSING"):
        config.MISSING  # noqa: B018 - asking is the test
    with pytest.raises(SanicException, match="Unknown format"):
        config.FALLBACK_ERROR_FORMAT = "xml"


@DOORS
def test_a_body_above_the_limit_is_refused(app, door):
    app.config.REQUEST_MAX_SIZE = 3

    @app.post("/")
    async def index(request):
        return text(str(len(request.body)))

    with Client(app, door=door) as client:
        assert client.post("/", content=b"abc").text == "3"
        assert client.post("/", content=b"abcd").status_code == 413


@DOORS
@pytest.mark.parametrize(
    "path", ["/files/../secret", "/files/%2e%2e/secret", "/files/link", "/files/sub", "/files/%00"]
)
def test_static_files_stay_in_their_directory(app, door, tmp_path, path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    app.static("/files", root)
    with Client(app, door=door) as client:
        assert client.get(f"/files/{path}").status_code == 404


@DOORS
def test_static_files_answer_ranges(app, door, tmp_path):
    (tmp_path / "a.txt").write_text("0123456789")
    app.static("/files", tmp_path, use_content_range=True)
    with Client(app, door=door) as client:
        part = client.get("/files/a.txt", headers={"range": "bytes=2-4"})
        assert (part.status_code, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/10")
        assert client.get("/files/a.txt", headers={"range": "bytes=20-"}).status_code == 416
        stamp = client.get("/files/a.txt").headers["last-modified"]
        assert client.get("/files/a.txt", headers={"if-modified-since": stamp}).status_code == 304
