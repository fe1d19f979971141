"""The names of `fenrir`: all there, typed as they are, cheap to import; none of the earlier attempt's is lost silently.

Also the other side of it: the engine below knows none of the paradigms by name.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fenrir

PACKAGE = Path(fenrir.__file__).parent

# What `fenrir` 2.2 exported, and the modules of it that its users import from.
EARLIER = """
Fenrir Blueprint request g current_app session Depends Query Header Cookie Body Path Form File Annotated UploadFile
WebSocket WebSocketDisconnect WebSocketTimeout HTTPException HTTPBadRequest HTTPUnauthorized HTTPForbidden HTTPNotFound
HTTPMethodNotAllowed HTTPConflict HTTPUnprocessableEntity HTTPInternalServerError Response JSONResponse HTMLResponse
TextResponse PlainTextResponse RedirectResponse StreamingResponse FileResponse render_template BaseTemplateRenderer
Jinja2Renderer View MethodView url_for send_file send_from_directory redirect Router Route APIRouter EventSourceResponse
APIKeyCookie APIKeyHeader APIKeyQuery HTTPBasic HTTPBearer HTTPDigest OAuth2PasswordBearer OAuth2AuthorizationCodeBearer
OpenIDConnect BackgroundTasks BackgroundTask WsgiToAsgi install_bottle_compat install_falcon_compat install_sanic_compat
Bottle bottle falcon sanic signals TestClient FenrirTestClient CORSMiddleware GZipMiddleware RequestIDMiddleware
RateLimitMiddleware PaginationParams paginate paginate_dict RedisSessionInterface InMemorySessionInterface
InMemorySessionBackend ServerSideSession
"""

# Here, but under a module of its own or another name: where to find it.
ELSEWHERE = {
    "Annotated": "typing:Annotated",
    "APIKeyCookie": "fenrir.fastapi.security:APIKeyCookie",
    "APIKeyHeader": "fenrir.fastapi.security:APIKeyHeader",
    "APIKeyQuery": "fenrir.fastapi.security:APIKeyQuery",
    "Bottle": "fenrir.bottle:Bottle",
    "FenrirTestClient": "fenrir.testing:Client",
    "HTTPBadRequest": "fenrir.falcon:HTTPBadRequest",
    "HTTPBasic": "fenrir.fastapi.security:HTTPBasic",
    "HTTPBearer": "fenrir.fastapi.security:HTTPBearer",
    "HTTPConflict": "fenrir.falcon:HTTPConflict",
    "HTTPDigest": "fenrir.fastapi.security:HTTPDigest",
    "HTTPForbidden": "fenrir.falcon:HTTPForbidden",
    "HTTPInternalServerError": "fenrir.falcon:HTTPInternalServerError",
    "HTTPMethodNotAllowed": "fenrir.falcon:HTTPMethodNotAllowed",
    "HTTPNotFound": "fenrir.falcon:HTTPNotFound",
    "HTTPUnauthorized": "fenrir.falcon:HTTPUnauthorized",
    "HTTPUnprocessableEntity": "fenrir.falcon:HTTPUnprocessableEntity",
    "OAuth2AuthorizationCodeBearer": "fenrir.fastapi.security:OAuth2AuthorizationCodeBearer",
    "OAuth2PasswordBearer": "fenrir.fastapi.security:OAuth2PasswordBearer",
    "OpenIDConnect": "fenrir.fastapi.security:OpenIdConnect",
    "Router": "fenrir:APIRouter",
    "TestClient": "fenrir.testing:Client",
    "TextResponse": "fenrir:PlainTextResponse",
    "WsgiToAsgi": "fenrir:Fenrir.mount_wsgi",
}

# Not there: whoever adds one takes it from this list.
NOT_YET = {
    "BaseTemplateRenderer",
    "CORSMiddleware",
    "GZipMiddleware",
    "InMemorySessionBackend",
    "InMemorySessionInterface",
    "Jinja2Renderer",
    "PaginationParams",
    "RateLimitMiddleware",
    "RedisSessionInterface",
    "RequestIDMiddleware",
    "Route",
    "ServerSideSession",
    "WebSocketTimeout",
    "install_bottle_compat",
    "install_falcon_compat",
    "install_sanic_compat",
    "paginate",
    "paginate_dict",
    "signals",
}


def in_a_new_process(program: str) -> list[str]:
    """Run a program with a fresh interpreter and return the list that it prints as JSON."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); {program}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    names: list[str] = json.loads(done.stdout)
    return names


def test_every_name_is_there() -> None:
    assert [name for name in fenrir.__all__ if not hasattr(fenrir, name)] == []
    assert fenrir.__all__ == sorted(set(fenrir.__all__))
    assert set(fenrir.__all__) <= set(dir(fenrir))


def test_names_come_from_where_the_table_says() -> None:
    for name, module in fenrir._NAMES.items():
        found = getattr(importlib.import_module(module), name)
        # A module that has its function's name can stand where the function stands: whoever is imported first.
        assert getattr(fenrir, name) in ([found, sys.modules[module]] if module == f"fenrir.{name}" else [found])


def test_type_checkers_see_the_same_table() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    seen: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names:
            assert alias.asname == alias.name  # without it a strict type checker takes the name for a private one
            assert alias.name not in seen
            seen[alias.name] = node.module
    assert seen == fenrir._NAMES


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'fenrir' has no attribute 'Fenris'"):
        _ = fenrir.Fenris
    with pytest.raises(ImportError, match="cannot import name 'Fenris'"):
        exec("from fenrir import Fenris")


def test_importing_fenrir_costs_next_to_nothing() -> None:
    loaded = in_a_new_process("import json, fenrir; print(json.dumps(sorted(sys.modules)))")
    assert [name for name in loaded if name.startswith(("fenrir", "asteri"))] == ["fenrir"]
    assert {"pydantic", "pydantic_core", "jinja2", "click", "multipart", "asyncio", "logging"}.isdisjoint(loaded)


@pytest.mark.slow
def test_the_supervisor_does_not_hold_the_framework() -> None:
    loaded = in_a_new_process("import json, fenrir.cli.run; print(json.dumps(sorted(sys.modules)))")
    framework = r"fenrir\.(?!cli\b|adopt$|kit$|kit\.dotenv$)|pydantic|jinja2"
    assert [name for name in loaded if re.match(framework, name)] == []


def test_what_users_of_the_earlier_attempt_import() -> None:
    missing = set()
    for name in EARLIER.split():
        try:
            exec(f"from fenrir import {name}")
        except ImportError:
            missing.add(name)
    assert missing == NOT_YET | set(ELSEWHERE)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_elsewhere(name: str) -> None:
    module, _, path = ELSEWHERE[name].partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)


def test_the_engine_names_no_paradigm() -> None:
    names = re.compile(r"fastapi|flask|falcon|sanic|bottle(?!neck)|starlette|werkzeug", re.IGNORECASE)
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted((PACKAGE / "core").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if names.search(line)
    ]
    assert found == []
