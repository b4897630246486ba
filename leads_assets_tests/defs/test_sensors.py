"""The sensor against the demo API, a real warehouse and real runs."""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from leads_assets.account.connect import budget_of, count_file
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.jobs import RECONCILE
from leads_assets.defs.sensors import NAME
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.refresh.observe import PROBE_LIMITS
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.watched import SMALL, SensorHarness, asked, reason

pytestmark = pytest.mark.socket

TICK = timedelta(minutes=5)
Watch = Callable[..., SensorHarness]


@pytest.fixture
def watch(tmp_path: Path, open_api: OpenApi) -> Watch:
    """Starts demo accounts, each watched by a sensor of its own."""

    def start(*faults: str, leads: int = 250, **options: Any) -> SensorHarness:
        return SensorHarness(open_api(*faults, leads=leads), tmp_path, **options)

    return start


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> SensorHarness:
    """A project whose first sync is done: the demo account is the same for every test, so they can copy it."""
    with DemoApi(Account(leads=250)) as api:
        project = SensorHarness(api, tmp_path_factory.mktemp("synced"))
        project.sync()
    return project


@pytest.fixture
def watched(watch: Watch, synced: SensorHarness) -> SensorHarness:
    """A project of its own whose first sync is done."""
    project = watch(cursor=synced.cursor)
    shutil.copy(synced.folder / "leads.duckdb", project.project.path)
    return project


def _some(project: SensorHarness, endpoint: str) -> list[int]:
    return [int(next(iter(project.api.account.rows(endpoint)))["id"])]


def _unfinished(project: SensorHarness, *names: str, **fields: Any) -> dg.DagsterRun:
    selection = frozenset(map(dg.AssetKey, names)) if names else None
    return project.instance.add_run(dg.DagsterRun(job_name="any", asset_selection=selection, **fields))


def test_it_is_on_by_default_every_five_minutes(watched: SensorHarness) -> None:
    assert watched.sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert watched.sensor.minimum_interval_seconds == 300


def test_without_settings_it_names_both_variables_and_the_demo(tmp_path: Path) -> None:
    definitions = build_definitions(Settings(warehouse=tmp_path / "leads.duckdb"))
    known = definitions.resources or {}
    resources = {name: known[name] for name in ("leads_api", "warehouse")}
    with dg.build_sensor_context(resources=resources) as context:
        skipped = definitions.resolve_sensor_def(NAME)(context)
    assert isinstance(skipped, dg.SkipReason)
    for name in ("LEADS_API_BASE_URL", "LEADS_API_KEY", "make demo"):
        assert name in str(skipped.skip_message)


def test_an_empty_warehouse_is_filled_by_one_run_and_then_left_alone(watch: Watch) -> None:
    project = watch()
    first = project.tick()
    assert asked(first) == set(ENDPOINTS)
    assert project.run(first).success
    assert not project.tick().run_requests


def test_a_quiet_tick_costs_two_requests_and_says_what_it_looked_at(watched: SensorHarness) -> None:
    said = reason(watched.tick())
    assert watched.api.count() == 2
    assert "webhook_events: 0 new events; leads: nothing newer; 2 requests" in said


def test_a_changed_lead_brings_leads_and_the_event_log_and_nothing_else(watched: SensorHarness) -> None:
    watched.api.account.update("leads", _some(watched, "leads"))
    result = watched.tick()
    assert asked(result) == {"leads", "webhook_events"}
    assert watched.run(result).success
    assert not watched.tick().run_requests


def test_a_deleted_lead_is_marked_by_a_read_of_changes_within_two_ticks(watched: SensorHarness) -> None:
    (gone,) = watched.api.account.delete("leads", _some(watched, "leads"))
    result = watched.tick()
    (request,) = result.run_requests or ()
    assert request.run_config != RECONCILE
    assert watched.run(result).success
    assert watched.project.query("SELECT id FROM leads WHERE _deleted_at IS NOT NULL") == [(gone,)]
    assert not watched.tick().run_requests


def test_frequent_reads_of_changes_do_not_put_off_a_reconcile(watched: SensorHarness) -> None:
    watched.write("UPDATE ops.sync_runs SET pages = 200, calibration = '' WHERE endpoint = 'leads'")
    watched.daily = 2000
    first, second = [int(row["id"]) for row in watched.api.account.rows("leads")][:2]
    watched.api.account.update("leads", [first])
    watched.ahead = timedelta(hours=10)
    assert "leads" in asked(watched.tick())
    watched.api.account.delete("leads", [second])
    watched.ahead += TICK
    (request,) = watched.tick().run_requests or ()
    assert request.run_config == RECONCILE


