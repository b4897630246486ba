"""The wiring: what a user may put beside it and in its place, and what makes a table outdated."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster_duckdb import DuckDBResource

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.assets import code_version
from leads_assets.defs.build import build_definitions
from leads_assets.engine.declare import Column, ColumnType, Endpoint, EventLog, FanOut, Role
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

LEADS, USERS = ENDPOINTS["leads"], ENDPOINTS["users"]
FIRST, SECOND, *REST = LEADS.columns


def _sentence(result: dg.ExecuteInProcessResult, name: str) -> str:
    failure = result.failure_data_for_node(name)
    assert failure is not None
    assert failure.user_failure_data is not None
    return failure.user_failure_data.description or ""


@pytest.mark.parametrize("manager", ["in memory", "files"])
def test_with_another_io_manager_the_asset_fails_and_says_which_one_it_needs(
    tmp_path: Path, open_api: OpenApi, manager: str
) -> None:
    other = dg.mem_io_manager if manager == "in memory" else dg.FilesystemIOManager(base_dir=str(tmp_path / "io"))
    project = Project(tmp_path, open_api(leads=5).base_url, overrides={"io_manager": other})
    result = project.materialize("steps")
    assert not result.success
    assert "DuckDBUpsertIOManager" in _sentence(result, "steps")
    assert not result.get_asset_check_evaluations()
    assert not list(tmp_path.glob("leads.duckdb.spool/*/"))


def _counts(duckdb: DuckDBResource) -> list[int]:
    with duckdb.get_connection() as connection:
        return [int(row[0]) for row in connection.execute("SELECT count(*) FROM main.steps").fetchall()]


@dg.asset(deps=["steps"])
def number_of_steps(duckdb: DuckDBResource) -> dg.MaterializeResult[Any]:
    """A user's own asset, written as `dagster-duckdb` documents it."""
    return dg.MaterializeResult(metadata={"steps": _counts(duckdb)[0]})


@dg.asset(deps=["steps"])
def clumsy(duckdb: DuckDBResource) -> None:
    """An asset that tries to write, and fails within its connection."""
    with duckdb.get_connection() as connection:
        connection.execute("DELETE FROM main.steps")


@pytest.mark.parametrize("snapshot", [False, True], ids=["warehouse", "read copy"])
def test_a_users_own_asset_reads_the_tables_by_the_resource_of_dagster_duckdb(
    tmp_path: Path, open_api: OpenApi, snapshot: bool
) -> None:
    copy = tmp_path / "copy.duckdb"
    more = {"snapshot": copy} if snapshot else {}
    project = Project(tmp_path, open_api(leads=5).base_url, warehouse=more, more_assets=[number_of_steps])
    assert project.materialize("steps").success
    if snapshot:  # so that only the copy can be what is read
        project.path.rename(tmp_path / "away.duckdb")
    result = project.materialize("number_of_steps")
    (found,) = result.asset_materializations_for_node("number_of_steps")
    assert found.metadata["steps"].value == 14


def test_what_readers_get_cannot_be_written_and_is_closed_also_after_an_error(
    tmp_path: Path, open_api: OpenApi
) -> None:
    project = Project(tmp_path, open_api(leads=5).base_url, more_assets=[clumsy])
    assert project.materialize("steps").success
    result = project.materialize("clumsy")
    assert not result.success
    with duckdb.connect(project.path) as connection:  # another mode than the reader's: refused while that one is open
        assert connection.execute("SELECT count(*) FROM main.steps").fetchall() == [(14,)]


def test_fewer_endpoints_make_a_whole_project_of_their_own(tmp_path: Path) -> None:
    some = {name: ENDPOINTS[name] for name in ("steps", "webhook_events")}
    definitions = build_definitions(Settings(warehouse=tmp_path / "leads.duckdb"), endpoints=some)
    dg.Definitions.validate_loadable(definitions)
    assert {key.to_user_string() for key in definitions.resolve_all_asset_keys()} == {"crm_api", *some}
    keys = definitions.resolve_job_def("full_refresh_job").asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in keys} == set(some)


@pytest.mark.parametrize(
    "edited",
    [
        replace(LEADS, description="Another text."),
        replace(LEADS, columns=(FIRST, replace(SECOND, description="Another text."), *REST)),
        replace(LEADS, columns=(SECOND, FIRST, *REST)),
        replace(LEADS, columns=(FIRST, SECOND, *(replace(column, references=None) for column in REST))),
        replace(LEADS, event_log=EventLog("name", {"leads": ("other.",)})),
        replace(LEADS, edition_gated=True),
    ],
    ids=["the description", "a column's description", "the order of columns", "references", "events", "rights"],
)
def test_an_edit_that_changes_no_row_marks_no_table_as_outdated(edited: Endpoint) -> None:
    assert edited != LEADS
    assert code_version(edited) == code_version(LEADS)


@pytest.mark.parametrize(
    "edited",
    [
        replace(LEADS, path="/other"),
        replace(LEADS, paged=False),
        replace(LEADS, params={}),
        replace(LEADS, data_selector="rows"),
        replace(LEADS, change_filter=None),
        replace(LEADS, change_filter=None, cursor_field=None),
        replace(LEADS, created_field=None),
        replace(LEADS, role=Role.LOG),
        replace(LEADS, fan_out=FanOut(USERS, "user_id", "user_id")),
        replace(LEADS, columns=(FIRST, *REST)),
        replace(LEADS, columns=(*LEADS.columns, Column("more", ColumnType.DATE, "More."))),
        replace(LEADS, columns=(FIRST, replace(SECOND, name="other"), *REST)),
        replace(LEADS, columns=(FIRST, replace(SECOND, key="other"), *REST)),
        replace(LEADS, columns=(FIRST, replace(SECOND, type=ColumnType.JSON), *REST)),
        replace(LEADS, columns=(FIRST, replace(SECOND, tracked=not SECOND.tracked), *REST)),
    ],
    ids=lambda edited: "",
)
def test_an_edit_that_changes_rows_marks_the_table_as_outdated(edited: Endpoint) -> None:
    assert edited != LEADS
    assert code_version(edited) != code_version(LEADS)
