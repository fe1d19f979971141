"""A real browser for the tests marked `e2e`: one Chromium per session, a fresh page per test.

The profile is an empty folder of its own, and everything that a browser does on its own account (updates, sync,
probing for a network) is off: the only traffic is what the test asks for, and only to this machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names other than this machine's do not resolve: a page that needs the network fails its test instead of hiding it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Start Chromium with an empty profile; it lives until the session ends."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if executable is None or not Path(executable).exists():
        pytest.fail("no Chromium found: `make e2e` installs it, CHROMIUM= names another")
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=executable, headless=True, args=FLAGS
        )
        context.set_default_timeout(10_000)
        yield context
        context.close()


@pytest.fixture
def browser_page(browser: BrowserContext) -> Iterator[Page]:
    """Open a page without cookies of an earlier test; an uncaught exception in the page fails the test."""
    browser.clear_cookies()
    page = browser.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    page.close()
    assert not failures, f"uncaught in the page: {failures}"
