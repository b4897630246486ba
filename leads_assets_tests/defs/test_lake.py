"""The project on a lake in PostgreSQL: a run of everything, the commands, and what Dagster stores and shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from leads_assets.account.connect import warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.resources import ReadOnlyDuckDB
from leads_assets.defs.upkeep import JOB
from leads_assets.engine.errors import ConfigurationError
from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project, expected

pytestmark = [pytest.mark.process, pytest.mark.marts]

PASSWORD = "geheim-und-lang"


@pytest.fixture
def lake(command: Command, new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lake for the commands."""
    address = f"ducklake:postgres:{new_database()}"
    monkeypatch.setenv("LEADS_WAREHOUSE", address)
    monkeypatch.setenv("LEADS_WAREHOUSE_DATA", str(tmp_path / "rows"))
    return address


class OnALake(Project):
    """A project whose rows are read from the lake."""

    def query(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with warehouse_of(self.settings).read("the test") as session:
            assert session is not None
            return session.connection.execute(sql, list(params)).fetchall()


@pytest.mark.long
def test_a_run_of_everything_fills_a_lake_with_the_servers_rows_and_every_command_knows_it(
    command: Command, lake: str, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(leads=120)
    project = OnALake(tmp_path, api.base_url, warehouse={"warehouse": lake})
    told = [command("plan", "--diff", "--json"), command("sync", "--json"), command("status", "--json")]
    assert [result.status for result in told] == [0, 0, 0]
    diff, synced, status = (result.json for result in told)
    assert {row["endpoint"]: row["inserted"] for row in diff["endpoints"]}["leads"] == 120
    for name in ENDPOINTS:
        assert project.records(ENDPOINTS[name]) == expected(ENDPOINTS[name], api.account.rows(name)), name
    assert project.query("SELECT count(*) FROM marts.leads") == [(120,)]
    assert status["exists"] is True
    assert {row["endpoint"] for row in status["endpoints"]} == set(ENDPOINTS)
    about = "ducklake:postgres:dbname="
    assert synced["warehouse"].startswith(about)
    assert status["warehouse"].startswith(about)
    told += [command("doctor"), command("compact", "--json"), command("report", "--json")]
    assert "files of" in told[3].out
    assert set(told[4].json["after"]) == set(told[4].json["before"]) >= {"files", "snapshots", "bytes"}
    assert Path(told[5].json["page"]).exists()
    assert [result.status for result in told[4:]] == [0, 0]
    texts = [result.out + result.err for result in told]
    assert not [text for text in texts if PASSWORD in text]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert written
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
    with ReadOnlyDuckDB.of(project.settings).get_connection() as connection:
        assert connection.execute("SELECT count(*) FROM live.leads").fetchall() == [(120,)]


def test_upkeep_is_a_daily_job_of_a_lake_and_of_no_file(lake: str, tmp_path: Path) -> None:
    on_a_lake = build_definitions(Settings.from_environment())
    assert on_a_lake.get_schedule_def(f"{JOB}_daily").cron_schedule == "45 2 * * *"
    with warehouse_of(Settings.from_environment()).write("the test"):
        pass
    done = on_a_lake.resolve_job_def(JOB).execute_in_process()
    assert done.success
    (output,) = [event for event in done.all_events if event.event_type_value == "STEP_OUTPUT"]
    assert {"files_before", "files_after", "snapshots_after", "bytes_after"} <= set(output.step_output_data.metadata)
    assert JOB not in {job.name for job in build_definitions(Settings(warehouse=tmp_path / "x.duckdb")).jobs or ()}


def test_the_password_of_a_lake_stands_nowhere_in_what_dagster_stores_and_shows(lake: str) -> None:
    definitions = build_definitions(Settings.from_environment())
    job = definitions.resolve_implicit_global_asset_job_def()
    repository = RepositorySnap.from_def(definitions.get_repository_def())
    shown = serialize_value(repository) + serialize_value(job.get_job_snapshot()) + repr(definitions)
    assert "ducklake:postgres:dbname=" in shown
    assert PASSWORD not in shown
    assert PASSWORD not in repr(Settings.from_environment())


def test_a_read_copy_of_a_lake_is_refused_by_its_variable(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", "copy.duckdb")
    with pytest.raises(ConfigurationError, match="LEADS_WAREHOUSE_SNAPSHOT is for a DuckDB file"):
        Settings.from_environment()


def test_an_address_that_is_none_is_refused_without_a_word_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADS_WAREHOUSE", f"ducklake:postgres:password={PASSWORD} nonsense")
    with pytest.raises(ConfigurationError, match="LEADS_WAREHOUSE must hold a connection string") as told:
        Settings.from_environment()
    assert PASSWORD not in str(told.value)
