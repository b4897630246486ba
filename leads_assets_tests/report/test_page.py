"""The page of the known account: its markup, without a browser."""

import json
import re
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.report import page as pages
from leads_assets.report.figures import NEVER, Figures, Standing
from leads_assets.report.page import render
from leads_assets.report.sections import ORDER, parse_section, sections
from leads_assets.report.write import write_page
from leads_assets_tests.harness.books import Books, insert
from leads_assets_tests.harness.known import known_account

pytestmark = [pytest.mark.socket, pytest.mark.marts]

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(1)> & "quoted"'
VOID = {"meta", "link", "img", "br", "hr", "input"}
FOREIGN = re.compile(
    r"""(?:src|href|action|poster|data)\s*=\s*["']?\s*(?:https?:|//|data:|file:)|@import|url\(""", re.I
)


class Page(HTMLParser):
    """The page as a browser would understand it: elements in order, with their texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return known_account(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module", autouse=True)
def _without_the_large_script() -> Iterator[None]:
    """It takes a second to make, and no test here needs more than its place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "drawing_script", lambda: "/* drawing */")
        yield


def _prove(books: Books, **freshness: Any) -> None:
    with books.session() as session:
        session.run("test", "DELETE FROM ops.freshness WHERE endpoint = 'leads'")
        moment = datetime(2026, 3, 3, 6, tzinfo=UTC)
        proven = {
            "endpoint": "leads",
            "verdict": "proven",
            "reason": "",
            "changes_as_of": moment,
            "complete_as_of": moment,
        }
        insert(session, "ops.freshness", [proven | freshness])


def _written(books: Books, folder: Path) -> tuple[str, Figures]:
    page = folder / "page.html"
    figures = write_page(books.warehouse, page)
    return page.read_text(), figures


@pytest.fixture
def shown(tmp_path: Path) -> tuple[str, Figures]:
    """The known account, proven."""
    books = known_account(tmp_path)
    _prove(books)
    return _written(books, tmp_path)


