"""The demo in a browser: a customer's visit, news without a reload, a visit without scripts, and the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ..demo import running

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("asteri", tmp_path_factory.mktemp("demo") / "shop.db", van_seconds=1) as address:
        yield address


@pytest.fixture
def visitor(browser_page: Page) -> Iterator[Page]:
    """A page whose console stays clean: no error, and nothing that the content security policy had to stop."""
    said: list[str] = []
    browser_page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield browser_page
    assert not said


def log_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_customer_orders_a_book_and_sees_the_van_bring_another_one(visitor: Page, address: str) -> None:
    from playwright.sync_api import expect

    visitor.goto(address)
    assert visitor.title() == "Books · The Hollow Oak"
    expect(visitor.get_by_role("button", name="Order Moby-Dick")).to_have_count(0)

    log_in(visitor, address, "ada", "lovelace")
    expect(visitor.get_by_role("status")).to_have_text("Good day, ada.")
    expect(visitor.locator("#live")).to_be_visible()

    visitor.get_by_role("button", name="Order Moby-Dick").click()
    expect(visitor.get_by_role("status")).to_have_text("Ordered: Moby-Dick. We keep it at the counter for you.")
    visitor.evaluate("document.body.dataset.loaded = 'once'")

    stock = visitor.locator("[data-book='3'] .stock b")
    expect(visitor.locator("#feed li").first).to_contain_text("the van brought Moby-Dick")
    expect(stock).to_have_text("3")
    assert visitor.evaluate("document.body.dataset.loaded") == "once", "the news came without a reload"

    visitor.get_by_role("link", name="My orders").click()
    expect(visitor.get_by_role("cell", name="Moby-Dick")).to_be_visible()

    visitor.get_by_role("button", name="Log out").click()
    expect(visitor.get_by_role("status")).to_have_text("You are logged out.")
    expect(visitor.get_by_role("link", name="My orders")).to_have_count(0)


def test_what_one_customer_does_another_one_sees(browser: BrowserContext, visitor: Page, address: str) -> None:
    from playwright.sync_api import expect

    log_in(visitor, address, "grace", "hopper")
    expect(visitor.locator("#live")).to_be_visible()
    answer = visitor.request.post(f"{address}/stock/6", data="0", headers={"content-type": "application/json"})
    assert answer.json()["stock"] == 0
    book = visitor.locator("[data-book='6']")
    expect(visitor.locator("#feed")).to_contain_text("grace counted 0 of Flatland")
    expect(book.locator(".stock b")).not_to_have_text("0")  # the van comes
    expect(book.get_by_role("button")).to_be_enabled()


def test_errors_are_told_on_the_page(visitor: Page, address: str) -> None:
    from playwright.sync_api import expect

    log_in(visitor, address, "ada", "wrong")
    expect(visitor.get_by_role("alert")).to_have_text("Nobody of this name has this password.")


def test_everything_but_the_news_works_without_scripts(browser: BrowserContext, address: str) -> None:
    page = browser.new_page()
    page.route("**/*.js", lambda route: route.abort())
    try:
        log_in(page, address, "ada", "lovelace")
        page.get_by_role("button", name="Order Dracula").click()
        assert "Ordered: Dracula." in page.get_by_role("status").inner_text()
        page.get_by_role("searchbox").fill("brontë")
        page.get_by_role("button", name="Find").click()
        assert page.locator(".book h2").all_inner_texts() == ["Jane Eyre"]
    finally:
        page.close()


def test_the_old_catalogue_is_one_click_away(visitor: Page, address: str) -> None:
    visitor.goto(address)
    visitor.get_by_role("link", name="Card catalogue").click()
    visitor.get_by_role("link", name="All cards as text").click()
    assert re.search(r"^1818 +Frankenstein +Mary Shelley$", visitor.locator("body").inner_text(), re.MULTILINE)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_renders(visitor: Page, address: str, path: str) -> None:
    from playwright.sync_api import expect

    visitor.goto(address + path)
    expect(visitor.get_by_role("heading", name="The Hollow Oak")).to_be_visible()
    # Of every dialect: FastAPI's, Flask's and Falcon's.
    for address_of_one in ("/api/books/{number}", "/order/{number}", "/stock/{number}"):
        expect(visitor.get_by_text(address_of_one).first).to_be_attached()
