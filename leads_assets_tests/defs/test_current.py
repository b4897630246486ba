"""After a read of changes the whole list is asked what the changes cannot tell: what the table may be called then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = [pytest.mark.socket, pytest.mark.marts]

_LAST = "FROM ops.sync_runs WHERE endpoint = 'leads' ORDER BY number DESC LIMIT 1"


class _Account:
    """An account of 250 leads, read in full once, and synced again."""

    def __init__(self, api: DemoApi, folder: Path, *faults: str, **settings: object) -> None:
        self.api = api
        self.project = Project(folder, api.base_url, api=settings)
        self.set_faults(*faults)
        assert self.sync() == ("full", "proven", "")

    def set_faults(self, *faults: str) -> None:
        self.api.set_faults(map(parse_fault, faults))

    def sync(self, **options: object) -> tuple[str, str, str]:
        """Mode of the read, verdict on the table, and reason."""
        self.api.reset()
        project = replace(self.project, sync=options)
        assert project.materialize("leads").success
        ((mode, verdict, reason),) = project.query(f"SELECT mode, verdict, reason {_LAST}")
        return mode, verdict, reason

    def with_new_field(self, name: str) -> list[str]:
        """Modes and verdicts of three syncs after the server has begun to send a field."""
        self.set_faults(f"unknown_field={name}")
        self.api.account.update("leads", self.ids()[:1])
        return [" ".join(self.sync()[:2]) for _ in range(3)]

    def write(self, sql: str) -> None:
        """Change the warehouse behind the project's back."""
        with duckdb.connect(self.project.path) as connection:
            connection.execute(sql)

    @property
    def requests(self) -> int:
        return self.api.count("leads")

    def ids(self) -> list[int]:
        return [row["id"] for row in self.api.account.rows("leads")]

    def is_true(self) -> bool:
        """Whether the live rows are the server's, by id and last change."""
        ours = self.project.query("SELECT id, updated_at FROM leads WHERE _deleted_at IS NULL ORDER BY id")
        theirs = [(row["id"], datetime.fromisoformat(row["updated_at"])) for row in self.api.account.rows("leads")]
        return ours == theirs

    def times(self) -> tuple[datetime, datetime, datetime]:
        """Begin of the last load, and what the freshness says: changes and completeness as of."""
        ((began,),) = self.project.query(f"SELECT began_at {_LAST}")
        ((changes, complete),) = self.project.query(
            "SELECT changes_as_of, complete_as_of FROM ops.freshness WHERE endpoint = 'leads'"
        )
        return began, changes, complete


@pytest.fixture
def account(open_api: OpenApi, tmp_path: Path) -> _Account:
    """Read in full."""
    return _Account(open_api(leads=250), tmp_path)


def test_without_a_change_the_table_is_current_for_two_requests(account: _Account) -> None:
    assert account.sync() == ("incremental", "current", "")
    assert account.requests == 2
    began, changes, complete = account.times()
    assert began == changes == complete


def test_deleted_rows_are_marked_by_a_read_of_changes(open_api: OpenApi, tmp_path: Path) -> None:
    account = _Account(open_api(leads=3_000), tmp_path)
    ids = account.ids()
    account.api.account.delete("leads", [ids[20], ids[1_200], ids[-1]])
    account.api.account.update("leads", [ids[50]])
    account.api.account.insert("leads", 2)
    assert account.sync() == ("incremental", "current", "")
    assert account.is_true()
    assert account.project.query(f"SELECT deleted {_LAST}") == [(3,)]


def test_where_a_search_would_cost_as_much_the_next_read_is_full(account: _Account) -> None:
    ids = account.ids()
    account.api.account.delete("leads", [ids[20], ids[120], ids[-1]])
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "unproven")
    assert reason == "a full read costs no more requests than going on"
    assert account.sync() == ("full", "proven", "")
    assert account.is_true()


def test_a_row_that_changed_lately_and_is_gone_is_found_first(account: _Account) -> None:
    changed = account.ids()[33]
    account.api.account.update("leads", [changed])
    assert account.sync() == ("incremental", "current", "")
    account.api.account.delete("leads", [changed])
    assert account.sync() == ("incremental", "current", "")
    assert account.is_true()


def test_a_row_that_came_back_with_an_old_stamp_is_loaded_and_the_next_read_is_full(account: _Account) -> None:
    gone = account.ids()[70]
    account.api.account.delete("leads", [gone])
    account.sync()
    account.api.account.restore("leads", [gone])
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "unproven")
    assert "rows are there that the changes did not show: 1" in reason
    assert account.is_true()
    assert account.sync() == ("full", "proven", "")


def test_a_new_field_is_unproven_until_a_full_read_has_brought_it_for_all_rows(account: _Account) -> None:
    account.set_faults("unknown_field=colour")
    account.api.account.update("leads", account.ids()[:2])
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "unproven")
    assert "new columns" in reason
    assert account.sync() == ("full", "proven", "")
    assert account.project.query("SELECT count(*) FROM leads WHERE colour IS NULL") == [(0,)]


def test_a_declared_column_that_somebody_dropped_is_filled_by_a_full_read(account: _Account) -> None:
    account.write("ALTER TABLE leads DROP COLUMN title")
    assert account.sync()[:2] == ("incremental", "unproven")
    assert account.sync() == ("full", "proven", "")
    assert account.project.query("SELECT count(title) FROM leads") == [(250,)]


