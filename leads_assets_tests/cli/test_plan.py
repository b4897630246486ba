"""`leads-assets plan`: what a sync would cost and change, told without changing anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import Fault
from leads_assets.engine.read.estimate import Estimate, days_to_read, estimate_paged, pages_needed
from leads_assets_tests.harness.commands import Command, CommandResult, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process


def of(told: CommandResult, endpoint: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in told.json["endpoints"] if row["endpoint"] == endpoint)
    return found


@pytest.mark.parametrize(
    ("total", "size", "requests"), [(0, 100, 1), (99, 100, 1), (100, 100, 3), (199, 100, 4), (145_719, 100, 1_474)]
)
def test_a_walk_needs_a_page_per_99_rows_and_a_look_at_either_end(total: int, size: int, requests: int) -> None:
    assert pages_needed(total, size) == requests


def test_a_server_that_caps_pages_makes_the_forecast_dearer() -> None:
    assert estimate_paged(50, 1000, None, 100).requests == pages_needed(1000, 50)


def test_nothing_is_claimed_about_a_full_first_page_without_a_total() -> None:
    assert estimate_paged(100, None, None, 100) == Estimate(None, None, "no total is sent, and it was never read")
    assert estimate_paged(100, None, 500, 100).rows == 500


def test_the_forecast_of_a_first_sync_is_what_it_then_costs(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(700)
    told = command("plan", "--json")
    assert told.status == 0
    assert told.json["spent_by_plan"] == api.count() == 2
    assert not (tmp_path / "leads.duckdb").exists()
    api.reset()
    assert Project(tmp_path, api.base_url).materialize("leads", "prospecting_lists", "steps").success
    for name in ("leads", "prospecting_lists", "steps"):
        assert api.count(name) <= of(told, name)["requests"] <= api.count(name) + 1
    assert of(told, "leads")["rows"] == 700
    assert of(told, "leads")["why"] == "full: no proven full read yet"


def test_after_a_sync_leads_are_planned_as_changes_and_the_rest_as_it_was(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(700, faults=[Fault("missing_parameter", "follow_ups")])
    assert Project(tmp_path, api.base_url).materialize("leads", "follow_ups").success
    told = command("plan", "--json")
    assert (of(told, "leads")["mode"], of(told, "leads")["requests"]) == ("incremental", 1)
    assert of(told, "follow_ups")["requests"] == api.count("follow_ups") + api.count("users")
    assert of(told, "follow_ups")["basis"] == "the last read"
    full = command("plan", "--full-refresh", "--json", "leads")
    assert of(full, "leads")["mode"] == "full"
    assert len(full.json["endpoints"]) == 1


def test_a_sync_that_does_not_fit_into_the_day_is_told_before_it_begins(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(5000)
    monkeypatch.setenv("LEADS_API_DAILY_REQUESTS", "40")
    assert command("plan", "--json").json["fits"] is False
    assert "it does not fit into today" in command("plan").out


def test_a_list_that_is_read_in_parts_is_told_with_its_day(
    command: Command, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(3000)
    monkeypatch.setenv("LEADS_API_DAILY_REQUESTS", "200")
    monkeypatch.setenv("LEADS_API_PAGE_SIZE", "10")
    told = command("plan", "--json", "leads")
    assert told.json["fits"] is True
    day = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert of(told, "leads")["complete_on"] == day
    assert f"leads: 336 requests, complete on {day}" in command("plan", "leads").out


@pytest.mark.parametrize(
    ("requests", "left", "daily", "days"),
    [
        (3_031, 2_000, 2_000, 1),
        (3_031, 1_000, 2_000, 2),
        (300, 2_000, 2_000, 0),
        (300, None, 0, 0),
        (3_601, 0, 2_000, 3),
    ],
)
def test_a_day_gives_nine_tenths_of_its_requests(requests: int, left: int | None, daily: int, days: int) -> None:
    assert days_to_read(requests, left, daily) == days


def test_an_endpoint_that_cannot_be_asked_does_not_hide_the_others(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("status", "prospecting_lists", 403)])
    told = command("plan", "--json")
    assert told.status == 0
    assert "HTTP 403" in of(told, "prospecting_lists")["basis"]
    assert told.json["unknown"] == ["prospecting_lists"]
    assert of(told, "leads")["rows"] == 120


def test_without_settings_it_is_one_sentence(command: Command) -> None:
    told = command("plan")
    assert told.status == 1
    assert told.err.startswith("leads-assets: no account is set")


def test_an_endpoint_that_does_not_exist_is_a_usage_error(command: Command) -> None:
    told = command("plan", "leeds")
    assert told.status == 2
    assert "no such endpoint: leeds (did you mean leads?); there are steps, " in told.err


def test_the_diff_is_what_the_sync_then_does_and_leaves_the_warehouse_alone(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    project = Project(tmp_path, api.base_url, sync={"full_refresh": True})
    assert project.materialize("leads", "steps").success
    ids = [row["id"] for row in api.account.rows("leads")]
    api.account.insert("leads", 3)
    api.account.update("leads", ids[:4])
    api.account.delete("leads", ids[10:15])
    api.set_faults([Fault("unknown_field", "leads", "new_thing")])
    before = project.path.read_bytes()
    told = command("plan", "leads", "steps", "--diff", "--full-refresh", "--json")
    assert told.status == 0
    assert project.path.read_bytes() == before
    assert not [place for place in tmp_path.glob("leads.duckdb.spool/*") if place.is_dir()]
    leads = of(told, "leads")
    assert (leads["inserted"], leads["deleted"], leads["verdict"]) == (3, 5, "proven")
    assert leads["new_columns"] == {"new_thing": "JSON"}
    assert (of(told, "steps")["inserted"], of(told, "steps")["updated"], of(told, "steps")["deleted"]) == (0, 0, 0)
    assert project.materialize("leads").success
    names = ("inserted", "updated", "deleted", "restored", "live_rows", "rows_read")
    (really,) = project.query(
        f"SELECT {', '.join(names)} FROM ops.sync_runs WHERE endpoint = 'leads' ORDER BY loaded_at DESC LIMIT 1"
    )
    assert tuple(leads[name] for name in names) == really


def test_a_diff_of_changes_shows_what_is_gone(command: Command, open_account: OpenAccount, tmp_path: Path) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("leads").success
    ids = [row["id"] for row in api.account.rows("leads")]
    api.account.delete("leads", ids[:5])
    api.account.update("leads", ids[5:7])
    leads = of(command("plan", "leads", "--diff", "--json"), "leads")
    assert (leads["mode"], leads["inserted"], leads["updated"], leads["deleted"]) == ("incremental", 0, 2, 5)


def test_a_diff_without_a_warehouse_shows_everything_as_new_and_makes_none(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account()
    told = command("plan", "steps", "teams", "--diff")
    assert "+14" in told.out
    assert "Nothing was written to the warehouse." in told.out
    assert not (tmp_path / "leads.duckdb").exists()


def test_a_diff_goes_on_after_a_list_that_cannot_be_read_and_stops_at_a_refused_key(
    command: Command, open_account: OpenAccount
) -> None:
    api = open_account(faults=[Fault("status", "steps", 403)])
    told = command("plan", "steps", "teams", "--diff", "--json")
    assert told.status == 1
    assert "HTTP 403" in of(told, "steps")["error"]
    assert of(told, "teams")["inserted"] == 4
    api.set_faults([Fault("status", "steps", 401)])
    told = command("plan", "steps", "teams", "--diff", "--json")
    assert [row["endpoint"] for row in told.json["endpoints"]] == ["steps"]
    assert "the endpoints after it were not read" in told.json["endpoints"][0]["error"]


def test_every_endpoint_is_in_the_plan(command: Command, open_account: OpenAccount) -> None:
    open_account()
    shown = command("plan").out
    assert not [name for name in ENDPOINTS if name not in shown]
