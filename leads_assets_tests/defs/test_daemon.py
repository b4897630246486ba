"""A real `dagster dev` with its daemon: the sensor makes the first sync, and later brings a changed lead."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project, expected

pytestmark = [pytest.mark.process, pytest.mark.long]

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 90
QUIET_TICKS = 3


@contextmanager
def _dagster_dev(home: Path, settings: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """`dagster dev` in a session of its own; yields the instance that it works on."""
    for name in ("dagster.yaml", "workspace.yaml"):  # and not the `.env` that may lie beside them
        shutil.copy(REPOSITORY / name, home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    environment |= {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(home), **settings}
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", "workspace.yaml", "--port", port]
    with dg.DagsterInstance.from_config(str(home)) as instance, (home / "dev.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield instance
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            finally:
                _end_session(process.pid)


def _end_session(group: int) -> None:
    """The code server and the daemon outlive a `dagster dev` that was ended."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _until(is_true: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < ends, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.3)


def _syncs(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """The runs so far, newest first, without those of the marts and the page, which follow once an hour."""
    return [run for run in instance.get_runs() if dg.AssetKey("report") not in (run.asset_selection or ())]


def _succeeded(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """The runs so far, oldest first; none of them may have failed."""
    runs = _syncs(instance)
    assert not [run for run in runs if run.status is dg.DagsterRunStatus.FAILURE]
    return [run for run in reversed(runs) if run.status is dg.DagsterRunStatus.SUCCESS]


def _materialized(run: dg.DagsterRun, instance: dg.DagsterInstance) -> set[str]:
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    return {record.asset_key.to_user_string() for record in records if record.asset_key}


def test_the_sensor_fills_the_warehouse_and_then_brings_a_changed_lead_and_runs_nothing_else(tmp_path: Path) -> None:
    account = Account(leads=120)
    leads = ENDPOINTS["leads"]
    with DemoApi(account) as api:
        settings = {
            "LEADS_API_BASE_URL": api.base_url,
            "LEADS_API_KEY": api.key,
            "LEADS_API_DAILY_REQUESTS": "0",
            "LEADS_SENSOR_SECONDS": "2",
            "LEADS_WAREHOUSE": str(tmp_path / "leads.duckdb"),
        }
        with _dagster_dev(tmp_path, settings) as instance:
            _until(lambda: len(_succeeded(instance)) == 1, "the first sync")
            account.update("leads", [int(next(iter(account.rows("leads")))["id"])])
            _until(lambda: len(_succeeded(instance)) == 2, "the run that the change asks for")
            looks = api.count("leads")
            _until(lambda: api.count("leads") >= looks + QUIET_TICKS, "further looks at the server")
            first, second = _succeeded(instance)
            assert len(_syncs(instance)) == 2
            assert _materialized(first, instance) == set(ENDPOINTS)
            # The account logs an event for the change, so the log has changed too.
            assert _materialized(second, instance) == {"leads", "webhook_events"}
    assert Project(tmp_path, "").records(leads) == expected(leads, account.rows("leads"))
