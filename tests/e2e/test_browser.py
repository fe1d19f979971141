"""The browser itself: that it runs scripts, reaches this machine and nothing else, and starts every test clean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.e2e

PAGE = b"""<!doctype html><title>before</title><script>
document.title = "after"; const seen = document.cookie; document.cookie = "visited=yes";
</script><p id="seen"></p><script>document.getElementById("seen").textContent = "cookies: " + seen;</script>"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("visit", ["first", "second"])
def test_a_page_runs_its_scripts_and_sees_no_cookie_of_another_test(
    browser_page: Page, address: str, visit: str
) -> None:
    browser_page.goto(address)
    assert browser_page.title() == "after"
    assert browser_page.text_content("#seen") == "cookies: "


def test_other_machines_do_not_exist(browser_page: Page) -> None:
    from playwright.sync_api import Error

    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        browser_page.goto("http://example.com/")
