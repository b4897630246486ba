"""From real sockets to real tables, through the real assets."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project, expected

pytestmark = [pytest.mark.socket, pytest.mark.marts]

ALL = tuple(ENDPOINTS)


def _assert_equal_tables(project: Project, account: Account, names: Iterable[str] = ALL) -> None:
    for name in names:
        assert project.records(ENDPOINTS[name]) == expected(ENDPOINTS[name], account.rows(name)), name


@pytest.mark.parametrize(
    ("bare", "totals", "page_size"),
    [
        pytest.param((), ALL, 100, id="envelopes, totals, 100 rows a page"),
        pytest.param((), (), 37, id="envelopes, no totals, 37 rows a page", marks=pytest.mark.long),
        pytest.param(ALL, ALL, 10, id="bare arrays, totals, 10 rows a page", marks=pytest.mark.long),
        pytest.param(ALL, (), 100, id="bare arrays, no totals, 100 rows a page", marks=pytest.mark.long),
        pytest.param(
            ALL[::2], ("leads",), 37, id="mixed envelopes, totals on leads, 37 rows a page", marks=pytest.mark.long
        ),
    ],
)
def test_two_syncs_give_exactly_the_servers_rows_and_the_second_writes_none(
    tmp_path: Path, bare: tuple[str, ...], totals: tuple[str, ...], page_size: int
) -> None:
    account = Account(leads=250)
    with DemoApi(account, bare=bare, totals=totals) as api:
        # 60 and 130 rows, in no order to be asked backwards: without a total only a word tells them from a cut.
        settings = {"page_size": page_size, "whole_lists": ("clients_folders", "prospecting_lists")}
        project = Project(tmp_path, api.base_url, api=settings, sync={"full_refresh": True})
        assert project.materialize().success
        _assert_equal_tables(project, account)
        assert project.materialize().success
    _assert_equal_tables(project, account)
    ledger = project.query(
        "SELECT endpoint, verdict, reason, inserted + updated + deleted + restored FROM ops.sync_runs"
        " QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY loaded_at DESC) = 1"
    )
    assert sorted(ledger) == sorted((name, "proven", "", 0) for name in ALL)


def test_changes_deletions_and_returns_on_the_server_arrive(tmp_path: Path) -> None:
    account = Account(leads=250)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url, sync={"full_refresh": True})
        assert project.materialize("leads").success
        ids = [row["id"] for row in account.rows("leads")]
        account.delete("leads", ids[10:13])
        account.update("leads", ids[40:45])
        account.insert("leads", 3)
        assert project.materialize("leads").success
        _assert_equal_tables(project, account, ["leads"])
        gone = project.query("SELECT id FROM leads WHERE _deleted_at IS NOT NULL ORDER BY id")
        assert [row[0] for row in gone] == ids[10:13]
        account.restore("leads", ids[10:11])
        assert project.materialize("leads").success
    _assert_equal_tables(project, account, ["leads"])
    last = project.query("SELECT inserted, updated, deleted, restored FROM ops.sync_runs ORDER BY loaded_at")
    assert last == [(250, 0, 0, 0), (3, 5, 3, 0), (0, 0, 0, 1)]


def test_an_incremental_sync_after_a_full_one_asks_for_changes_only(tmp_path: Path) -> None:
    account = Account(leads=1000)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url)
        assert project.materialize("leads").success
        ids = [row["id"] for row in account.rows("leads")]
        account.update("leads", ids[500:520])
        api.reset()
        assert project.materialize("leads").success
        assert api.count("leads") == 2
        _assert_equal_tables(project, account, ["leads"])
    modes = project.query("SELECT mode, verdict, updated FROM ops.sync_runs ORDER BY loaded_at")
    assert modes == [("full", "proven", 0), ("incremental", "current", 20)]


def test_a_fifteenth_endpoint_is_one_entry(tmp_path: Path) -> None:
    """The fifteenth reads an existing path under a new name: asset, table, columns and checks follow from the entry."""
    fifteenth = replace(ENDPOINTS["teams"], name="order", description="A reserved word as a name.")
    with DemoApi(Account(leads=10)) as api:
        project = Project(tmp_path, api.base_url, endpoints={**ENDPOINTS, "order": fifteenth})
        result = project.materialize("order")
    assert result.success
    assert [event.asset_key.path for event in result.asset_materializations_for_node("order")] == [["order"]]
    assert project.query('SELECT count(*) FROM main."order"') == [(4,)]
    assert {check.check_name for check in result.get_asset_check_evaluations()} == {"complete", "valid"}


def test_an_empty_list_leaves_a_typed_table_and_deletes_nothing(tmp_path: Path) -> None:
    account = Account(leads=0)
    with DemoApi(account) as api:
        project = Project(tmp_path, api.base_url)
        assert project.materialize("leads").success
    types = dict(project.query("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'leads'"))
    assert project.query("SELECT count(*) FROM leads") == [(0,)]
    assert types["id"] == "BIGINT"
    assert types["amount"] == "DECIMAL(18,4)"
    assert types["tags"] == "VARCHAR[]"


def test_the_metadata_of_a_materialization_holds_counts_and_no_values(tmp_path: Path) -> None:
    account = Account(leads=250)
    with DemoApi(account) as api:
        result = Project(tmp_path, api.base_url).materialize("leads")
    metadata = result.asset_materializations_for_node("leads")[0].metadata
    assert metadata["dagster/row_count"].value == 250
    assert metadata["dagster/table_name"].value == "main.leads"
    assert {
        name: metadata[name].value for name in ("rows_read", "rows_inserted", "rows_unchanged", "pages", "requests")
    } == {
        "rows_read": 250,
        "rows_inserted": 250,
        "rows_unchanged": 0,
        "pages": 4,
        "requests": 4,
    }
    schema = metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert schema.columns[0].constraints == dg.TableColumnConstraints(nullable=False, unique=True)
    told = " ".join(str(value.value) for value in metadata.values())
    values = {row[key] for row in account.rows("leads") for key in ("title", "client_folder_name") if row[key]}
    assert not [value for value in values if value in told]
