"""A warehouse that the version before has written is read as it is, and brought up to date by the first sync.

The file was written by commit 0a0350d from its demo account, whose rows lie beside it: a full sync, then three leads
changed and a team deleted, then a read of `categories` with a record that has no id; compacted.
"""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.doctor.warehouse_checks import inspect
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.bookkeeping import VERSION
from leads_assets.engine.warehouse.failures import last_failures
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.runs import bound_account, freshness, sync_states
from leads_assets_tests.harness.project import Project, expected
from leads_assets_tests.harness.recorded import recorded_account

pytestmark = [pytest.mark.socket, pytest.mark.marts]

OLD = Path(__file__).with_name("files") / "warehouse-format-1.duckdb.gz"
ACCOUNT = Path(__file__).with_name("files") / "account-format-1.json.gz"
WRITTEN = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def old(tmp_path: Path) -> FileWarehouse:
    """The old file, unpacked."""
    path = tmp_path / "leads.duckdb"
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return FileWarehouse(path)


@pytest.fixture
def api() -> Iterator[DemoApi]:
    """The account as it was when the file was written last."""
    with DemoApi(recorded_account(ACCOUNT)) as server:
        yield server


def test_it_is_read_as_it_is_and_not_written(old: FileWarehouse) -> None:
    before = old.path.read_bytes()
    states = sync_states(old, WRITTEN, ENDPOINTS)
    assert set(states) == set(ENDPOINTS)
    assert bound_account(states) is None
    leads, teams, categories = (states[name] for name in ("leads", "teams", "categories"))
    assert (leads.number, leads.live, leads.full_rows, leads.change_rows) == (16, 40, 40, 4)
    assert leads.full is not None
    assert leads.began is not None
    assert leads.full < leads.began <= WRITTEN
    assert leads.watermark is not None
    assert (teams.number, teams.live_proven, teams.deleted_lately) == (15, 3, 1)
    assert (categories.number, categories.surplus) == (17, 0)
    assert {row["endpoint"]: row["verdict"] for row in freshness(old)}["categories"] == "unproven"
    assert last_failures(old) == {}
    (_, about_format), _ = inspect(old)
    assert about_format.says == f"format 1; the next sync brings it to {VERSION}"
    assert old.path.read_bytes() == before


def test_the_first_sync_brings_it_up_to_date_in_place_and_keeps_what_is_in_it(old: FileWarehouse, api: DemoApi) -> None:
    settings = {"whole_lists": ("clients_folders",)}
    project = Project(old.path.parent, api.base_url, api=settings, sync={"reconcile_hours": 24.0})
    kept = "SELECT endpoint, mode, verdict, reason, rows_read, loaded_at FROM ops.sync_runs ORDER BY loaded_at LIMIT 17"
    history = "SELECT * FROM ops.changes ORDER BY ALL"
    runs, changes = project.query(kept), project.query(history)
    assert len(runs) == 17
    assert len(changes) == 3
    assert project.materialize().success
    assert project.query("SELECT version FROM ops.version") == [(VERSION,)]
    assert project.query(kept) == runs
    assert project.query(history) == changes
    assert project.query("SELECT count(*), max(number), count(DISTINCT account) FROM ops.sync_runs") == [(31, 31, 1)]
    assert project.query("SELECT list(number ORDER BY loaded_at) = range(1, 32) FROM ops.sync_runs") == [(True,)]
    for name, endpoint in ENDPOINTS.items():
        if endpoint.marks_deleted:
            assert project.records(endpoint) == expected(endpoint, api.account.rows(name)), name
    written = "sum(inserted + updated + deleted) FILTER (endpoint <> 'webhook_events')"
    assert project.query(f"SELECT {written} FROM ops.sync_runs WHERE number > 17") == [(0,)]
    assert project.query("SELECT count(*) FROM teams WHERE _deleted_at IS NOT NULL") == [(1,)]
    verdicts = dict(project.query("SELECT endpoint, verdict FROM ops.freshness"))
    assert verdicts == dict.fromkeys(ENDPOINTS, "proven") | {"leads": "current"}
    seen = "SELECT count(*), count(_first_seen_at) FROM {}"
    assert project.query(seen.format("leads")) == [(40, 0)]
    ((events, seen_since),) = project.query(seen.format("webhook_events"))
    assert seen_since == events - 45 > 0


def test_one_load_upgrades_the_ledger_of_all(old: FileWarehouse, api: DemoApi) -> None:
    before = sync_states(old, WRITTEN)
    assert Project(old.path.parent, api.base_url).materialize("teams").success
    after = sync_states(old, WRITTEN)
    assert bound_account(after) is not None
    for name in ENDPOINTS.keys() - {"teams"}:
        assert _without_account(after[name]) == _without_account(before[name])


def _without_account(state: SyncState) -> tuple[object, ...]:
    return (
        state.number,
        state.began,
        state.changes_read,
        state.full,
        state.watermark,
        state.live_proven,
        state.surplus,
    )


def test_another_account_takes_its_place_where_the_user_says_so(old: FileWarehouse) -> None:
    account = Account(leads=50, seed=2)
    with DemoApi(account) as api:
        project = Project(old.path.parent, api.base_url, sync={"full_refresh": True})
        assert not project.materialize("leads").success
        project.sync = {"new_account": True}
        assert project.materialize("leads").success
        project.sync = {}
        assert project.materialize("users").success
    for name in ("leads", "users"):
        assert project.records(ENDPOINTS[name]) == expected(ENDPOINTS[name], account.rows(name))
