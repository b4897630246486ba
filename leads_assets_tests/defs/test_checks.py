"""What the two checks of an asset say after a load, and what to do about it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from leads_assets.defs.checks import run_checks
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.desk import THINGS, WarehouseHarness
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

Open = Callable[..., tuple[DemoApi, Project]]


@pytest.fixture
def opened(tmp_path: Path, open_api: OpenApi) -> Open:
    """Starts a demo API with these faults, and a project on it that reads in full."""

    def start(*faults: str, **sync: Any) -> tuple[DemoApi, Project]:
        server = open_api(*faults, leads=120)
        return server, Project(tmp_path, server.base_url, sync={"reconcile_hours": 0.0, **sync})

    return start


def _checks(result: dg.ExecuteInProcessResult, name: str) -> dict[str, dg.AssetCheckEvaluation]:
    assert result.success
    return {
        check.check_name: check for check in result.get_asset_check_evaluations() if check.asset_key.path[-1] == name
    }


def _told(check: dg.AssetCheckEvaluation) -> str:
    """The sentences of a check that warns, with what to do."""
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    return f"{check.description} | {check.metadata['what_to_do'].value}"


def test_a_calm_load_passes_both_checks_and_says_what_was_found(opened: Open) -> None:
    _, project = opened()
    checks = _checks(project.materialize(), "steps")
    assert {name: check.passed for name, check in checks.items()} == {"complete": True, "valid": True}
    rows = project.query("SELECT count(*) FROM steps")[0][0]
    assert checks["complete"].description == f"proven: full read of {rows} rows"
    assert checks["valid"].description == (
        f"{rows} rows, each with an id of its own; {rows} live, the first count; all values fit their columns;"
        " all references resolve"
    )
    assert "what_to_do" not in checks["valid"].metadata


def test_an_unproven_read_warns_in_complete_and_leaves_valid_alone(opened: Open) -> None:
    _, project = opened("wrong_total=1@leads")
    checks = _checks(project.materialize("leads"), "leads")
    assert _told(checks["complete"]).startswith("unproven: ")
    assert checks["valid"].passed


@pytest.mark.parametrize("hours", [0.0, 24.0], ids=["full", "changes"])
def test_a_row_that_is_older_on_the_server_than_here_warns_whatever_was_read(opened: Open, hours: float) -> None:
    api, project = opened(reconcile_hours=hours)
    project.materialize("leads")
    newest = max(api.account.rows("leads"), key=lambda row: row["updated_at"])
    earlier = datetime.fromisoformat(newest["updated_at"]) - timedelta(hours=1)
    api.account.change("leads", [newest["id"]], at=earlier, description="another one")
    told = _told(_checks(project.materialize("leads"), "leads")["complete"])
    assert told.startswith("1 rows on the server are older than the ones kept here")


def test_rows_that_name_missing_rows_are_counted_with_three_of_their_ids(opened: Open) -> None:
    _, project = opened()
    project.materialize("leads", "users")
    (user,) = project.query("SELECT user_id FROM leads WHERE user_id IS NOT NULL ORDER BY id LIMIT 1")[0]
    with duckdb.connect(project.path) as connection:
        connection.execute(f"DELETE FROM users WHERE id = {user}")
    ids = [str(row[0]) for row in project.query(f"SELECT id FROM leads WHERE user_id = {user} ORDER BY id")]
    valid = _checks(project.materialize("leads"), "leads")["valid"]
    assert f"user_id: {len(ids)} rows name a missing row of users (ids {', '.join(ids[:3])})" in _told(valid)
    assert "Materialize the tables they name" in _told(valid)
    owned = project.query(f"SELECT count(*) FROM leads WHERE created_by_id = {user}")[0][0]
    assert valid.metadata["orphans"].value == len(ids) + owned


def test_tables_that_are_not_there_yet_are_named_and_are_no_fault(opened: Open) -> None:
    _, project = opened()
    valid = _checks(project.materialize("leads"), "leads")["valid"]
    assert valid.passed
    assert "not looked at, as their tables are not there yet: " in (valid.description or "")
    assert "user_id" in (valid.description or "")


def test_a_volume_that_collapsed_warns_although_the_read_is_proven(opened: Open) -> None:
    api, project = opened(allow_mass_delete=True)
    project.materialize("leads")
    api.account.delete("leads", [row["id"] for row in api.account.rows("leads")][:80])
    checks = _checks(project.materialize("leads"), "leads")
    assert checks["complete"].passed
    assert _told(checks["valid"]).startswith("40 live after 120 | Look whether the key has lost rights")


def test_misfits_are_told_together_with_missing_references(opened: Open) -> None:
    _, project = opened("misfit@leads")
    project.materialize("users")
    with duckdb.connect(project.path) as connection:
        connection.execute("DELETE FROM users")
    told = _told(_checks(project.materialize("leads"), "leads")["valid"])
    assert " values in _extra" in told
    assert "name a missing row of users" in told
    assert "Correct the values at their source" in told
    assert "Materialize the tables they name" in told


def test_an_id_that_another_program_wrote_twice_fails_the_load_and_changes_nothing(opened: Open) -> None:
    _, project = opened()
    project.materialize("teams")
    with duckdb.connect(project.path) as connection:
        connection.execute("INSERT INTO teams BY NAME SELECT * FROM teams ORDER BY id LIMIT 1")
    before = project.query("SELECT * FROM teams ORDER BY ALL")
    result = project.materialize("teams")
    (failure,) = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    assert failure is not None
    assert "Another program has written to the table" in (failure.description or "")
    assert project.query("SELECT * FROM teams ORDER BY ALL") == before


def test_an_endpoint_without_references_does_not_claim_to_have_looked_at_them(opened: Open) -> None:
    _, project = opened()
    valid = _checks(project.materialize("teams"), "teams")["valid"]
    assert "reference" not in (valid.description or "")


def test_fields_for_which_the_table_has_no_room_are_told(tmp_path: Path) -> None:
    desk = WarehouseHarness(tmp_path)
    for load in range(3):
        result = desk.load([{"id": 1} | {f"key {load} {n}": n for n in range(150)}])
    (valid,) = [check for check in run_checks(THINGS, result) if check.check_name == "valid"]
    assert not valid.passed
    assert "fields have no column: a table takes 300 undeclared ones" in (valid.description or "")