def test_a_restored_lead_without_a_new_change_is_found_by_the_total(watched: SensorHarness) -> None:
    ids = watched.api.account.delete("leads", _some(watched, "leads"))
    watched.sync()
    watched.api.account.restore("leads", ids)
    watched.sync()
    assert watched.project.query("SELECT count(*) FROM leads WHERE _deleted_at IS NOT NULL") == [(0,)]


def test_a_list_that_an_event_names_is_read_at_once(watched: SensorHarness) -> None:
    watched.api.account.update("steps", _some(watched, "steps"))
    assert asked(watched.tick()) == {"steps", "webhook_events"}


def test_a_small_list_without_events_is_read_on_the_slow_beat(watched: SensorHarness) -> None:
    watched.api.account.update("teams", _some(watched, "teams"))
    assert not watched.tick().run_requests
    watched.ahead = timedelta(hours=2)
    assert asked(watched.tick()) == {"teams"}


def test_an_event_during_a_run_of_its_list_is_not_forgotten(watched: SensorHarness) -> None:
    run = _unfinished(watched, "steps", status=dg.DagsterRunStatus.STARTED)
    watched.api.account.update("steps", _some(watched, "steps"))
    assert asked(watched.tick()) == {"webhook_events"}
    watched.instance.delete_run(run.run_id)
    assert "steps" in asked(watched.tick())


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_nothing_is_asked_twice_while_a_run_of_it_has_not_ended(
    watched: SensorHarness, status: dg.DagsterRunStatus
) -> None:
    watched.api.account.update("leads", _some(watched, "leads"))
    _unfinished(watched, "leads", "webhook_events", status=status)
    assert "queued or going: leads, webhook_events" in reason(watched.tick())
    assert watched.api.count() == 0


def test_a_run_of_everything_keeps_the_sensor_from_looking(watched: SensorHarness) -> None:
    _unfinished(watched, status=dg.DagsterRunStatus.STARTED)
    assert "a run of all assets" in reason(watched.tick())
    assert watched.api.count() == 0


def test_a_run_that_never_ended_does_not_block_for_ever(watched: SensorHarness) -> None:
    _unfinished(watched, status=dg.DagsterRunStatus.STARTED)
    watched.ahead = timedelta(hours=7)
    assert "nothing newer" in reason(watched.tick())


def test_a_failed_run_is_asked_for_again_later_under_another_key(watched: SensorHarness) -> None:
    watched.api.account.update("leads", _some(watched, "leads"))
    keys = []
    first = watched.tick()
    keys.append(first.run_requests[0].run_key)  # type: ignore[index]
    watched.api.set_faults([parse_fault("status=404@leads"), parse_fault("status=404@webhook_events")])
    assert not watched.run(first).success
    watched.api.set_faults([])
    assert "asked 1 times, again at" in reason(watched.tick())
    watched.ahead = TICK
    second = watched.tick()
    assert asked(second) == {"leads", "webhook_events"}
    keys.append(second.run_requests[0].run_key)  # type: ignore[index]
    assert len(set(keys)) == 2


def test_what_one_list_failed_is_not_asked_of_the_others(watched: SensorHarness) -> None:
    watched.api.account.update("leads", _some(watched, "leads"))
    first = watched.tick()
    watched.api.set_faults([parse_fault("status=404@leads")])
    assert not watched.run(first).success
    watched.api.set_faults([])
    watched.ahead = TICK
    assert asked(watched.tick()) == {"leads"}


@pytest.mark.parametrize("cursor", ["", "not json", '{"looks": 3}', '{"looked_at": "2026-01-01T00:00:00"}', "[]"])
def test_an_unreadable_cursor_starts_afresh_and_costs_the_small_lists_once(watched: SensorHarness, cursor: str) -> None:
    watched.cursor = cursor
    again = watched.tick()
    assert asked(again) == SMALL
    assert watched.run(again).success
    assert not watched.tick().run_requests


