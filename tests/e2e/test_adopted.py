"""Applications written for the originals, not a character changed, served by `fenrir run --adopt` on Asteri.

The originals are installed where this runs, so a module that came from one of them would be seen: every page tells
which files its framework's modules come from, and the same file is asked without adoption as well.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_asteri_process import PATIENCE, Process, eventually
from tests.e2e.test_fenrir_run import fenrir

pytestmark = pytest.mark.slow

FLASK = """\
import multiprocessing
import sys
from importlib.metadata import version

from flask import Blueprint, Flask, g, jsonify, request, session
from flask.views import MethodView

app = Flask(__name__)
app.secret_key = "for a test"
admin = Blueprint("admin", __name__, url_prefix="/admin")


@app.before_request
def who():
    g.user = request.args.get("user", "nobody")


@app.route("/")
def index():
    session["seen"] = session.get("seen", 0) + 1
    return jsonify(user=g.user, release=VERSION)


@admin.get("/<int:number>")
def item(number):
    return {"number": number}


class Notes(MethodView):
    def get(self):
        return "notes", 203, {"x-notes": "yes"}


app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
app.register_blueprint(admin)


def module_of_flask(pipe):
    import flask

    pipe.send(flask.__name__)


@app.get("/modules")
def modules():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=module_of_flask, args=(theirs,))
    process.start()
    spawned = ours.recv()
    process.join()
    heads = sys.modules["flask"], sys.modules["flask.views"]
    return {"files": [module.__file__ for module in heads], "version": version("flask"), "spawned": spawned}
"""

FASTAPI = """\
import sys
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.requests import Request


class Item(BaseModel):
    name: str
    price: float = 1.0


@asynccontextmanager
async def lifespan(app):
    app.state.shop = {"first": Item(name="first")}
    yield


app = FastAPI(title="Shop", lifespan=lifespan)
router = APIRouter(prefix="/items", tags=["items"])


def store(request: Request) -> dict[str, Item]:
    return request.app.state.shop


Store = Annotated[dict[str, Item], Depends(store)]


@router.get("/{name}")
def read(name: str, items: Store) -> Item:
    if name not in items:
        raise HTTPException(404, "no such item")
    return items[name]


@router.post("/", status_code=201)
async def add(item: Item, items: Store, twice: Annotated[bool, Query()] = False) -> Item:
    items[item.name] = item
    return item


@app.get("/plain", response_class=PlainTextResponse)
def plain():
    return "release VERSION"


@app.get("/modules")
def modules():
    return {"files": [sys.modules[name].__file__ for name in ("fastapi", "fastapi.responses", "starlette.requests")]}


app.include_router(router)
"""

Run = Callable[..., Process]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start a program of the environment in the directory, on a free port."""
    started: list[Process] = []
    script = tmp_path.parent / f"{tmp_path.name}-fenrir.py"
    script.write_text("from fenrir.cli import main\n\nif __name__ == '__main__':\n    main(prog_name='fenrir')\n")

    def start(*arguments: str) -> Process:
        started.append(Process(tmp_path, "run", "-p", "0", *arguments, command=str(script)))
        return started[-1]

    yield start
    for process in started:
        process.close()


