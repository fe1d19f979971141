"""/docs and /redoc in a real browser that reaches no other machine: they render and ask nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import asteri
from fenrir import Fenrir
from fenrir.fastapi import FastAPI
from fenrir.kit.openapi.bundles import local_assets

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.e2e

TITLE = "Shop </title><script>document.title = 'broken'</script>"


def shop(kind: str) -> Any:
    app: Any = FastAPI(title=TITLE, description="Sells **things**")
    if kind == "fenrir":
        app = Fenrir(__name__, title=TITLE, description="Sells **things**")

    @app.get("/things/{thing_id}", tags=["things"])
    async def read_thing(thing_id: int, q: str | None = None) -> dict[str, int]:
        """Read one thing."""
        return {"thing": thing_id}

    return app


@pytest.fixture(scope="module", params=["fastapi", "fenrir"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the application by Asteri, in a thread of its own."""
    assert local_assets().folder is not None, "no local files: run tools/docs_ui.py"
    found: list[str] = []
    started, stopped = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with asteri.serve(shop(request.param)) as server:
            found.append(server.url)
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert started.wait(10)
    yield found[0].rstrip("/")
    loop.call_soon_threadsafe(stopped.set)
    thread.join()
    loop.close()


class Watch:
    """What a page asked for, and what went wrong."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self.wrong: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        page.on("response", self._answered)
        page.on("console", self._said)

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def check(self, address: str) -> None:
        """Assert that nothing failed, and that only our server was asked."""
        assert self.wrong == []
        others = [url for url in self.asked if not url.startswith((address + "/", "data:", "blob:"))]
        assert others == []


def test_swagger_ui_renders_and_sends_requests(browser_page: Page, address: str) -> None:
    watch = Watch(browser_page)
    browser_page.goto(f"{address}/docs")
    browser_page.click(".opblock-summary-control")
    browser_page.click("button.try-out__btn")
    browser_page.fill("tr[data-param-name=thing_id] input", "7")
    browser_page.click("button.execute")
    browser_page.wait_for_selector(".live-responses-table .highlight-code")
    assert '"thing": 7' in (browser_page.text_content(".live-responses-table") or "")
    assert browser_page.title() == f"{TITLE} - Swagger UI"
    watch.check(address)


def test_redoc_renders(browser_page: Page, address: str) -> None:
    watch = Watch(browser_page)
    browser_page.goto(f"{address}/redoc")
    browser_page.wait_for_selector("h1")
    browser_page.wait_for_selector("text=Read one thing.")
    browser_page.wait_for_load_state("networkidle")
    assert browser_page.title() == f"{TITLE} - ReDoc"
    watch.check(address)
