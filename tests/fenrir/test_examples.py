"""What people see first runs: the demo, through both doors and on three servers, and the README's code."""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from fenrir.testing import Client

from ..demo import HYBRID, ROOT, SERVERS, running

pytestmark = pytest.mark.timing

ADA, GRACE = "Basic YWRhOmxvdmVsYWNl", "Basic Z3JhY2U6aG9wcGVy"


def loaded(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of a folder, with neighbours of its own; they are gone after the test."""
    monkeypatch.syspath_prepend(str(folder))
    for module in (path.stem for path in folder.glob("*.py")):
        monkeypatch.delitem(sys.modules, module, raising=False)
    before = set(sys.modules)
    found = importlib.import_module(name)
    for module in set(sys.modules) - before:
        file = getattr(sys.modules[module], "__file__", None)
        if file and Path(file).parent == folder:
            monkeypatch.setitem(sys.modules, module, sys.modules[module])
            monkeypatch.delitem(sys.modules, module)
    return found


# ------------------------------------------------------------------ in memory
@pytest.fixture(params=["direct", "asgi"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    door: Literal["direct", "asgi"] = request.param
    monkeypatch.setenv("DEMO_DATABASE", str(tmp_path / "shop.db"))
    monkeypatch.setenv("DEMO_VAN_SECONDS", "0.2")
    with Client(loaded("app", HYBRID, monkeypatch).app, door=door) as client:
        yield client


def form(client: Client, path: str, **fields: str) -> Any:
    """Send a form of the first page, with its key."""
    key = re.search(r'name="key" value="([^"]+)"', client.get("/").text)
    assert key is not None
    return client.post(path, data={"key": key[1], **fields})


def test_a_customer_logs_in_orders_and_logs_out(shop: Client) -> None:
    assert "My orders" not in shop.get("/").text
    assert form(shop, "/login", name="ada", password="lovelace").status_code == 303
    page = shop.get("/").text
    assert "Good day, ada." in page and "My orders" in page
    assert "Good day, ada." not in shop.get("/").text
    assert form(shop, "/order/3").headers["location"] == "/"
    assert "Ordered: Moby-Dick." in shop.get("/").text
    assert "Moby-Dick" in shop.get("/orders").text
    form(shop, "/logout")
    assert "Log in" in shop.get("/").text
    assert shop.get("/orders").status_code == 303


def test_a_wrong_password_a_foreign_form_and_a_stranger_are_refused(shop: Client) -> None:
    form(shop, "/login", name="ada", password="wrong")
    assert "Nobody of this name has this password." in shop.get("/").text
    assert shop.post("/login", data={"name": "ada", "password": "lovelace"}).status_code == 403
    assert form(shop, "/order/3").status_code == 303
    assert shop.get("/api/books/3").json()["stock"] == 3
    assert shop.post("/api/orders", json={"book": 3}).status_code == 401


def test_pages_escape_what_people_type(shop: Client) -> None:
    page = shop.get("/", params={"q": "<script>"}).text
    assert "No book matches “&lt;script&gt;”." in page and "<script>" not in page.replace("<script src", "")


def test_the_api_validates_and_documents(shop: Client) -> None:
    assert [book["id"] for book in shop.get("/api/books", params={"q": "the"}).json()] == [7]
    refused = shop.post("/api/orders", json={"book": 3, "copies": 9}, headers={"authorization": ADA})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "copies"]
    document = shop.get("/openapi.json").json()
    assert {"/api/orders", "/stock/{number}", "/orders", "/live"} <= set(document["paths"])
    assert document["paths"]["/api/orders"]["post"]["tags"] == ["books", "orders"]
    assert shop.get("/docs").status_code == 200


def test_an_order_that_fails_changes_nothing(shop: Client) -> None:
    made = shop.post("/api/orders", json={"book": 3, "copies": 2}, headers={"authorization": ADA})
    assert made.status_code == 201
    assert shop.get(made.headers["location"], headers={"authorization": ADA}).json() == made.json()
    assert shop.get(made.headers["location"], headers={"authorization": GRACE}).status_code == 404
    sold_out = shop.post("/api/orders", json={"book": 3, "copies": 5}, headers={"authorization": ADA})
    assert sold_out.status_code == 409
    assert len(shop.get("/api/orders", headers={"authorization": ADA}).json()) == 1


def test_the_van_brings_what_is_missing(shop: Client) -> None:
    assert shop.post("/stock/6", json=6, headers={"authorization": GRACE}).json()["stock"] == 6
    until = time.monotonic() + 5
    while shop.get("/stock/6").json()["stock"] < 8:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_all_paradigms_share_one_request(shop: Client) -> None:
    asked = {"authorization": ADA, "x-request-id": "r-1"}
    cards = shop.get("/legacy/cards.txt", headers=asked)
    assert cards.text.startswith("CARD CATALOGUE, for ada (request r-1)\n1818  Frankenstein")
    assert shop.post("/stock/6", json=1, headers=asked).json()["title"] == "Staff only"
    for path in ("/", "/api/books", "/stock/6", "/legacy", "/static/style.css", "/nowhere"):
        answer = shop.get(path, headers=asked)
        assert answer.headers["x-request-id"] == "r-1"
        assert answer.headers["server-timing"].startswith("app;dur=")
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert shop.get("/", headers={"x-request-id": "no way!"}).headers["x-request-id"] != "no way!"


# ---------------------------------------------------------------- on servers
def story(client: httpx.Client) -> list[Any]:
    """Use every room of the shop, and return what was seen (without what changes from run to run)."""
    seen: list[Any] = []

    def ask(method: str, path: str, keep: Callable[[httpx.Response], Any] = lambda r: r.text, **given: Any) -> None:
        answer = client.request(method, path, **given)
        changing = ("date", "server", "server-timing", "set-cookie", "connection", "transfer-encoding", "etag")
        headers = {name: value for name, value in answer.headers.items() if name not in changing}
        seen.append((method, path, answer.status_code, headers, keep(answer)))

    def key() -> str:
        return re.findall(r'name="key" value="([^"]+)"', client.get("/").text)[0]

    def without_keys(answer: httpx.Response) -> str:
        return re.sub(r'name="key" value="[^"]+"|<time.*?</time>', "", answer.text)

    client.headers["x-request-id"] = "story"
    ask("GET", "/", without_keys)
    ask("POST", "/login", data={"key": key(), "name": "grace", "password": "hopper"})
    ask("GET", "/", without_keys)
    ask("POST", "/order/2", data={"key": key()})
    ask("GET", "/", without_keys)
    ask("GET", "/orders", without_keys)
    ask("POST", "/api/orders", json={"book": 1, "copies": 2})
    ask("POST", "/api/orders", json={"book": "x"})
    ask("GET", "/api/orders/2")
    ask("GET", "/api/books", params={"q": "Brontë"})
    ask("POST", "/stock/4", json=1)
    ask("GET", "/stock/4")
    ask("HEAD", "/stock/4")
    ask("OPTIONS", "/stock/4")
    ask("DELETE", "/stock/4")
    ask("GET", "/legacy")
    ask("GET", "/legacy/cards.txt")
    ask("GET", "/legacy/nowhere")
    ask("POST", "/legacy")
    ask("GET", "/static/live.js", headers={"range": "bytes=0-9"})
    ask("GET", "/static/../app.py")
    ask("GET", "/nowhere")
    ask("GET", "/docs")
    ask("GET", "/openapi.json")
    ask("POST", "/api/orders", content=b"{", headers={"content-type": "application/json"})
    return seen


def events(client: httpx.Client, last: int) -> list[str]:
    """Return the data of the next events after the last one that was seen."""
    found: list[str] = []
    with client.stream("GET", "/live", headers={"last-event-id": str(last)}) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(re.sub(r',\s*"at":.*', "", line))
            if len(found) == 2:
                break
    return found


@pytest.fixture(scope="module")
def on_asteri(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[str]]:
    return told("asteri", tmp_path_factory.mktemp("asteri"))


def told(server: str, folder: Path) -> tuple[list[Any], list[str]]:
    with running(server, folder / "shop.db", van_seconds=3600) as address, httpx.Client(base_url=address) as client:
        return story(client), events(client, 1)


@pytest.mark.slow
@pytest.mark.parametrize("server", [name for name in SERVERS if name != "asteri"])
def test_other_servers_behave_the_same(server: str, on_asteri: tuple[list[Any], list[str]], tmp_path: Path) -> None:
    seen, happened = told(server, tmp_path)
    expected, expected_events = on_asteri
    for mine, theirs in zip(seen, expected, strict=True):
        assert mine == theirs
    assert happened == expected_events


@pytest.mark.slow
def test_on_asteri_everything_is_as_it_should_be(on_asteri: tuple[list[Any], list[str]]) -> None:
    seen, happened = on_asteri
    assert [(method, path, status) for method, path, status, _, _ in seen if status >= 400] == [
        ("POST", "/api/orders", 422),
        ("DELETE", "/stock/4", 405),
        ("GET", "/legacy/nowhere", 404),
        ("POST", "/legacy", 405),
        ("GET", "/static/../app.py", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/api/orders", 422),
    ]
    assert len(happened) == 2 and "grace ordered Frankenstein, 2 copies" in happened[0]


# ------------------------------------------------------------ the README's code
@pytest.fixture
def guest_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    code = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert code is not None
    (tmp_path / "guest_book.py").write_text(code[1], encoding="utf-8")
    with Client(loaded("guest_book", tmp_path, monkeypatch).app) as client:
        yield client


def test_the_code_of_the_readme_runs(guest_book: Client) -> None:
    assert guest_book.get("/all").status_code == 403
    assert guest_book.get("/old").text == "nobody was here\n"
    assert guest_book.post("/login/ada").text == "Hello, ada"
    assert guest_book.post("/entries", json={"text": "A fine place"}).json() == {"text": "A fine place", "by": "ada"}
    assert guest_book.post("/entries", json={"text": ""}).status_code == 422
    assert [entry["by"] for entry in guest_book.get("/all").json()] == ["the greeter", "ada"]
    assert guest_book.get("/echo/ho", params={"times": 3}).text == "hohoho"
    assert guest_book.get("/echo/7").status_code == 404
    assert guest_book.get("/old").text == "ada was here\n"
    assert set(guest_book.get("/openapi.json").json()["paths"]) == {"/login/{name}", "/entries", "/all", "/echo/{word}"}
