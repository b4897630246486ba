"""A long full read is loaded in parts: what was paid for is not paid again, and a day's requests need not suffice."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.read import lap_source
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

_PAGES = 20
_ROWS = 1_000
"""112 pages of 10 rows, of which adjacent ones share one."""


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lap_source, "PAGES_A_PART", _PAGES)


class Account:
    """An account of 1,000 leads that is read by pages of ten."""

    def __init__(self, api: DemoApi, folder: Path, **settings: Any) -> None:
        self.api = api
        self.project = Project(folder, api.base_url, api={"page_size": 10, "attempts": 1, **settings})

    def sync(self, *faults: str, **options: Any) -> bool:
        """Whether the run succeeded, under these faults only."""
        self.api.set_faults(map(parse_fault, faults))
        self.api.reset()
        return replace(self.project, sync=options).materialize("leads").success

    @property
    def requests(self) -> int:
        """Of the last sync."""
        return self.api.count("leads")

    def loads(self) -> list[tuple[Any, ...]]:
        """Mode and verdict of all loads."""
        return self.project.query("SELECT mode, verdict FROM ops.sync_runs ORDER BY number")

    def freshness(self) -> tuple[Any, ...]:
        """Verdict, what goes on, reason."""
        (row,) = self.project.query("SELECT verdict, in_progress, reason FROM ops.freshness")
        return row

    def is_true(self) -> bool:
        """Whether the live rows are the server's, by id and last change."""
        ours = self.project.query("SELECT id, updated_at FROM leads WHERE _deleted_at IS NULL ORDER BY id")
        theirs = [(row["id"], datetime.fromisoformat(row["updated_at"])) for row in self.api.account.rows("leads")]
        return ours == theirs


@pytest.fixture
def account(open_api: OpenApi, tmp_path: Path) -> Account:
    """Never read."""
    return Account(open_api(leads=_ROWS), tmp_path)


def test_a_long_read_is_loaded_in_parts_and_proven_as_one(account: Account) -> None:
    assert account.sync()
    assert account.loads() == [*[("part", "unproven")] * 5, ("full", "proven")]
    assert account.freshness() == ("proven", None, "")
    assert account.is_true()
    assert account.requests == 112
    ((requests, rows),) = account.project.query(
        "SELECT sum(requests), sum(rows_read) FROM ops.sync_runs WHERE endpoint = 'leads'"
    )
    assert (requests, rows) == (112, 1000)


def test_a_row_of_an_earlier_part_is_not_taken_for_gone_and_one_that_is_gone_is_marked(account: Account) -> None:
    account.sync()
    ids = [row["id"] for row in account.api.account.rows("leads")]
    account.api.account.delete("leads", [ids[3], ids[-1]])
    assert account.sync(reconcile_hours=0.0)
    assert account.freshness() == ("proven", None, "")
    assert account.is_true()


def test_an_outage_costs_what_is_left_and_a_few_requests(account: Account) -> None:
    assert not account.sync("status=503@leads+70")
    assert account.loads()[-1] == ("part", "unproven")
    verdict, in_progress, _ = account.freshness()
    assert verdict == "unproven"
    assert in_progress.endswith("of 1,000 rows, goes on with the next sync")
    assert account.sync()
    assert account.loads()[-1] == ("incremental", "current")
    assert account.freshness() == ("current", None, "")
    assert account.is_true()
    assert account.requests <= 112 - 70 + 20
    assert account.sync()
    assert account.loads()[-1] == ("incremental", "current")
    assert account.requests == 2
