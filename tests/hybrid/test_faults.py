"""Hostile input to an application of five dialects (evidence 6 of the first issue), by row of the table of faults.

Rows and where they are tested; `here` is this module, the rest stands below tests/.

    44  static traversal          hybrid/test_hostile_paths.py::test_paths_never_leave_the_folder
                                  fenrir/kit/test_static.py::test_paths_that_lead_out
    45  symbolic links            hybrid/test_hostile_paths.py::test_links_out_of_the_folder
                                  fenrir/kit/test_static.py::test_links_out_are_not_followed_unless_asked
    46  ranges                    hybrid/test_hostile_paths.py::test_ranges
                                  fenrir/http/test_ranges.py::test_linear
                                  fenrir/kit/test_files.py::test_ranges_that_do_not_count
    47  multipart                 here::test_malformed_forms
                                  fenrir/http/test_forms.py::test_malformed_is_400_at_every_cut
                                  fenrir/http/test_forms.py::test_a_mebibyte_takes_less_than_50_ms
    48  urlencoded                here::test_malformed_forms
                                  fenrir/http/test_forms.py::test_urlencoded_limits
    49  body limit                here::test_the_body_limit_counts_what_arrives
    50  compressed bodies         here::test_compressed_bodies_are_not_unpacked
    51  JSON depth                here::test_malformed_json
                                  fenrir/http/test_json.py::test_refused
    52  NaN                       here::test_malformed_json
                                  fenrir/http/test_json.py::test_nan_is_never_written
    53  long integers             here::test_malformed_json
                                  here::test_integers_are_exact
    54  duplicate keys            here::test_the_last_of_two_keys_wins
    55  encodings of JSON         here::test_malformed_json
                                  fenrir/http/test_json.py::test_both_libraries_agree
    56  content type of JSON      here::test_json_of_another_content_type
    57  query                     here::test_queries
                                  fenrir/http/test_query.py::test_linear
    58  cookies                   here::test_cookies
                                  fenrir/http/test_cookies.py::test_linear
    59  session cookies           here::test_forged_sessions_are_empty
                                  fenrir/kit/test_sessions.py::test_whatever_is_not_ours_is_nothing
    61  Vary                      here::test_every_use_of_a_session_varies
                                  fenrir/kit/test_sessions.py::test_every_use_varies_the_response
    63  open redirects            hybrid/test_hostile_paths.py::test_slash_redirects_stay_here
    65  one path                  hybrid/test_hostile_paths.py::test_the_path_that_is_seen_is_the_path_that_was_routed
    68  methods                   hybrid/test_hostile_paths.py::test_only_verbs_reach_classes
    71  templates                 here::test_templates_escape
                                  fenrir/kit/test_templating.py::test_everything_is_escaped_unless_told
    72  debug pages               here::test_errors_show_nothing
    73  secret keys               here::test_no_session_without_a_key
                                  fenrir/kit/test_sessions.py::test_keys_are_never_shown
    74  long paths, many routes   hybrid/test_hostile_paths.py::test_long_paths_are_cheap
                                  fenrir/core/test_mixed.py::test_a_hostile_segment_costs_little
    75  encoded paths             hybrid/test_hostile_paths.py::test_paths_are_decoded_once
    77  pages of documentation    here::test_documentation_escapes
                                  fenrir/kit/openapi/test_ui.py::test_nothing_that_the_application_says_becomes_markup
    78  names of uploads          here::test_names_of_uploads
                                  fenrir/http/test_filenames.py::test_secure_filename

Not built yet, so not tested: 60 and 62 (session stores; a cookie has no id that could be fixed), 64 (allowed hosts as
an option; the comparison is tested in fenrir/http/test_hosts.py::test_allowed_hosts_are_compared_literally),
66 (trusted proxies), 67 (a cache), 69 (CORS for all dialects), 70 (CSRF), 76 (JWT).
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import fenrir
from fenrir import Fenrir, Form, bottle, fastapi, flask, render_template_string, sanic
from fenrir import request as native_request
from fenrir.http.filenames import secure_filename
from fenrir.testing import Client

from .test_sharing import HANDLERS

pytestmark = pytest.mark.timing

TESTS = Path(__file__).parent.parent


def test_the_table_is_true() -> None:
    """Every test that the table above names exists."""
    assert __doc__ is not None
    named = re.findall(r"([\w/]+\.py|here)::(test_\w+)", __doc__)
    assert len(named) > 30
    for file, test in named:
        path = Path(__file__) if file == "here" else TESTS / file
        functions = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert test in functions, f"{file}::{test}"


# ---------------------------------------------------------------------- 47 to 50: forms and body limits
class Item(BaseModel):
    """A body."""

    name: str


@pytest.fixture
def reading() -> Fenrir:
    """Return an application whose handlers of all dialects read forms, JSON and bytes; bodies have 100 kB at most."""
    app = Fenrir(__name__, static_folder=None, secret_key="reading", body_limit=100_000)

    app.post("/form/native", name="f")(lambda: {"a": native_request.form.get("a"), "n": len(native_request.files)})
    app.post("/json/native", name="j")(lambda: {"got": native_request.json})
    app.post("/body/native", name="b")(lambda: {"n": len(native_request.data)})

    @app.fastapi.post("/form/fastapi")
    def form_fastapi(a: str = Form("")) -> Any:
        return {"a": a}

    @app.fastapi.post("/json/fastapi")
    def json_fastapi(got: Any = fastapi.Body()) -> Any:
        return {"got": got}

    @app.fastapi.post("/body/fastapi")
    async def body_fastapi(request: fastapi.Request) -> Any:
        return {"n": len(await request.body())}

    app.flask.post("/form/flask", endpoint="ff")(
        lambda: {"a": flask.request.form.get("a"), "n": len(flask.request.files)}
    )
    app.flask.post("/json/flask", endpoint="fj")(lambda: {"got": flask.request.get_json()})
    app.flask.post("/body/flask", endpoint="fb")(lambda: {"n": len(flask.request.get_data())})

    class Resource:
        def on_post_form(self, req: Any, resp: Any) -> None:
            resp.media = {"a": [part.name for part in req.media] if "multipart" in req.content_type else req.media}

        def on_post_json(self, req: Any, resp: Any) -> None:
            resp.media = {"got": req.media}

        def on_post_body(self, req: Any, resp: Any) -> None:
            resp.media = {"n": len(req.bounded_stream.read())}

    for what in ("form", "json", "body"):
        app.add_route(f"/{what}/falcon", Resource(), suffix=what)

    @app.sanic.post("/form/sanic")
    async def form_sanic(request: sanic.Request) -> Any:
        return sanic.json({"a": request.form.get("a"), "n": len(request.files)})

    @app.sanic.post("/json/sanic")
    async def json_sanic(request: sanic.Request) -> Any:
        return sanic.json({"got": request.json})

    @app.sanic.post("/body/sanic")
    async def body_sanic(request: sanic.Request) -> Any:
        return sanic.json({"n": len(request.body)})

    app.bottle.post(
        "/form/bottle", callback=lambda: {"a": bottle.request.forms.get("a"), "n": len(bottle.request.files)}
    )
    app.bottle.post("/json/bottle", callback=lambda: {"got": bottle.request.json})
    app.bottle.post("/body/bottle", callback=lambda: {"n": len(bottle.request.body.read())})
    return app


DIALECTS = tuple(HANDLERS)


def part(name: str | None = "a", content: bytes = b"x", extra: bytes = b"") -> bytes:
    """Return one part of a multipart body with the boundary B."""
    field = b'form-data; name="%s"' % name.encode() if name is not None else b"form-data"
    return b"--B\r\nContent-Disposition: %s\r\n%s\r\n%s\r\n" % (field, extra, content)


FORMS: dict[str, tuple[str, bytes]] = {
    "5000 parts": ("multipart/form-data; boundary=B", b"".join(part("a", b"") for _ in range(1500)) + b"--B--\r\n"),
    "header bomb": ("multipart/form-data; boundary=B", part(extra=b"X: y\r\n" * 9000) + b"--B--\r\n"),
    "no boundary": ("multipart/form-data", part() + b"--B--\r\n"),
    "long boundary": ("multipart/form-data; boundary=" + "B" * 10_240, b"--" + b"B" * 10_240 + b"--\r\n"),
    "truncated": ("multipart/form-data; boundary=B", part()[:-5]),
    "no end": ("multipart/form-data; boundary=B", part()),
    "missing name": ("multipart/form-data; boundary=B", part(None) + b"--B--\r\n"),
    "2000 pairs": ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(2000))),
}


# Falcon's urlencoded handler has upstream's limits: none beside that of the body.
MALFORMED = [(d, case) for d in DIALECTS for case in FORMS if (d, case) != ("falcon", "2000 pairs")]


@pytest.mark.parametrize(("dialect", "case"), MALFORMED)
def test_malformed_forms(reading: Fenrir, door: str, dialect: str, case: str) -> None:
    """A form that is malformed or too large is refused in every dialect, quickly."""
    kind, body = FORMS[case]
    with Client(reading, door=door) as client:
        begun = time.process_time()
        response = client.post(f"/form/{dialect}", content=body, headers={"content-type": kind})
        assert time.process_time() - begun < 0.5
    assert response.status_code in (400, 413, 415, 422), response.text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_body_limit_counts_what_arrives(reading: Fenrir, door: str, dialect: str) -> None:
    """A body without a length is counted as it arrives (CVE-2026-33034)."""
    with Client(reading, door=door) as client:
        allowed = client.post(f"/body/{dialect}", content=[b"x" * 1000] * 99)
        refused = client.post(f"/body/{dialect}", content=[b"x" * 1000] * 101)
    assert allowed.json() == {"n": 99_000}
    assert refused.status_code == 413


@pytest.mark.parametrize("dialect", DIALECTS)
def test_compressed_bodies_are_not_unpacked(reading: Fenrir, door: str, dialect: str) -> None:
    """A body stays as it is, whatever its encoding says."""
    body = gzip.compress(b"[" + b"0," * 100_000 + b"0]")
    with Client(reading, door=door) as client:
        response = client.post(f"/body/{dialect}", content=body, headers={"content-encoding": "gzip"})
    assert response.json() == {"n": len(body)}


# ---------------------------------------------------------------------- 51 to 56: JSON
JSON: dict[str, bytes] = {
    "depth": b"[" * 40_000 + b"]" * 40_000,
    "depth of objects": b'{"a":' * 15_000 + b"1" + b"}" * 15_000,
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "1e999": b'{"a": 1e999}',
    "5000 digits": b"1" * 5000,
    "invalid UTF-8": b'"\xff"',
    "lone surrogate": b'"\\ud800"',
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "truncated": b'{"a": ',
    "trailing": b"{} {}",
    "single quotes": b"{'a': 1}",
}


@pytest.mark.parametrize("case", JSON)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_malformed_json(reading: Fenrir, door: str, dialect: str, case: str) -> None:
    """What is no JSON, or no number, or too deep, is refused in every dialect."""
    with Client(reading, door=door) as client:
        response = client.post(f"/json/{dialect}", content=JSON[case], headers={"content-type": "application/json"})
    assert response.status_code in (400, 422), response.text[:200]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_integers_are_exact(reading: Fenrir, door: str, dialect: str) -> None:
    """2**64 and more stay integers, in and out."""
    with Client(reading, door=door) as client:
        for number in (2**53 + 1, 2**63, 2**64, 10**30):
            response = client.post(f"/json/{dialect}", json={"n": number})
            assert json.loads(response.content)["got"] == {"n": number}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_last_of_two_keys_wins(reading: Fenrir, door: str, dialect: str) -> None:
    """Duplicate keys mean the same in every dialect."""
    with Client(reading, door=door) as client:
        response = client.post(
            f"/json/{dialect}", content=b'{"a": 1, "a": 2}', headers={"content-type": "application/json"}
        )
    assert response.json()["got"] == {"a": 2}


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d != "sanic"])  # Sanic's reads any, as upstream
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_json_of_another_content_type(reading: Fenrir, door: str, dialect: str, kind: str | None) -> None:
    """A form of another site can not pass for JSON: 415, 422, or None where upstream says so."""
    with Client(reading, door=door) as client:
        response = client.post(
            f"/json/{dialect}", content=b'{"a": 1}', headers={"content-type": kind} if kind is not None else {}
        )
    if dialect == "falcon" and kind is None:
        assert response.json() == {"got": {"a": 1}}  # without a type the default one holds, as upstream
    elif response.status_code == 200:
        assert response.json()["got"] != {"a": 1}, response.text
    else:
        assert response.status_code in (400, 415, 422), response.text


# ---------------------------------------------------------------------- 57, 58: query and cookies
QUERIES = (
    "&".join(f"a{n}=1" for n in range(10_000)),
    "a=1&a=2",
    "a=1;b=2",
    "a=%00&b=%ff&c=+&d=%2B&e=%zz&%=1&=2&&",
    "a" * 60_000,
    "%" * 20_000,
)
SPELLINGS: dict[str, Callable[[], Any]] = {
    "native": lambda: [native_request.args.get("a"), native_request.query_params.get("a")],
    "fastapi": lambda: [fenrir.request.args.get("a"), len(fenrir.request.query_params)],
    "flask": lambda: [flask.request.args.get("a"), flask.request.args.getlist("a")[:3]],
    "falcon": lambda: [flask.request.args.get("a"), None],
    "sanic": lambda: [fenrir.request.args.get("a"), None],
    "bottle": lambda: [bottle.request.query.get("a"), None],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_queries(app: Fenrir, door: str, dialect: str) -> None:
    """Whatever stands in a query is answered or refused, quickly, and never an error of ours."""
    HANDLERS[dialect](app, "/x", lambda: {"got": SPELLINGS[dialect]()})
    with Client(app, door=door) as client:
        for query in QUERIES:
            begun = time.process_time()
            response = client.get(f"/x?{query}")
            assert response.status_code in (200, 400, 413, 414), (query[:20], response.text[:200])
            assert time.process_time() - begun < 0.5, query[:20]
        first = client.get("/x?a=1&a=2").json()["got"][0]
        assert first == ("2" if dialect == "bottle" else "1")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_cookies(app: Fenrir, door: str, dialect: str) -> None:
    """Of two cookies the first wins, bad pairs are ignored, and a large header is cheap."""
    HANDLERS[dialect](app, "/x", lambda: {"got": [native_request.cookies.get("a"), flask.request.cookies.get("a")]})
    with Client(app, door=door) as client:
        assert client.get("/x", headers={"cookie": "a=1; a=2"}).json() == {"got": ["1", "1"]}
        assert client.get("/x", headers={"cookie": "; =; b; \x01=2; a=3; __Host-a=4"}).json() == {"got": ["3", "3"]}
        begun = time.process_time()
        for header in ('a="' * 20_000, "a=1; " + "b=2; " * 12_000, '"\\' * 30_000):
            assert client.get("/x", headers={"cookie": header}).status_code in (200, 400, 431)
        assert time.process_time() - begun < 0.5


# ---------------------------------------------------------------------- 59, 61, 73: sessions and keys
@pytest.mark.parametrize("dialect", DIALECTS)
def test_forged_sessions_are_empty(app: Fenrir, door: str, dialect: str) -> None:
    """A cookie that was changed, cut, or signed by another key or for another purpose is no session."""
    HANDLERS[dialect](app, "/x", lambda: dict(fenrir.session))
    app.get("/login")(lambda: fenrir.session.__setitem__("user", "ada") or "in")
    other = Fenrir(__name__, secret_key="another", static_folder=None)
    other.get("/login")(lambda: fenrir.session.__setitem__("user", "eve") or "in")

    def cookie_of(one: Fenrir) -> str:
        with Client(one) as client:
            client.get("/login")
            return client.cookies["session"]

    genuine = cookie_of(app)
    payload, stamp, signature = genuine.rsplit(".", 2)
    forged = [
        cookie_of(other),
        genuine[:-1],
        genuine + "x",
        f"{payload[:-2]}xx.{stamp}.{signature}",
        f"{payload}.{stamp}.",
        payload,
        ".",
        "",
        "." * 1000,
        '{"user": "eve"}',
        "\xff",
    ]
    with Client(app, door=door) as client:
        assert client.get("/x", cookies={"session": genuine}).json() == {"user": "ada"}
        for cookie in forged:
            response = client.get("/x", headers={"cookie": f"session={cookie}"})
            assert (response.status_code, response.json()) == (200, {}), cookie[:40]


USES: dict[str, Callable[[], Any]] = {
    "in": lambda: {"value": "user" in fenrir.session},
    "len": lambda: {"value": len(flask.session)},
    "iteration": lambda: {"value": list(fenrir.session)},
    "get": lambda: {"value": flask.session.get("user")},
    "bool": lambda: {"value": bool(fenrir.session)},
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_use_of_a_session_varies(app: Fenrir, door: str, dialect: str, use: str) -> None:
    """A response that depends on the cookie in any way says so (CVE-2026-27205)."""
    HANDLERS[dialect](app, "/x", USES[use])
    with Client(app, door=door) as client:
        assert "cookie" in client.get("/x").headers["vary"].lower()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_session_without_a_key(door: str, dialect: str) -> None:
    """Without a secret key reading finds nothing, and writing is an error that shows no secrets."""
    app = Fenrir(__name__, static_folder=None)
    HANDLERS[dialect](app, "/read", lambda: {"value": fenrir.session.get("user")})
    HANDLERS[dialect](app, "/write", lambda: {"value": fenrir.session.__setitem__("user", "ada")})
    with Client(app, door=door, raise_server_exceptions=False) as client:
        assert client.get("/read", cookies={"session": "x.y.z"}).json() == {"value": None}
        assert client.get("/write").status_code == 500
    keyed = Fenrir(__name__, static_folder=None, secret_key="very-secret")
    assert "very-secret" not in repr(keyed) + repr(keyed.config) + str(keyed.config)


# ---------------------------------------------------------------------- 71, 72, 77, 78: what is shown back
def test_templates_escape(app: Fenrir, door: str, tmp_path: Path) -> None:
    """Everything is escaped, whatever a template is called, in the handlers of every dialect."""
    hostile = "<script>alert(1)</script>"
    for dialect, register in HANDLERS.items():
        register(app, f"/{dialect}", lambda: {"page": render_template_string("{{ x }}", x=hostile)})
    with Client(app, door=door) as client:
        for dialect in HANDLERS:
            assert client.get(f"/{dialect}").json() == {"page": "&lt;script&gt;alert(1)&lt;/script&gt;"}
    folder = tmp_path / "templates"
    folder.mkdir()
    for name in ("a.txt", "a.xml", "a.j2", "a"):
        (folder / name).write_text("{{ x }}")
    named = Fenrir(__name__, static_folder=None, template_folder=str(folder))
    named.get("/{name}")(lambda name: fenrir.render_template(name, x=hostile))
    with Client(named, door=door) as client:
        for name in ("a.txt", "a.xml", "a.j2", "a"):
            assert "<script>" not in client.get(f"/{name}").text


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_errors_show_nothing(door: str, dialect: str, debug: bool) -> None:
    """An answer to an error shows neither code nor values, and there is no console."""
    app = Fenrir(__name__, static_folder=None, secret_key="very-secret", debug=debug)

    def fail() -> Any:
        password = "hunter2"
        raise RuntimeError(f"leaked {password}")

    HANDLERS[dialect](app, "/x", fail)
    with Client(app, door=door, raise_server_exceptions=False) as client:
        response = client.get("/x?__debugger__=yes&cmd=resource&f=style.css")
    assert response.status_code == 500
    for word in ("hunter2", "very-secret", "Traceback", __file__):
        assert word not in response.text


def test_documentation_escapes(door: str) -> None:
    """A title is text, the pages have a policy, and nothing of the document becomes markup."""
    hostile = "</script></title><script>alert(1)</script>"
    app = Fenrir(__name__, static_folder=None, title=hostile, description=hostile)
    app.get("/x", summary=hostile, description=hostile)(lambda: "x")
    with Client(app, door=door) as client:
        for page in ("/docs", "/redoc"):
            response = client.get(page)
            assert response.status_code == 200
            assert "<script>alert(1)" not in response.text
            assert "default-src" in response.headers["content-security-policy"]
        assert client.get("/openapi.json").json()["info"]["title"] == hostile


def test_names_of_uploads(app: Fenrir, door: str) -> None:
    """A client's file name is only a text, and `secure_filename` makes a name of it."""
    names = ("../../x", "..\\..\\x", "/etc/passwd", "CON", "\u202egpj.exe", "x" * 4096)

    @app.post("/native")
    def native() -> Any:
        [file] = native_request.files.values()
        return {"name": secure_filename(file.filename)}

    @app.flask.post("/flask")
    def by_flask() -> Any:
        [file] = flask.request.files.values()
        return {"name": secure_filename(file.filename)}

    with Client(app, door=door) as client:
        for path in ("/native", "/flask"):
            for name in names:
                response = client.post(path, files={"f": (name, b"content")})
                assert response.status_code == 200, response.text
                made = response.json()["name"]
                assert "/" not in made and "\\" not in made and ".." not in made and len(made) <= 255