def test_an_outage_is_a_skip_with_pauses_that_double(watched: SensorHarness) -> None:
    watched.api.set_faults([parse_fault("status=503")])
    pauses = []
    for _ in range(4):
        began = watched.now()
        assert "HTTP 503" in reason(watched.tick())
        resume_at = datetime.fromisoformat(json.loads(watched.cursor or "")["resume_at"])
        pauses.append(round((resume_at - began) / TICK))
        requests = watched.api.count()
        assert "next look at" in reason(watched.tick())
        assert watched.api.count() == requests
        watched.ahead += resume_at - began
    assert pauses == [1, 2, 4, 8]
    watched.api.set_faults([])
    assert "nothing newer" in reason(watched.tick())
    assert json.loads(watched.cursor or "")["failures"] == 0


def test_an_outage_while_the_clock_ran_ahead_blinds_the_sensor_no_longer_than_that(watched: SensorHarness) -> None:
    watched.ahead = timedelta(days=365)
    watched.api.set_faults([parse_fault("status=503")])
    assert "next look at" in reason(watched.tick())
    watched.api.set_faults([])
    watched.ahead = timedelta(0)
    assert "nothing newer" in reason(watched.tick())


def test_a_quota_pause_of_the_server_is_kept_to_the_second(watched: SensorHarness) -> None:
    watched.api.set_faults([parse_fault("retry_after=1800")])
    assert "HTTP 429" in reason(watched.tick())
    watched.ahead = timedelta(minutes=29)
    assert "HTTP 429" in reason(watched.tick())
    assert watched.api.count() == 1
    watched.api.set_faults([])
    watched.ahead = timedelta(minutes=31)
    assert "nothing newer" in reason(watched.tick())


def test_a_wrong_key_is_told_once_and_not_sent_again_at_once(watched: SensorHarness) -> None:
    watched.key = "wrong-key"
    assert "LEADS_API_KEY is refused" in reason(watched.tick())
    assert "LEADS_API_KEY is refused" in reason(watched.tick())
    assert watched.api.count() == 1


def test_a_locked_warehouse_is_a_skip_that_costs_no_request(watched: SensorHarness) -> None:
    with duckdb.connect(watched.project.path):
        assert "leads.duckdb" in reason(watched.tick())
    assert watched.api.count() == 0


def test_a_damaged_warehouse_is_a_skip_that_names_it(watched: SensorHarness) -> None:
    watched.project.path.write_bytes(b"no database" * 1000)
    assert "leads.duckdb" in reason(watched.tick())


def test_a_deleted_warehouse_is_filled_again(watched: SensorHarness) -> None:
    watched.project.path.unlink()
    watched.ahead = TICK
    assert asked(watched.tick()) == set(ENDPOINTS)


def test_a_dropped_table_is_filled_again(watched: SensorHarness) -> None:
    with duckdb.connect(watched.project.path) as connection:
        connection.execute("DROP TABLE users")
    watched.ahead = TICK
    assert asked(watched.tick()) == {"users"}


def test_every_list_is_read_in_full_once_a_day_even_if_nothing_shows(watched: SensorHarness) -> None:
    watched.ahead = timedelta(hours=23)
    assert not watched.tick().run_requests
    watched.ahead = timedelta(hours=24)
    assert asked(watched.tick()) == set(ENDPOINTS)


