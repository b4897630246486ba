"""The page in a real browser, from the demo's warehouse: what a person sees, and what the page asks of the world.

`make test-browser`; a Chromium must be on the PATH. With PICTURES=folder it leaves a picture of each case there.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.demo_past import DAYS_AGO, bring_in
from leads_assets.demo.account.account import Account
from leads_assets.demo.process import served
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.history import build_views
from leads_assets.report.figures import Figures
from leads_assets.report.write import write_page

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)
MOST_BYTES = 1_200_000
UNPROVEN = (
    "UPDATE ops.sync_runs SET verdict = 'unproven', reason = 'rows moved while they were read' WHERE endpoint = 'leads'"
    " AND number = (SELECT max(number) FROM ops.sync_runs WHERE endpoint = 'leads')"
)


@dataclass
class Opened:
    """A page in the browser, and what was heard while it opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> FileWarehouse:
    account = Account(leads=250, now=NOW, days=-DAYS_AGO[0])
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    with served(account, path) as settings:
        bring_in(account, settings, lambda _: None)
    warehouse = FileWarehouse(path)
    with warehouse.write("test") as session, transaction(session):
        build_views(session, ENDPOINTS, "Europe/Paris")
    return warehouse


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "a Chromium must be on the PATH"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def _open(browser: Browser, path: Path, **options: Any) -> Opened:
    context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    opened = Opened(context.new_page())
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("console", lambda said: opened.complaints.append(said.text) if said.type != "log" else None)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.goto(path.as_uri())
    if opened.page.locator("#specs").count():
        opened.page.wait_for_selector("html[data-drawn=yes]", timeout=60_000)
    return opened


def _picture(opened: Opened, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        opened.page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def _written(warehouse: FileWarehouse, path: Path) -> Figures:
    return write_page(warehouse, path)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("report", {}),
        ("report-narrow", {"viewport": {"width": 420, "height": 900}}),
        ("report-dark", {"color_scheme": "dark"}),
        ("report-german", {"locale": "de-DE"}),
    ],
)
def test_the_page_draws_all_its_charts_asks_nobody_and_complains_of_nothing(
    demo: FileWarehouse, browser: Browser, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path = tmp_path / "demo.html"
    _written(demo, path)
    assert path.stat().st_size <= MOST_BYTES
    opened = _open(browser, path, **options)
    assert opened.requests == [path.as_uri()]
    assert opened.complaints == []
    charts = opened.page.locator(".chart")
    assert charts.count() == opened.page.locator(".chart svg").count() > 8
    wide = opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide, "the page is wider than its window"
    _picture(opened, name)


def test_the_figures_that_a_person_reads_are_those_of_the_marts(
    demo: FileWarehouse, browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "demo.html"
    figures = _written(demo, path)
    page = _open(browser, path, locale="de-DE").page
    with demo.read("test") as session:
        assert session is not None
        sums = session.run("test", "SELECT currency, sum(amount) FROM marts.leads WHERE is_open GROUP BY ALL")
        (waiting,) = session.one("test", "SELECT count(*) FROM marts.leads WHERE is_open")
    shown = page.locator(".cards .figure data[data-kind=money]")
    found = {
        shown.nth(place).get_attribute("data-currency"): float(shown.nth(place).get_attribute("value") or 0)
        for place in range(shown.count())
    }
    assert found == {currency: float(amount) for currency, amount in sums if amount is not None}
    assert figures.numbers()["open leads"] == waiting
    euros = next(float(amount) for currency, amount in sums if currency == "EUR")
    german = f"{euros:,.0f}".replace(",", ".")
    assert f"{german}\xa0€" in page.locator(".cards").first.inner_text()


def test_the_page_is_used_by_keyboard_and_read_without_the_charts(
    demo: FileWarehouse, browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "demo.html"
    _written(demo, path)
    page = _open(browser, path).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").first.is_visible()
    for place in range(page.locator(".chart").count()):
        assert page.locator(".chart").nth(place).get_attribute("aria-label")


def test_printed_it_is_light_and_has_no_folded_tables(demo: FileWarehouse, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "demo.html"
    _written(demo, path)
    page = _open(browser, path, color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("details").first.is_visible()
    assert page.locator(".chart svg").first.is_visible()


def test_an_unproven_account_looks_different(demo: FileWarehouse, browser: Browser, tmp_path: Path) -> None:
    copy = FileWarehouse(tmp_path / "demo.duckdb")
    shutil.copy(demo.path, copy.path)
    with copy.write("test") as session:
        session.run("test", UNPROVEN)
    path = tmp_path / "demo.html"
    assert _written(copy, path).standing.verdict == "unproven"
    opened = _open(browser, path)
    assert "rows moved while they were read" in opened.page.locator("header").inner_text()
    grey = opened.page.evaluate("getComputedStyle(document.querySelector('.unproven .figure')).filter")
    assert "grayscale" in grey
    assert opened.complaints == []
    _picture(opened, "report-unproven")


def test_before_the_first_sync_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "demo.html"
    _written(FileWarehouse(tmp_path / "none.duckdb"), path)
    opened = _open(browser, path)
    assert "leads-assets sync" in opened.page.locator("main").inner_text()
    assert (opened.requests, opened.complaints) == ([path.as_uri()], [])
    _picture(opened, "report-never")
