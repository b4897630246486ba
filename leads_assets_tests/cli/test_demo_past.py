"""The demo's past: what the warehouse knows after it, held against the account's truth."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.demo_past import DAYS_AGO, bring_in
from leads_assets.demo.account.account import Account
from leads_assets.demo.process import served
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.marts.history import build_views
from leads_assets_tests.marts.test_documents import QUESTIONS

pytestmark = [pytest.mark.socket, pytest.mark.marts]

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, Path, list[datetime]]:
    """The account after its past was brought in, the file, and the days."""
    account = Account(leads=250, now=NOW, days=-DAYS_AGO[0])
    path = tmp_path_factory.mktemp("past") / "demo.duckdb"
    days: list[datetime] = []
    with served(account, path) as settings:
        bring_in(account, settings, days.append)
    return account, path, days


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def test_a_dozen_weeks_are_loaded_in_order_each_proven_and_dated_by_the_accounts_clock(
    past: tuple[Account, Path, list[datetime]],
) -> None:
    account, path, days = past
    assert account.now == NOW
    assert [round((NOW - day) / timedelta(days=1)) for day in days] == list(DAYS_AGO)
    loads = _rows(path, "SELECT endpoint, verdict, mode, began_at, loaded_at FROM ops.sync_runs ORDER BY number")
    assert {verdict for _, verdict, *_ in loads} == {"proven"}
    assert {mode for endpoint, _, mode, *_ in loads if endpoint == "leads"} == {"full"}
    assert {endpoint for endpoint, *_ in loads} == set(ENDPOINTS)
    of_leads = [(began, loaded) for endpoint, _, _, began, loaded in loads if endpoint == "leads"]
    assert len(of_leads) == len(days)
    for (began, loaded), day in zip(of_leads, days, strict=True):
        assert day <= began < loaded < day + timedelta(minutes=5)


def test_the_journal_tells_of_moves_and_deletions_within_the_week_in_which_they_happened(
    past: tuple[Account, Path, list[datetime]],
) -> None:
    account, path, days = past
    deleted = {
        lead: version.since
        for lead in account.leads_ever()
        for version in account.history(lead)
        if version.row is None and days[0] < version.since <= days[-1]
    }
    marked = dict(_rows(path, "SELECT id, _deleted_at FROM main.leads WHERE _deleted_at IS NOT NULL"))
    assert marked.keys() <= deleted.keys()
    assert all(deleted[lead] < seen <= deleted[lead] + timedelta(days=7, minutes=5) for lead, seen in marked.items())
    journal = _rows(path, "SELECT field, count(*) FROM ops.changes WHERE endpoint = 'leads' GROUP BY field")
    assert {"step_id", "status", "amount", "user_id"} <= {field for field, _ in journal}


def test_the_last_day_that_was_loaded_is_the_account_of_yesterday(
    past: tuple[Account, Path, list[datetime]],
) -> None:
    _, path, _ = past
    yesterday = {row["id"] for row in Account(leads=250, now=NOW, days=-1).rows("leads")}
    assert {lead for (lead,) in _rows(path, "SELECT id FROM main.leads WHERE _deleted_at IS NULL")} == yesterday


def test_each_of_the_ten_questions_has_an_answer_on_the_demo(
    past: tuple[Account, Path, list[datetime]], tmp_path: Path
) -> None:
    copy = FileWarehouse(Path(shutil.copyfile(past[1], tmp_path / "demo.duckdb")), lock_seconds=5)
    with copy.write("the test") as session, transaction(session):
        build_views(session, ENDPOINTS, "Europe/Paris")
    assert len(QUESTIONS) == 10
    assert [question for question, sql in QUESTIONS if not _rows(copy.path, sql)] == []


@pytest.mark.long
def test_of_a_large_account_only_changes_are_read_after_the_first_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_assets.cli.demo_past._FULL_UP_TO", 50)
    account = Account(leads=120, now=NOW, days=-DAYS_AGO[0])
    with served(account, tmp_path / "demo.duckdb") as settings:
        bring_in(account, settings, lambda _: None)
    modes = _rows(tmp_path / "demo.duckdb", "SELECT mode FROM ops.sync_runs WHERE endpoint = 'leads' ORDER BY number")
    assert [mode for (mode,) in modes] == ["full"] + ["incremental"] * (len(DAYS_AGO) - 1)