def test_the_last_requests_of_the_day_are_left_to_the_reconcile(watched: SensorHarness) -> None:
    project = watched
    project.daily = 40
    tomorrow = (project.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    project.ahead = tomorrow - project.now()
    _spend(project, 20)
    assert "20 requests left today, 20 kept for today's reconcile" in reason(project.tick())
    assert project.api.count() == 0


def _spend(project: SensorHarness, requests: int) -> None:
    budget = budget_of(project.settings, project.now)
    for _ in range(requests):
        budget.take("another program")
    budget.close()


def test_a_list_that_the_edition_lacks_is_not_asked_for(watch: Watch) -> None:
    project = watch("status=403@teams")
    assert asked(project.tick()) == set(ENDPOINTS) - {"teams"}


def test_lost_rights_on_a_known_list_are_made_visible_by_a_run(watched: SensorHarness) -> None:
    watched.api.set_faults([parse_fault("status=403@teams")])
    watched.ahead = timedelta(hours=2)
    result = watched.tick()
    assert asked(result) == {"teams"}
    assert not watched.run(result).success


def test_a_list_that_refuses_the_probe_does_not_keep_the_others_from_being_seen(watched: SensorHarness) -> None:
    watched.api.set_faults([parse_fault("status=500@webhook_events")])
    watched.api.account.update("leads", _some(watched, "leads"))
    assert asked(watched.tick()) == {"leads"}


def test_a_list_that_is_read_user_by_user_is_not_asked_for_without_need(watch: Watch) -> None:
    project = watch("missing_parameter@follow_ups")
    project.sync()
    project.ahead = timedelta(hours=2)
    assert not project.tick().run_requests


def test_a_server_that_hides_its_newest_change_is_read_when_events_say_so(watch: Watch) -> None:
    project = watch("ignore_order@leads")
    project.sync()
    project.api.account.update("leads", _some(project, "leads"))
    result = project.tick()
    assert asked(result) == {"leads", "webhook_events"}
    assert project.run(result).success
    assert not project.tick().run_requests


def test_no_record_no_key_and_no_query_stands_in_cursor_tags_or_reasons(watched: SensorHarness) -> None:
    account, told = watched.api.account, reason(watched.tick())
    account.update("users", _some(watched, "users"))
    account.update("leads", _some(watched, "leads"))
    watched.ahead = timedelta(hours=2)
    result = watched.tick()
    assert asked(result) == {"users", "leads", "webhook_events"}
    told += f"{result.cursor} {result.run_requests}"
    watched.api.set_faults([parse_fault("echo_key=500")])
    told += f"{reason(watched.tick())} {watched.cursor}"
    user = next(iter(account.rows("users")))
    for secret in (watched.api.key, user["email"], user["lastname"], "limit=", "order=", "http:"):
        assert secret not in told


def test_a_lead_that_has_changed_in_the_future_hides_no_change_of_another(watched: SensorHarness) -> None:
    early, other = [int(row["id"]) for row in watched.api.account.rows("leads")][:2]
    watched.api.account.change("leads", [early], at=datetime(2099, 1, 1, tzinfo=UTC))
    watched.sync()
    assert "nothing newer" in reason(watched.tick())
    requests = watched.api.count()
    watched.api.account.update("leads", [other])
    assert "leads" in asked(watched.tick())
    assert watched.api.count() == requests + 2


def test_a_list_that_needs_most_of_a_day_is_read_first_on_the_next_day(watch: Watch) -> None:
    project = watch(leads=1_000, daily=20)
    for _ in range(2):
        while (result := project.tick()).run_requests:
            project.run(result)
        project.ahead += 2 * TICK
    assert "leads: not in the warehouse; its read of 12 requests waits" in reason(result)
    assert project.api.count() <= 20
    _next_day(project)
    result = project.tick()
    assert "leads" in asked(result)
    assert project.run(result).success
    assert project.project.query("SELECT count(*) FROM leads") == [(1_000,)]


def _next_day(project: SensorHarness) -> None:
    """What was spent is another day's."""
    with closing(sqlite3.connect(count_file(project.settings), isolation_level=None)) as count:
        count.execute("DELETE FROM spent")


@pytest.mark.parametrize(("daily", "lists"), [(8, 8), (100, 14)])
def test_a_first_sync_that_may_not_fit_into_the_day_spends_nothing_on_looks(
    watch: Watch, daily: int, lists: int
) -> None:
    project = watch(daily=daily)
    assert len(asked(project.tick())) == lists
    assert project.api.count() == 0


def test_a_log_too_large_for_a_look_is_read_on_the_slow_beat_and_looked_at_no_more_often(
    watched: SensorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_assets.defs.sensors.PROBE_LIMITS", replace(PROBE_LIMITS, body=5_000))
    for hours in (2, 4):
        watched.ahead = timedelta(hours=hours)
        watched.api.reset()
        assert "webhook_events" in asked(watched.tick())
        assert watched.api.count("webhook_events") == 1
        watched.ahead += timedelta(hours=1)
        watched.tick()
        assert watched.api.count("webhook_events") == 1


def test_a_stopped_process_that_holds_the_count_ends_a_tick_soon(watched: SensorHarness) -> None:
    watched.tick()
    count = count_file(watched.settings)
    with closing(sqlite3.connect(count, isolation_level=None)) as stopped:
        stopped.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert "the request count" in reason(watched.tick())
        assert time.monotonic() - began < 30
