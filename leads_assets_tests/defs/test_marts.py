"""The marts in Dagster: from the API to each mart in one graph, looked at by a run, checked by what must hold."""

import inspect
import re
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.selection import selected
from leads_assets.defs.assets import SOURCE
from leads_assets.defs.build import build_definitions
from leads_assets.defs.marts import live_key, mart_key, mart_models
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.marts.catalogue import file_models
from leads_assets.marts.invariants import INVARIANTS
from leads_assets_tests.harness.project import Project

pytestmark = [pytest.mark.socket, pytest.mark.marts]

MARTS = [model.name for model in mart_models()]


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The project, as users have it."""
    return build_definitions(Settings(warehouse=tmp_path_factory.mktemp("none") / "leads.duckdb"))


def test_dagster_still_has_virtual_assets_and_the_location_warns_of_none(tmp_path: Path) -> None:
    assert "is_virtual" in inspect.signature(dg.AssetSpec.__new__).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_definitions(Settings(warehouse=tmp_path / "leads.duckdb"))


def test_each_file_is_a_mart_in_the_graph_and_the_graph_begins_at_the_api(definitions: dg.Definitions) -> None:
    assert set(MARTS) == {model.name for model in file_models() if not model.key} | {"lead_field_columns"}
    graph = definitions.resolve_asset_graph()
    for name in MARTS:
        node = graph.get(mart_key(name))
        assert node.is_virtual
        assert node.description
        assert SOURCE in graph.get_ancestor_asset_keys(mart_key(name))
    for name in ENDPOINTS:
        assert graph.get(dg.AssetKey(name)).parent_keys == {SOURCE}
        assert graph.get(live_key(name)).parent_keys == {dg.AssetKey(name)}


def test_the_lineage_is_what_the_statement_reads_and_what_its_kept_tables_are_made_of(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    parents = {name: {"/".join(key.path) for key in graph.get(mart_key(name)).parent_keys} for name in MARTS}
    assert parents["lead_tags"] == {"live/leads", "live/predefined_tags", "live/categories"}
    assert parents["lead_fields"] == {"live/leads", "live/fields", "live/webhook_events"}
    assert {"marts/lead_field_columns", "marts/clock", "live/steps", "live/webhook_events"} <= parents["leads"]
    assert "live/leads" in parents["proof"]


def test_every_mart_shows_its_statement_and_says_what_each_column_means(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for model in mart_models():
        metadata = graph.get(mart_key(model.name)).metadata
        assert model.sql in metadata["sql"].value
        told = {column.name: column.description for column in metadata["dagster/column_schema"].columns}
        assert told.items() >= model.columns.items()
        assert {"as_of", "verdict"} <= told.keys()


class Synced:
    """A run of everything on the demo account."""

    def __init__(self, folder: Path, faults: str = "") -> None:
        with (
            DemoApi(Account(leads=40), faults=map(parse_fault, faults.split())) as api,
            dg.DagsterInstance.ephemeral() as instance,
        ):
            self.project = Project(folder, api.base_url)
            self.result = self.project.materialize(instance=instance)

    @property
    def marts(self) -> dict[str, dict[str, Any]]:
        """What was told of each mart."""
        return {
            event.asset_key.path[1]: {
                name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
            }
            for event in self.result.get_asset_materialization_events()
            if event.asset_key and event.asset_key.path[0] == "marts"
        }

    @property
    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """What became of the invariants."""
        return {
            found.check_name: found
            for found in self.result.get_asset_check_evaluations()
            if found.asset_key.path[0] == "marts"
        }


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """After a sync of everything."""
    return Synced(tmp_path_factory.mktemp("synced"))


def test_a_run_of_everything_looks_at_the_marts_last(synced: Synced) -> None:
    assert synced.result.success
    began = [event.step_key for event in synced.result.all_events if event.event_type is dg.DagsterEventType.STEP_START]
    assert set(began[: len(ENDPOINTS)]) == set(ENDPOINTS)
    assert began[len(ENDPOINTS)] == "marts"


def test_each_mart_tells_its_rows_as_of_when_it_speaks_and_what_that_rests_on(synced: Synced) -> None:
    assert set(synced.marts) == set(MARTS)
    (began,) = synced.project.query("SELECT epoch(max(began_at)) FROM ops.sync_runs WHERE endpoint = 'leads'")[0]
    for name, told in synced.marts.items():
        rows = synced.project.query(f"SELECT count(*) FROM marts.{name}")
        assert [(told["dagster/row_count"],)] == rows
        if name != "proof":
            assert told["verdict"] == "proven"
            assert told["as_of"] == pytest.approx(began)
    types = {column.name: column.type for column in synced.marts["leads"]["dagster/column_schema"].columns}
    assert (types["lead_id"], types["amount"], types["as_of"]) == (
        "BIGINT",
        "DECIMAL(18,4)",
        "TIMESTAMP WITH TIME ZONE",
    )
    assert not [name for name in types if name.startswith("field_")]


def test_each_invariant_is_a_check_that_blocks_nothing(synced: Synced, definitions: dg.Definitions) -> None:
    assert set(synced.checks) == {claim.name for claim in INVARIANTS}
    assert all(found.passed for found in synced.checks.values())
    graph = definitions.resolve_asset_graph()
    for claim in INVARIANTS:
        key = dg.AssetCheckKey(mart_key(claim.mart), claim.name)
        assert graph.get(key).description == claim.claim
        assert not graph.get(key).blocking


def test_a_check_that_fails_names_ids_and_nothing_else(tmp_path: Path) -> None:
    synced = Synced(tmp_path)
    project = synced.project
    broken = project.query("SELECT id FROM live.leads WHERE status = 'todo' ORDER BY id LIMIT 1")[0][0]
    with duckdb.connect(project.path) as connection:
        connection.execute(f"DELETE FROM kept.lead_history WHERE lead_id = {broken}")
    result = project.materialize(mart_key("lead_history"), mart_key("lead_steps"))
    assert result.success
    found = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert set(found) == {claim.name for claim in INVARIANTS if claim.mart in ("lead_history", "lead_steps")}
    failed = found["one_current_version"]
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {name: value.value for name, value in failed.metadata.items()} == {"broken": 1, "ids": str(broken)}


@pytest.mark.parametrize(
    ("faults", "success", "told"),
    [("status=403@teams", True, ""), ("status=403@predefined_tags", False, "predefined_tags: HTTP 403")],
)
def test_a_list_that_is_refused_keeps_no_mart_from_being_looked_at_and_no_page_from_being_written_which_says_so(
    tmp_path: Path, faults: str, success: bool, told: str
) -> None:
    synced = Synced(tmp_path, faults)
    assert synced.result.success is success
    assert set(synced.marts) == set(MARTS)
    assert synced.marts["leads"]["dagster/row_count"] == 40
    assert synced.result.asset_materializations_for_node("report")
    (said,) = re.findall("<header.*</header>", (tmp_path / "leads.html").read_text()) or ("",)
    assert ("Not read on" in said, told in said) == (bool(told), True)


def test_without_a_warehouse_the_marts_are_left_out_without_a_failure(tmp_path: Path) -> None:
    result = Project(tmp_path, "").materialize(mart_key("leads"))
    assert result.success
    assert not result.get_asset_materialization_events()


@pytest.mark.long
def test_the_marts_alone_follow_a_new_time_zone(tmp_path: Path) -> None:
    project = Synced(tmp_path).project
    project.api = {"time_zone": "Asia/Tokyo"}
    assert project.materialize(mart_key("clock")).success
    assert project.query("SELECT time_zone FROM marts.clock") == [("Asia/Tokyo",)]


def test_what_syncs_select_is_the_fourteen_lists(definitions: dg.Definitions) -> None:
    for selection in ([], ["*"], ["+marts/leads"], ["crm_api+"]):
        assert set(selected(selection, definitions)) <= set(ENDPOINTS)
    assert set(selected(["*"], definitions)) == set(ENDPOINTS)
