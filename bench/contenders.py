"""Who takes part: how each one is started, and which scenarios it has an application for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.limit import LIMIT
from bench.peers import PEERS
from bench.scenarios import SCENARIOS

__all__ = ["APPS", "CONTENDERS", "Contender"]

APPS = Path(__file__).resolve().parent / "apps"
OURS = sys.executable

FIXED = ("plaintext", "browser", "pipeline")
SERVER = ("plaintext", "json", "params", "body", "browser", "pipeline")
RAW = (*SERVER, "ws", "download", "upload")
ROUTED = (*SERVER, "routes1000")
EVERY = tuple(SCENARIOS)


@dataclass(frozen=True, slots=True)
class Contender:
    """One server with one application.

    Attributes:
        command: how it is started; `{port}` is replaced.
        ours: Fenrir or Asteri has a part in it.
        program: what has to be on the machine for it: "limit-c", or one of `tools.programs`.
    """

    name: str
    command: tuple[str, ...]
    scenarios: tuple[str, ...]
    ours: bool = False
    program: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def asteri(app: str, *more: str) -> tuple[str, ...]:
    return (OURS, "-m", "asteri", app, "-b", "127.0.0.1:{port}", "-w", "1", "--log-level", "warning", *more)


def uvicorn(app: str, python: str = PEERS) -> tuple[str, ...]:
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    return (python, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", *options)


def granian(app: str, interface: str = "asgi") -> tuple[str, ...]:
    options = ("--workers", "1", "--runtime-threads", "1", "--loop", "uvloop", "--log-level", "warning")
    address = ("--host", "127.0.0.1", "--port", "{port}")
    return (PEERS, "-m", "granian", "--interface", interface, *address, *options, app)


def gunicorn(app: str) -> tuple[str, ...]:
    options = ("-w", "1", "-k", "gthread", "--threads", "1", "-t", "0", "--keep-alive", "75", "--log-level", "warning")
    return (PEERS, "-m", "gunicorn", app, "-b", "127.0.0.1:{port}", *options)


def declared() -> Iterable[Contender]:
    """Yield the contenders in the order in which they are shown."""
    pure = {"ASTERI_PURE": "1"}
    yield Contender("limit-c", (str(LIMIT), "{port}"), FIXED, program="limit-c")
    nginx = (sys.executable, str(APPS / "nginx.py"), "{port}")
    yield Contender("nginx", nginx, (*FIXED, "json", "download"), program="nginx")
    yield Contender("raw-direct-asteri", asteri("raw_direct:app"), (*RAW, "sync"), ours=True)
    yield Contender("raw-asgi-asteri", asteri("raw_asgi:app"), RAW, ours=True)
    yield Contender("raw-wsgi-asteri", asteri("raw_wsgi:app"), (*SERVER, "sync", "download", "upload"), ours=True)
    yield Contender("fenrir-asteri", asteri("fenrir_app:app"), EVERY, ours=True)
    yield Contender("fenrir-asteri-pure", asteri("fenrir_app:app"), EVERY, ours=True, environment=pure)
    yield Contender("fenrir-uvicorn", uvicorn("fenrir_app:app", OURS), EVERY, ours=True)
    yield Contender("raw-asgi-uvicorn", uvicorn("raw_asgi:app"), RAW)
    yield Contender("raw-asgi-granian", granian("raw_asgi:app"), RAW)
    yield Contender("raw-rsgi-granian", granian("raw_rsgi:app", "rsgi"), RAW)
    yield Contender("blacksheep-granian", granian("blacksheep_app:app"), EVERY)
    yield Contender("starlette-uvicorn", uvicorn("starlette_app:app"), tuple(n for n in EVERY if n != "di"))
    yield Contender("falcon-uvicorn", uvicorn("falcon_app:app"), (*ROUTED, "ws", "download", "upload"))
    sanic = (PEERS, "sanic_app.py", "{port}")
    yield Contender("sanic", sanic, (*ROUTED, "sync", "ws", "download", "upload"))
    yield Contender("litestar-granian", granian("litestar_app:app"), EVERY)
    yield Contender("fastapi-uvicorn", uvicorn("fastapi_app:app"), EVERY)
    yield Contender("flask-gunicorn", gunicorn("flask_app:app"), (*ROUTED, "sync", "download", "upload"))
    yield Contender("picows", (PEERS, "picows_app.py", "{port}"), ("ws",))


CONTENDERS = {contender.name: contender for contender in declared()}
