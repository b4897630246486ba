"""One list's trouble is its own; what all would meet ends the run at once; only a proof marks deletions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

GATED = [name for name, endpoint in ENDPOINTS.items() if endpoint.edition_gated]
FULL = {"reconcile_hours": 0.0}
NOBODY = "http://127.0.0.1:9/v2"

Open = Callable[..., tuple[DemoApi, Project]]


@pytest.fixture
def account(tmp_path: Path, open_api: OpenApi) -> Open:
    """Starts a demo API with these faults, and a project on it that reads in full and gives up soon."""

    def start(*faults: str, leads: int = 120, **api: Any) -> tuple[DemoApi, Project]:
        server = open_api(*faults, leads=leads)
        settings = {"attempts": 2, "deadline_seconds": 5.0, **api}
        return server, Project(tmp_path, settings.pop("base_url", server.base_url), api=settings, sync=FULL)

    return start


def _set(api: DemoApi, *faults: str) -> None:
    api.set_faults([parse_fault(text) for text in faults])


def _failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The sentence of each step that failed."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure and event.step_key:
            failure = event.step_failure_data.user_failure_data
            found[event.step_key] = (failure.description if failure else None) or ""
    return found


def _materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}


def _complete(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    (check,) = [
        check
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path[-1] == name and check.check_name == "complete"
    ]
    return check


def _marked(project: Project, name: str) -> set[int]:
    return {row_id for (row_id,) in project.query(f"SELECT id FROM {name} WHERE _deleted_at IS NOT NULL")}


def _ids(api: DemoApi, name: str) -> list[int]:
    return [row["id"] for row in api.account.rows(name)]


@pytest.mark.parametrize("name", GATED)
def test_a_403_on_a_list_of_some_editions_that_was_never_read_skips_it_and_the_run_succeeds(
    account: Open, name: str
) -> None:
    _, project = account(f"status=403@{name}")
    result = project.materialize(name, "categories")
    assert result.success
    assert _materialized(result) == {"categories"}
    check = _complete(result, name)
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert "403" in (check.description or "")


def test_a_skipped_list_has_no_table_and_no_ledger_row(account: Open) -> None:
    _, project = account("status=403@teams")
    project.materialize("teams", "categories")
    assert project.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'teams'") == [(0,)]
    assert project.query("SELECT DISTINCT endpoint FROM ops.sync_runs") == [("categories",)]


def test_a_403_where_rows_came_before_fails_that_asset_only_and_its_rows_stay(account: Open) -> None:
    api, project = account()
    project.materialize("teams", "categories")
    _set(api, "status=403@teams")
    result = project.materialize("teams", "categories")
    assert set(_failures(result)) == {"teams"}
    assert _materialized(result) == {"categories"}
    assert project.query("SELECT count(*) FROM teams WHERE _deleted_at IS NULL") == [(4,)]


@pytest.mark.parametrize(
    ("fault", "name", "fact"),
    [
        ("status=403", "leads", "403"),
        ("status=403", "users", "403"),
        ("status=404", "steps", "404"),
        ("status=400", "leads", "400"),
        ("status=500", "users", "500"),
        ("status=503", "prospecting_lists", "503"),
        ("html", "steps", "HTML"),
        ("redirect", "steps", "redirect"),
        ("disconnect", "steps", "closed"),
    ],
)
def test_what_befalls_one_list_fails_its_asset_only(account: Open, fault: str, name: str, fact: str) -> None:
    _, project = account(f"{fault}@{name}")
    result = project.materialize(name, "categories", "activities")
    failures = _failures(result)
    assert set(failures) == {name}
    assert fact in failures[name]
    assert _materialized(result) == {"categories", "activities"}


@pytest.mark.parametrize("status", [401, 402])
def test_a_refused_key_or_account_fails_one_step_with_one_request(account: Open, status: int) -> None:
    api, project = account(f"status={status}")
    result = project.materialize()
    (sentence,) = _failures(result).values()
    assert str(status) in sentence
    assert "the other endpoints were not tried" in sentence
    assert _materialized(result) == set()
    assert api.count() == 1


def test_an_unreachable_host_fails_one_step(account: Open) -> None:
    _, project = account(base_url=NOBODY)
    result = project.materialize()
    (sentence,) = _failures(result).values()
    assert "the other endpoints were not tried" in sentence
    assert _materialized(result) == set()


def test_a_long_429_fails_one_step_and_the_others_send_nothing(account: Open) -> None:
    api, project = account("retry_after=3600+2")
    result = project.materialize()
    (sentence,) = _failures(result).values()
    assert "run again after" in sentence
    assert api.count() == 3


def test_a_run_sends_no_request_beyond_the_day_s_budget(account: Open) -> None:
    api, project = account(daily_requests=3)
    result = project.materialize()
    (sentence,) = _failures(result).values()
    assert "LEADS_API_DAILY_REQUESTS" in sentence
    assert "run again after" in sentence
    assert api.count() == 3


def test_a_list_that_cannot_fit_into_the_budget_costs_one_request(account: Open) -> None:
    api, project = account(leads=1_000, daily_requests=5)
    result = project.materialize("leads")
    assert "1,000 rows need" in _failures(result)["leads"]
    assert api.count() == 1


def test_rows_that_are_gone_are_marked_and_restored_when_they_return(account: Open) -> None:
    api, project = account()
    project.materialize("leads")
    gone = _ids(api, "leads")[10:15]
    api.account.delete("leads", gone)
    project.materialize("leads")
    assert _marked(project, "leads") == set(gone)
    api.account.restore("leads", gone[:2])
    project.materialize("leads")
    assert _marked(project, "leads") == set(gone[2:])


def test_a_mass_deletion_is_refused_until_it_is_allowed(account: Open) -> None:
    api, project = account(leads=150)
    project.materialize("leads")
    gone = _ids(api, "leads")[:60]
    api.account.delete("leads", gone)
    result = project.materialize("leads")
    assert result.success
    check = _complete(result, "leads")
    assert not check.passed
    assert "60 of 150" in (check.description or "")
    assert "allow_mass_delete" in (check.description or "")
    assert _marked(project, "leads") == set()
    project.sync = {**FULL, "allow_mass_delete": True}
    assert _complete(project.materialize("leads"), "leads").passed
    assert _marked(project, "leads") == set(gone)


def test_rows_that_leave_the_server_s_log_stay_live_in_the_table(account: Open) -> None:
    api, project = account()
    project.materialize("webhook_events")
    gone = _ids(api, "webhook_events")[:20]
    api.account.delete("webhook_events", gone)
    assert _complete(project.materialize("webhook_events"), "webhook_events").passed
    assert _marked(project, "webhook_events") == set()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("leads", "status=500@leads+1"),
        ("leads", "empty_page@leads"),
        ("leads", "cut_json@leads+1"),
        ("leads", "wrong_total=1@leads"),
        ("leads", "shuffle@leads"),
        ("leads", "text_id@leads"),
        ("teams", "empty_page@teams"),
        ("teams", "status=403@teams"),
        ("teams", "error_200@teams"),
    ],
)
def test_a_read_without_a_proof_marks_nothing(account: Open, name: str, fault: str) -> None:
    api, project = account()
    project.materialize(name)
    api.account.delete(name, _ids(api, name)[:2])
    _set(api, fault)
    project.materialize(name)
    assert _marked(project, name) == set()


def test_a_read_of_changes_brings_the_changes_and_marks_what_the_list_no_longer_shows(account: Open) -> None:
    api, project = account()
    project.materialize("leads")
    ids = _ids(api, "leads")
    api.account.delete("leads", ids[:3])
    api.account.update("leads", ids[5:8])
    project.sync = {}
    result = project.materialize("leads")
    assert project.query("SELECT mode FROM ops.sync_runs ORDER BY loaded_at") == [("full",), ("incremental",)]
    assert _complete(result, "leads").passed
    assert _marked(project, "leads") == set(ids[:3])
    assert project.query("SELECT count(*) FROM leads WHERE _run_id = ?", result.run_id) == [(6,)]
