"""A guard against slowness that is no timing: what a fixed workload costs in requests, statements and bytes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from msgspec import Raw

from leads_assets.defs import resources
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.read import page_source as listing
from leads_assets.engine.records.page import Page, parse_page
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.records.values import ExactParser
from leads_assets.engine.warehouse import staging_database as staging
from leads_assets.engine.warehouse.runs import sync_states
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.staging_database import open_staging
from leads_assets_tests.harness.project import Project

pytestmark = [pytest.mark.socket, pytest.mark.marts]

LEADS = 1_000
PAGES = 12  # 100 rows, 99 new ones with each page after the first, and a look from the other end
MOST_STATEMENTS_FIRST = 54
MOST_STATEMENTS_AGAIN = 32
MOST_STATEMENTS_PER_SMALL_LIST = 37
MOST_STATEMENTS_FOR_THE_MARTS = 170
"""Of the first load of a warehouse, whichever it is: it makes all views."""
MOST_EVENTS_PER_LIST = 12


@dataclass
class Counts:
    """What was done since the counting began."""

    statements: int = 0
    pages: int = 0
    bytes_parsed: int = 0
    typed_parses: int = 0


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counts]:
    counts = Counts()
    execute: Callable[..., Any] = Session.execute
    ids = ExactParser.ids

    def counted_execute(self: Session, *args: Any, **more: Any) -> Any:
        counts.statements += 1
        return execute(self, *args, **more)

    def counted_parse(body: bytes, *args: Any) -> Page:
        counts.pages += 1
        counts.bytes_parsed += len(body)
        return parse_page(body, *args)

    def counted_ids(self: ExactParser, records: Sequence[Raw]) -> list[int | None] | None:
        counts.typed_parses += 1
        return ids(self, records)

    with monkeypatch.context() as patch:
        patch.setattr(ExactParser, "ids", counted_ids)
        patch.setattr(Session, "execute", counted_execute)
        patch.setattr(listing, "parse_page", counted_parse)
        yield counts


def test_a_sync_of_leads_parses_each_page_once_and_needs_few_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(leads=LEADS)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url, sync={"full_refresh": True})
        assert project.materialize("users").success
        for most in (MOST_STATEMENTS_FIRST, MOST_STATEMENTS_AGAIN):
            api.reset()
            with counting(monkeypatch) as counts:
                assert project.materialize("leads").success
            assert api.count() == PAGES
            assert counts.pages == counts.typed_parses == PAGES
            assert counts.statements <= most
            # The overlap of the pages, envelopes and commas come to less than 3 % of the rows.
            rows = sum(len(row) for row in account.encoded("leads"))
            assert rows <= counts.bytes_parsed < rows * 1.03


def test_a_small_list_costs_one_request_and_few_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DemoApi(Account(leads=10)) as api:
        project = Project(tmp_path, api.base_url)
        for most, name in ((MOST_STATEMENTS_FOR_THE_MARTS, "users"), (MOST_STATEMENTS_PER_SMALL_LIST, "teams")):
            api.reset()
            with counting(monkeypatch) as counts:
                assert project.materialize(name).success
            assert api.count() == 1
            assert counts.statements <= most


@pytest.mark.long
def test_a_run_looks_up_once_what_the_warehouse_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def counted(*args: Any) -> dict[str, SyncState]:
        looks.append(args)
        return sync_states(*args)

    monkeypatch.setattr(resources, "sync_states", counted)
    with DemoApi(Account(leads=10)) as api:
        project = Project(tmp_path, api.base_url)
        for _ in ("none yet", "one that was synced"):
            assert project.materialize().success
            assert len(looks) == 1
            looks.clear()


def test_a_list_more_in_a_run_stores_few_events(tmp_path: Path) -> None:
    """Dagster opens its database anew for each event: where nothing waits, they are a third of a run's CPU time."""
    stored = []
    with DemoApi(Account(leads=10)) as api, dg.DagsterInstance.ephemeral() as instance:
        for names in (["teams"], ["teams", "users"]):
            result = Project(tmp_path, api.base_url).materialize(*names, instance=instance)
            stored.append(len(instance.all_logs(result.run_id)))
    assert stored[1] - stored[0] <= MOST_EVENTS_PER_LIST


def test_all_loads_of_a_run_share_one_database_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(spill: Path, memory: str) -> duckdb.DuckDBPyConnection:
        made.append(spill)
        return open_staging(spill, memory)

    monkeypatch.setattr(staging, "open_staging", counted)
    with DemoApi(Account(leads=10)) as api:
        assert Project(tmp_path, api.base_url).materialize("teams", "users", "steps").success
    assert len(made) == 1


def test_the_number_of_statements_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = []
    for leads in (50, 1_500):
        with DemoApi(Account(leads=leads)) as api, counting(monkeypatch) as counts:
            assert Project(tmp_path / str(leads), api.base_url).materialize("leads").success
        statements.append(counts.statements)
    assert statements[0] == statements[1]
