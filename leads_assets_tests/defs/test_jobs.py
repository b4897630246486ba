"""The schedule, and the jobs whose configuration is filled in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.jobs import FULL_REFRESH, RECONCILE
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.watched import SensorHarness

pytestmark = pytest.mark.socket

defs = build_definitions(Settings())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SensorHarness]:
    """A project that was never synced."""
    with DemoApi(Account(leads=250)) as api:
        yield SensorHarness(api, tmp_path)


@pytest.mark.parametrize("job", ["reconcile_job", "full_refresh_job"])
def test_both_jobs_cover_all_assets(job: str) -> None:
    keys = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in keys} == set(ENDPOINTS)


@pytest.mark.parametrize(("job", "config"), [("reconcile_job", RECONCILE), ("full_refresh_job", FULL_REFRESH)])
def test_the_configuration_is_filled_in_where_the_job_is_launched(job: str, config: object) -> None:
    assert defs.resolve_job_def(job).run_config == config


def test_the_nightly_reconcile_is_off_until_it_is_switched_on() -> None:
    schedule = defs.resolve_schedule_def("nightly_reconcile")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_the_nightly_reconcile_runs_once_a_day_right_after_the_requests_are_counted_anew() -> None:
    at = datetime(2026, 3, 1, 0, 15, tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        nightly_reconcile = defs.resolve_schedule_def("nightly_reconcile")
        ticks = nightly_reconcile.evaluate_tick(context)
    assert ticks.run_requests is not None
    assert len(ticks.run_requests) == 1
    assert (nightly_reconcile.cron_schedule, nightly_reconcile.execution_timezone) == ("15 0 * * *", "UTC")


def test_the_sensor_is_part_of_the_definitions_and_on() -> None:
    sensor = defs.resolve_sensor_def("api_changes_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 300


@pytest.mark.parametrize(
    ("config", "mode"), [({}, "incremental"), (RECONCILE, "full"), (FULL_REFRESH, "full")], ids=str
)
def test_both_configurations_make_the_next_read_of_leads_a_full_one(
    project: SensorHarness, config: dict[str, object], mode: str
) -> None:
    project.materialize("leads")
    assert project.materialize("leads", run_config=config).success
    modes = project.project.query("SELECT mode FROM ops.sync_runs ORDER BY loaded_at")
    assert modes == [("full",), (mode,)]


@pytest.mark.parametrize(("config", "title"), [(RECONCILE, "from a newer clock"), (FULL_REFRESH, None)], ids=str)
def test_only_a_full_refresh_takes_an_older_version_of_a_row(
    project: SensorHarness, config: dict[str, object], title: str | None
) -> None:
    project.materialize("leads")
    project.write("UPDATE leads SET title = 'from a newer clock', updated_at = updated_at + INTERVAL 1 HOUR")
    project.materialize("leads", run_config=config)
    (row,) = project.project.query("SELECT title FROM leads ORDER BY id LIMIT 1")
    expected = next(iter(project.api.account.rows("leads")))["title"]
    assert row == (title or expected,)
