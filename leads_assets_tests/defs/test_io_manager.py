"""Frames of other assets: in by id, out with whole ids."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

BEYOND_DOUBLE = 2**53 + 1


def _returning(value: Any, name: str = "scores") -> dg.AssetsDefinition:
    @dg.asset(name=name)
    def _asset() -> Any:
        return value

    return _asset


def _project(tmp_path: Path, *assets: dg.AssetsDefinition) -> Project:
    return Project(tmp_path, "http://127.0.0.1:1/v2", endpoints={}, more_assets=assets)


@pytest.mark.parametrize("kind", ["pandas", "pyarrow"])
def test_a_frame_is_merged_by_id(tmp_path: Path, kind: str) -> None:
    first = pd.DataFrame({"id": [1, 2], "score": [0.5, 0.25], "note": ["a", "b"]})
    second = pd.DataFrame({"note": ["B", "c"], "id": [2, 3], "score": [0.25, 1.0]})
    for frame in (first, second):
        value = pa.Table.from_pandas(frame) if kind == "pyarrow" else frame
        assert _project(tmp_path, _returning(value)).materialize().success
    rows = _project(tmp_path).query("SELECT id, score, note FROM scores ORDER BY id")
    assert rows == [(1, 0.5, "a"), (2, 0.25, "B"), (3, 1.0, "c")]


def test_the_same_frame_again_writes_no_row(tmp_path: Path) -> None:
    project = _project(tmp_path, _returning(pd.DataFrame({"id": [1, 2], "note": ["a", None]})))
    assert project.materialize().success
    assert project.materialize().success
    counts = project.query("SELECT inserted, updated, unchanged FROM ops.sync_runs ORDER BY loaded_at")
    assert counts == [(2, 0, 0), (0, 0, 2)]


@pytest.mark.parametrize("value", [{"id": 1}, [1, 2], "text", 7], ids=["dict", "list", "str", "int"])
def test_anything_that_is_no_frame_is_refused_by_name(tmp_path: Path, value: Any) -> None:
    result = _project(tmp_path, _returning(value)).materialize()
    assert not result.success
    told = result.failure_data_for_node("scores")
    assert told is not None
    assert f"builtins.{type(value).__name__} cannot be stored; return a pandas DataFrame" in str(told.error)


def test_a_frame_without_id_is_refused_with_its_columns(tmp_path: Path) -> None:
    result = _project(tmp_path, _returning(pd.DataFrame({"key": [1]}))).materialize()
    told = result.failure_data_for_node("scores")
    assert told is not None
    assert "scores: the frame has no `id` column (columns: key)" in str(told.error)


def test_a_downstream_asset_gets_nullable_types_and_whole_ids(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    @dg.asset
    def summary(scores: pd.DataFrame) -> None:
        seen["types"] = {name: str(kind) for name, kind in scores.dtypes.items()}
        seen["ids"] = scores["id"].tolist()
        seen["users"] = scores["user_id"].tolist()

    frame = pd.DataFrame({"id": [1, BEYOND_DOUBLE], "user_id": pd.array([None, BEYOND_DOUBLE], dtype="Int64")})
    assert _project(tmp_path, _returning(frame), summary).materialize("scores").success
    assert _project(tmp_path, _returning(frame), summary).materialize("summary").success
    assert seen == {
        "types": {"id": "Int64", "user_id": "Int64"},
        "ids": [1, BEYOND_DOUBLE],
        "users": [pd.NA, BEYOND_DOUBLE],
    }


def test_a_downstream_asset_reads_the_leads_that_live(tmp_path: Path) -> None:
    counted: list[int] = []

    @dg.asset(io_manager_key="io_manager")
    def won(leads: pd.DataFrame) -> pd.DataFrame:
        counted.append(len(leads))
        return leads[leads["status"] == "won"][["id", "title"]]

    account = Account(leads=120)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url, sync={"full_refresh": True}, more_assets=[won])
        assert project.materialize("leads").success
        account.delete("leads", [next(iter(account.rows("leads")))["id"]])
        assert project.materialize("leads", "won").success
    assert counted == [119]
    assert project.query("SELECT count(*) FROM won") == project.query(
        "SELECT count(*) FROM leads WHERE status = 'won' AND _deleted_at IS NULL"
    )


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 1000], "name": ["x", "y"]})


def _keyed(*path: str) -> dg.AssetsDefinition:
    @dg.asset(key=dg.AssetKey(path))
    def _asset() -> Any:
        return _frame()

    return _asset


def test_the_prefix_of_a_key_names_the_schema_so_that_no_frame_gets_into_an_endpoints_table(tmp_path: Path) -> None:
    with DemoApi(Account(leads=20)) as api:
        project = Project(tmp_path, api.base_url, more_assets=[_keyed("analysis", "leads")])
        assert project.materialize("leads").success
        before = project.query("FROM main.leads ORDER BY id")
        assert project.materialize(dg.AssetKey(["analysis", "leads"])).success
        assert project.query("FROM main.leads ORDER BY id") == before
    assert project.query("SELECT id, name FROM analysis.leads ORDER BY id") == [(1, "x"), (1000, "y")]


@pytest.mark.parametrize("path", [("leads",), ("Leads",), ("ops", "mine"), ("MAIN", "leads"), ("a", "kept", "x")])
def test_a_frame_for_a_table_or_schema_of_the_project_is_refused(tmp_path: Path, path: tuple[str, ...]) -> None:
    project = _project(tmp_path, _keyed(*path))
    result = project.materialize(dg.AssetKey(path))
    assert not result.success
    (told,) = [event.event_specific_data for event in result.all_events if event.is_step_failure]
    assert "give the asset another" in str(told.error)  # type: ignore[union-attr]
    assert not (tmp_path / "leads.duckdb").exists()


def test_an_endpoints_asset_has_its_declared_table_whatever_the_prefix_of_its_key(tmp_path: Path) -> None:
    key, seen = dg.AssetKey(["crm", "teams"]), []

    @dg.asset(ins={"teams": dg.AssetIn(key=key)})
    def after(teams: pd.DataFrame) -> None:
        seen.append(len(teams))

    with DemoApi(Account(leads=10)) as api:
        project = Project(tmp_path, api.base_url)
        definitions = project.definitions
        (teams,) = [
            asset
            for asset in definitions.assets or ()
            if isinstance(asset, dg.AssetsDefinition) and dg.AssetKey("teams") in asset.keys
        ]
        moved = teams.with_attributes(asset_key_replacements={dg.AssetKey("teams"): key})
        job = dg.Definitions(assets=[moved, after], resources=definitions.resources)
        assert job.resolve_implicit_global_asset_job_def().execute_in_process().success
    assert [len(project.query("FROM main.teams"))] == seen
    assert project.query("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'crm'") == []