def asked(server: Process, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = server.connect()
    try:
        connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(("name", "source"), [("flask", FLASK), ("fastapi", FASTAPI)])
def test_the_file_is_one_for_the_original(name: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(source.replace("VERSION", "1"))
    program = f"import shop; print(type(shop.app).__module__.split('.')[0]); import {name}; print({name}.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == name
    assert "fenrir" not in Path(done.stdout.split()[1]).parts


def test_a_flask_application(tmp_path: Path, run: Run) -> None:
    (tmp_path / "shop.py").write_text(FLASK.replace("VERSION", "1"))
    server = run("--adopt", "flask", "shop:app", "-w", "2")
    assert asked(server, "GET", "/?user=ada") == (200, {"user": "ada", "release": 1})
    assert asked(server, "GET", "/admin/7") == (200, {"number": 7})
    assert server.get("/notes") == "notes"
    status, seen = asked(server, "GET", "/modules")
    assert status == 200, server.output
    assert [Path(file).parts[-3:-1] for file in seen["files"]] == [("fenrir", "flask")] * 2
    assert seen["spawned"] == "fenrir.flask"
    assert seen["version"].startswith("3.")
    server.send(signal.SIGTERM)
    assert server.wait() == 0
    assert "Traceback" not in server.output


def test_a_fastapi_application(tmp_path: Path, run: Run) -> None:
    (tmp_path / "shop.py").write_text(FASTAPI.replace("VERSION", "1"))
    server = run("--adopt", "fastapi", "shop:app")
    assert asked(server, "GET", "/items/first") == (200, {"name": "first", "price": 1.0})
    assert asked(server, "GET", "/items/second") == (404, {"detail": "no such item"})
    assert asked(server, "POST", "/items/?twice=1", {"name": "second"}) == (201, {"name": "second", "price": 1.0})
    assert asked(server, "GET", "/items/second")[0] == 200
    status, refused = asked(server, "POST", "/items/?twice=maybe", {"price": "dear"})
    assert status == 422
    assert [error["loc"] for error in refused["detail"]] == [["query", "twice"], ["body", "name"], ["body", "price"]]
    assert asked(server, "GET", "/openapi.json")[1]["info"] == {"title": "Shop", "version": "0.1.0"}
    status, seen = asked(server, "GET", "/modules")
    assert status == 200, server.output
    assert {Path(file).parts[Path(file).parts.index("fenrir") + 1] for file in seen["files"]} <= {
        "fastapi",
        "starlette",
    }
    server.send(signal.SIGTERM)
    assert server.wait() == 0
    assert "Traceback" not in server.output


def test_a_reloaded_worker_adopts_as_well(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "app.py"
    file.write_text(FLASK.replace("VERSION", "1"))
    server = run("--adopt", "flask", "--reload")
    assert asked(server, "GET", "/")[1]["release"] == 1
    deadline = time.monotonic() + 4 * PATIENCE
    while len(re.findall(r"worker \d+ is ready", server.output)) < 2:
        assert time.monotonic() < deadline, server.output
        file.write_text(FLASK.replace("VERSION", "2"))
        time.sleep(1)
    eventually(lambda: asked(server, "GET", "/")[1]["release"] == 2)
    assert "fenrir" in asked(server, "GET", "/modules")[1]["files"][0]


def test_routes_and_explain_adopt_as_run_does(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(FLASK.replace("VERSION", "1"))
    listed = fenrir(tmp_path, "routes", "--adopt", "flask", "shop:app")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"^GET\S* +/admin/<int:number> +admin\.item +flask +shop\.py:\d+$", listed.stdout, re.MULTILINE)
    explained = fenrir(tmp_path, "explain", "--adopt", "flask", "GET", "/admin/7", "shop:app")
    assert explained.returncode == 0, explained.stderr
    assert "number = 7" in explained.stdout
    refused = fenrir(tmp_path, "routes", "shop:app")
    assert refused.returncode == 2
    assert refused.stderr == "Error: this is no Fenrir application but flask.app.Flask\n"


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    refused = fenrir(tmp_path, "run", "--adopt", "django", "shop:app")
    assert refused.returncode == 2
    assert "'django' is not one of" in refused.stderr


def test_asteri_itself_serves_it_adopted(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(FLASK.replace("VERSION", "1"))
    program = ("fenrir.adopt", "flask", "-m", "asteri", "shop:app", "-b", "127.0.0.1:0", "-w", "2")
    server = Process(tmp_path, *program, command="-m")
    try:
        assert asked(server, "GET", "/admin/7") == (200, {"number": 7})
        assert asked(server, "GET", "/modules")[1]["spawned"] == "fenrir.flask"
    finally:
        server.close()


def test_workers_that_another_server_spawns_adopt_as_well(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(FASTAPI.replace("VERSION", "1"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = ("fenrir.adopt", "fastapi", "-m", "uvicorn", "shop:app", "--port", str(port), "--workers", "2")
    server = Process(tmp_path, *program, command="-m")
    try:
        server.said("Application startup complete", 2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/modules", timeout=PATIENCE) as answer:
            seen = json.load(answer)
        assert ["fenrir" in Path(file).parts for file in seen["files"]] == [True] * 3
    finally:
        server.close()
