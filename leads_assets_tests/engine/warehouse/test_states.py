"""What the warehouse says it has committed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.runs import sync_states
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.watched import SensorHarness

pytestmark = pytest.mark.socket

Watch = Callable[..., SensorHarness]


@pytest.fixture
def watch(tmp_path: Path, open_api: OpenApi) -> Watch:
    """Starts a demo account with these faults."""

    def start(*faults: str) -> SensorHarness:
        return SensorHarness(open_api(*faults), tmp_path)

    return start


def _committed(project: SensorHarness) -> dict[str, SyncState]:
    return sync_states(FileWarehouse(project.project.path), project.now(), ENDPOINTS)


def test_without_a_warehouse_nothing_is_committed(watch: Watch) -> None:
    assert _committed(watch()) == {}


def test_only_what_was_loaded_is_committed(watch: Watch) -> None:
    project = watch()
    project.materialize("teams", "users")
    assert set(_committed(project)) == {"teams", "users"}


def test_a_dropped_table_is_not_committed_whatever_the_ledger_says(watch: Watch) -> None:
    project = watch()
    project.materialize("teams", "users")
    project.write("DROP TABLE teams")
    assert set(_committed(project)) == {"users"}


def test_leads_are_known_by_live_rows_and_all_rows_that_changed_last(watch: Watch) -> None:
    project = watch()
    project.materialize("leads")
    latest = project.now().replace(microsecond=0)
    project.write(f"UPDATE leads SET updated_at = TIMESTAMPTZ '{latest.isoformat()}' WHERE id % 10 = 0")
    project.write(
        "UPDATE leads SET updated_at = TIMESTAMPTZ '2040-01-01 00:00:00+00', _deleted_at = now() WHERE id % 10 = 1"
    )
    rows = project.project.query("SELECT id FROM leads WHERE id % 10 = 0")
    ((gone,),) = project.project.query("SELECT count(*) FROM leads WHERE id % 10 = 1")
    leads = _committed(project)["leads"]
    assert leads.newest_ids == {row_id for (row_id,) in rows}
    assert leads.newest == latest
    assert leads.ahead == frozenset()
    assert leads.live == 250 - gone < 250


def test_a_lead_that_has_changed_in_the_future_is_known_apart_and_hides_no_other(watch: Watch) -> None:
    project = watch()
    project.materialize("leads")
    before = _committed(project)["leads"]
    ((lead,),) = project.project.query("SELECT min(id) FROM leads")
    project.write(f"UPDATE leads SET updated_at = TIMESTAMPTZ '2099-01-01 00:00:00+00' WHERE id = {lead}")
    after = _committed(project)["leads"]
    assert (after.newest, after.live) == (before.newest, before.live)
    assert after.ahead == {(lead, datetime(2099, 1, 1, tzinfo=UTC))}


def test_the_event_log_is_known_by_its_newest_id(watch: Watch) -> None:
    project = watch()
    project.materialize("webhook_events")
    assert _committed(project)["webhook_events"].highest_id == max(
        row["id"] for row in project.api.account.rows("webhook_events")
    )


def test_a_full_read_and_a_read_of_changes_have_their_own_costs(watch: Watch) -> None:
    project = watch()
    project.materialize("leads")
    project.materialize("leads")
    leads = _committed(project)["leads"]
    assert (leads.full_requests, leads.change_requests) == (4, 2)


def test_a_read_of_changes_that_the_server_answers_with_everything_costs_as_much_as_a_full_one(watch: Watch) -> None:
    project = watch("ignore_updated_after@leads")
    project.materialize("leads")
    project.materialize("leads")
    leads = _committed(project)["leads"]
    assert (leads.full_requests, leads.change_requests) == (5, 5)


def test_a_refused_deletion_is_a_difference_that_is_expected_from_then_on(watch: Watch) -> None:
    project = watch()
    project.materialize("leads")
    project.api.account.delete("leads", [int(row["id"]) for row in project.api.account.rows("leads")][:100])
    project.materialize("leads", run_config={"resources": {"sync": {"config": {"reconcile_hours": 0.0}}}})
    leads = _committed(project)["leads"]
    assert (leads.live, leads.surplus) == (250, -100)


def test_a_read_that_is_not_proven_moves_only_the_newest_begin(watch: Watch) -> None:
    project = watch()
    project.materialize("teams")
    before = _committed(project)["teams"]
    project.api.set_faults([parse_fault("record_without_id@teams")])
    project.materialize("teams")
    after = _committed(project)["teams"]
    assert after.began != before.began
    assert (after.changes_read, after.full) == (before.changes_read, before.full)