@pytest.mark.long
def test_a_full_read_of_many_requests_is_forced_once_a_day(open_api: OpenApi, tmp_path: Path) -> None:
    account = _Account(open_api(leads=250), tmp_path, page_size=10)
    assert account.with_new_field("colour") == ["incremental unproven", "full proven", "incremental current"]
    assert account.with_new_field("size") == ["incremental unproven", "incremental unproven", "incremental unproven"]
    account.write("UPDATE ops.sync_runs SET began_at = began_at - INTERVAL 25 HOUR WHERE forced")
    assert account.sync(reconcile_hours=100) == ("full", "proven", "")


def test_a_full_read_of_few_requests_is_forced_whenever_it_helps(account: _Account) -> None:
    assert account.with_new_field("colour") == ["incremental unproven", "full proven", "incremental current"]
    assert account.with_new_field("size") == ["incremental unproven", "full proven", "incremental current"]


@pytest.mark.parametrize("faults", [(), ("no_total",)])
def test_a_filter_that_leaves_changes_out_is_unproven_and_moves_nothing(
    open_api: OpenApi, tmp_path: Path, faults: tuple[str, ...]
) -> None:
    account = _Account(open_api(leads=250), tmp_path, *faults)
    account.api.account.update("leads", account.ids()[:10])
    account.sync()
    before = account.times()[1:]
    account.api.account.update("leads", account.ids()[:10])
    account.set_faults("late_filter@leads", *faults)
    _, verdict, reason = account.sync()
    assert verdict == "unproven", reason
    assert account.times()[1:] == before
    account.set_faults(*faults)
    assert account.sync()[:2] == ("full", "proven")
    assert account.is_true()


def test_rows_that_the_guard_keeps_cost_one_request_and_leave_the_table_unproven(account: _Account) -> None:
    account.api.account.delete("leads", account.ids()[40:140])
    _, verdict, reason = account.sync()
    assert verdict == "unproven"
    assert "allow_mass_delete" in reason
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "unproven")
    assert "100 rows are gone from the server" in reason
    assert account.requests == 2
    assert account.sync(allow_mass_delete=True) == ("incremental", "current", "")
    assert account.is_true()
    assert account.project.query("SELECT count(*) FROM ops.refused_deletions") == [(0,)]


@pytest.mark.parametrize("more", [(), ("no_total",)])
def test_where_offsets_count_rows_that_the_key_does_not_see_only_a_total_closes(
    open_api: OpenApi, tmp_path: Path, more: tuple[str, ...]
) -> None:
    account = _Account(open_api(leads=251), tmp_path, "ignore_order@leads", *more)
    mode, verdict, reason = account.sync()
    assert mode == "incremental"
    if not more:
        assert (verdict, reason) == ("current", "")
        account.api.account.delete("leads", account.ids()[:1])
        verdict, reason = account.sync()[1:]
        assert verdict == "unproven"
        assert "250 rows of the whole list, 251 are live here" in reason
        assert account.sync()[:2] == ("incremental", "unproven")
        assert account.sync() == ("full", "proven", "")
    else:
        assert verdict == "proven"
        assert reason.startswith("changes only: no total is sent")
        began, changes, complete = account.times()
        assert complete < changes == began


@pytest.mark.long
def test_a_list_that_cannot_be_looked_at_leaves_the_verdict_as_it_was(account: _Account) -> None:
    account.api.account.update("leads", account.ids()[:1])
    account.set_faults("status=500@leads+1")
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "proven")
    assert "could not be looked at (leads: HTTP 500" in reason
    assert account.is_true()


def test_a_warehouse_of_the_format_before_keeps_its_history(account: _Account) -> None:
    hour = timedelta(hours=1)
    began = datetime.now(UTC).replace(microsecond=0) - hour
    added = (
        "changes_as_of",
        "complete_as_of",
        "list_total",
        "next_full",
        "forced",
        "calibration",
        "lap",
        "in_progress",
    )
    for schema in ("marts", "kept", "every", "live"):
        account.write(f"DROP SCHEMA {schema} CASCADE")
    account.write("ALTER TABLE leads DROP COLUMN _first_seen_at")
    for column in added:
        account.write(f"ALTER TABLE ops.sync_runs DROP COLUMN {column}")
    account.write("DROP VIEW ops.freshness; DROP TABLE ops.refused_deletions; UPDATE ops.version SET version = 2")
    insert = "INSERT INTO ops.sync_runs BY NAME SELECT * REPLACE ('incremental' AS mode, 2 AS number, ? AS began_at)"
    with duckdb.connect(account.project.path) as connection:
        connection.execute(f"{insert} FROM ops.sync_runs WHERE endpoint = 'leads'", [began])
    mode, verdict, reason = account.sync()
    assert (mode, verdict) == ("incremental", "current"), reason
    rows = account.project.query(
        "SELECT mode, verdict, changes_as_of = began_at, complete_as_of = began_at FROM ops.sync_runs ORDER BY number"
    )
    assert rows[:2] == [("full", "proven", True, True), ("incremental", "proven", True, False)]