def test_every_figure_of_the_page_is_the_marts_one(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    _prove(books)
    text, figures = _written(books, tmp_path)
    page = Page(text)
    open_value = dict(books.rows("SELECT currency, sum(amount) FROM marts.pipeline_daily WHERE is_today GROUP BY ALL"))
    found = {
        cell["data-currency"]: float(cell["value"] or 0) for cell in page.all("data") if cell["data-kind"] == "money"
    }
    for currency, amount in open_value.items():
        assert figures.numbers()[f"open {currency}"] == float(amount)
        assert currency in found
    assert figures.numbers()["open leads"] == books.row("SELECT count(*) FROM marts.leads WHERE is_open")[0]
    reached = {(row["pipeline"], row["step"]): row["reached"] for row in figures.rows["funnel"]}
    assert (reached["Main", "New"], reached["Main", "Quote"], reached["Main", "Won"]) == (13, 10, 1)
    due = books.rows("SELECT count(*) FILTER (due = 'overdue'), count(*) FILTER (due = 'today') FROM marts.actions_due")
    assert [
        (sum(row["overdue"] for row in figures.rows["due"]), sum(row["today"] for row in figures.rows["due"]))
    ] == due
    assert sum(row["rows"] for row in figures.rows["mend"]) == books.row("SELECT count(*) FROM marts.data_quality")[0]


def test_the_markup_is_balanced_has_one_heading_a_section_and_a_table_behind_each_chart(
    shown: tuple[str, Figures],
) -> None:
    page = Page(shown[0])
    assert page.unbalanced == []
    assert page.open == []
    assert [len(page.all(tag)) for tag in ("h1", "main", "header", "title")] == [1, 1, 1, 1]
    assert page.all("html") == [{"lang": "en", "class": "sure"}]
    assert [found["aria-labelledby"] for found in page.all("section")] == list(ORDER)
    assert [found["id"] for found in page.all("h2")] == list(ORDER)
    for chart in page.all("div", role="img"):
        assert "the table below has its figures" in (chart["aria-label"] or "")
    assert len(page.all("details")) == sum(
        1 for name in ("pipeline", "funnel", "win_rate", "waiting") if shown[1].rows[name]
    )
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(found.get("scope") for found in page.all("th"))
    assert all(found.get("tabindex") == "0" for found in page.all("div", role="region"))
    assert page.all("a", **{"class": "skip"})


def test_nothing_of_the_page_asks_another_host_and_the_browser_is_told_to_refuse_it(shown: tuple[str, Figures]) -> None:
    text = shown[0]
    assert not FOREIGN.search(text)
    (policy,) = [found["content"] for found in Page(text).all("meta") if found.get("http-equiv")]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_what_people_have_typed_is_text_and_never_markup(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    _prove(books)
    with books.session() as session:
        insert(session, "main.users", [{"id": 7, "firstname": HOSTILE, "lastname": "x"}])
        quoted = HOSTILE.replace("'", "''")
        session.run("test", f"UPDATE main.leads SET title = '{quoted}', user_id = 7")
        session.run("test", f"UPDATE main.steps SET name = '{quoted}' WHERE id = 2")
        session.run("test", f"UPDATE main.pipelines SET name = '{quoted}' WHERE id = 1")
    text, _ = _written(books, tmp_path)
    page = Page(text)
    assert page.unbalanced == []
    assert len(page.all("script")) == 2
    assert page.all("img") == []
    assert HOSTILE in "".join(page.texts)
    specs = re.search(r'<script type="application/json" id="specs">(.*?)</script>', text, re.S)
    assert specs is not None
    assert HOSTILE in json.dumps(json.loads(specs[1]), ensure_ascii=False).replace('\\"', '"')


def test_an_unproven_account_says_so_first_with_the_reason_and_grey_sections(books: Books, tmp_path: Path) -> None:
    text, figures = _written(books, tmp_path)
    page = Page(text)
    assert page.all("html")[0]["class"] == "doubtful"
    assert "Unproven" in page.texts
    assert any("rows moved" in told for told in page.texts)
    assert set(figures.doubts) == {*ORDER}
    assert all("unproven" in (found["class"] or "") for found in page.all("section"))
    assert "<title>Sales, 2026-03-03 – unproven</title>" in text


@pytest.mark.parametrize("verdict", ["proven", "current"])
def test_proven_and_current_look_alike_and_tell_both_times(tmp_path: Path, verdict: str) -> None:
    books = known_account(tmp_path)
    complete = datetime(2026, 3, 2, 6, tzinfo=UTC)
    _prove(books, verdict=verdict, complete_as_of=complete)
    text, figures = _written(books, tmp_path)
    page = Page(text)
    assert page.all("html")[0]["class"] == "sure"
    assert figures.doubts == {}
    header = text[text.index("<header") : text.index("</header>")]
    assert [found["datetime"] for found in Page(header).all("time")][1:3] == [
        "2026-03-03T06:00:00+00:00",
        "2026-03-02T06:00:00+00:00",
    ]
    assert "Europe/Paris" in header


def test_what_was_never_complete_or_never_read_shows_no_figure(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    _prove(books, verdict="unproven", complete_as_of=None, reason="rows moved")
    text, _ = _written(books, tmp_path)
    assert "no read was ever complete: leads: rows moved" in "".join(Page(text).texts)
    assert not Page(text).all("data")
    never = tmp_path / "never.html"
    assert write_page(FileWarehouse(tmp_path / "none.duckdb"), never).standing == NEVER
    page = Page(never.read_text())
    assert "Nothing to show yet" in page.texts
    assert not page.all("data")
    assert not page.all("script")


def test_an_empty_section_says_why(tmp_path: Path) -> None:
    standing = Standing(
        verdict="proven",
        reason="",
        changes_as_of=datetime(2026, 3, 3, 6, tzinfo=UTC),
        complete_as_of=datetime(2026, 3, 3, 6, tzinfo=UTC),
        in_progress="",
        history_from=datetime(2026, 3, 3, 5, tzinfo=UTC),
        today=date(2026, 3, 3),
        time_zone="UTC",
    )
    text = render(Figures(standing=standing, rows=dict.fromkeys(ORDER, ())))
    told = "".join(Page(text).texts)
    for section in sections().values():
        assert section.empty in told
    assert "The history begins with the first sync, on 2026-03-03." in told


def test_the_file_is_for_its_owner_alone_and_replaced_in_one_step(tmp_path: Path, books: Books) -> None:
    page = tmp_path / "deep" / "page.html"
    write_page(books.warehouse, page)
    page.chmod(0o644)
    first = page.stat().st_ino
    write_page(books.warehouse, page)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.stat().st_ino != first
    assert [found.name for found in page.parent.iterdir()] == ["page.html"]
    with pytest.raises(WarehouseUnusable, match="cannot be written"):
        write_page(books.warehouse, page / "below.html")


def test_the_page_lies_beside_its_warehouse() -> None:
    assert FileWarehouse(Path("data/leads.duckdb")).page == Path("data/leads.html")


def test_a_section_that_does_not_say_what_it_must_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say its empty, marts, note, title"):
        parse_section("x", "SELECT 1", None)
    said = "-- title: t\n-- note: n\n-- marts: m\n-- empty: e\n"
    with pytest.raises(ValueError, match="no known kind: colour"):
        parse_section("x", f"{said}-- a (colour): A\nSELECT 1", None)


def test_no_section_reads_a_clock_of_its_own_or_the_readers_time_zone() -> None:
    for section in sections().values():
        assert not re.search(
            r"now\(\)|current_date|current_timestamp|today\(\)|::date|date_trunc\('day'", section.sql, re.I
        )


def test_the_seven_days_before_are_compared_only_where_the_history_knows_them(shown: tuple[str, Figures]) -> None:
    headline = shown[1].rows["headline"]
    assert all(row["before"] is None for row in headline if row["what"] in ("open", "open leads"))
    assert "a week ago" not in shown[0]


def test_a_section_in_doubt_says_so_itself_where_others_are_not(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    _prove(books)
    with books.session() as session:
        insert(session, "ops.freshness", [{"endpoint": "follow_ups", "verdict": "unproven", "reason": "no total"}])
    text, figures = _written(books, tmp_path)
    page = Page(text)
    assert set(figures.doubts) == {"headline", "due", "mend"}
    grey = [found["aria-labelledby"] for found in page.all("section") if "unproven" in (found["class"] or "")]
    assert grey == ["headline", "due", "mend"]
    assert len([told for told in page.texts if told.startswith("Unproven: ") and "no total" in told]) == 3
    assert page.all("html")[0]["class"] == "doubtful"


def test_the_page_stays_small_however_many_rows_and_however_long_their_titles(tmp_path: Path) -> None:
    books = known_account(tmp_path)
    _prove(books)
    with books.session() as session:
        session.run("test", "CREATE TABLE made AS FROM main.leads WHERE id = 102")
        long = "repeat('Ä<long> title ', 90)"
        many = f"SELECT made.* REPLACE (n AS id, {long} AS title) FROM made, range(1000, 9000) r(n)"
        session.run("test", f"INSERT INTO main.leads {many}")
        session.run("test", "DROP TABLE made")
    books.build()
    text, figures = _written(books, tmp_path)
    assert figures.numbers()["open leads"] > 8_000
    # The script that draws takes 900 kB of the 1.2 MB.
    assert len(text.encode()) < 250_000
    assert "…" in text
