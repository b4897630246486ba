"""No leak: after runs of every kind, the key is nowhere, and values of rows are only where rows belong."""

import gc
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import KINDS, parse_fault
from leads_assets.engine.declare import ColumnType
from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.marts.catalogue import file_models
from leads_assets_tests.harness.project import Project

pytestmark = [pytest.mark.process, pytest.mark.marts, pytest.mark.long]

KEY = "canary-key-8d1f"
VALUE = "canary-value-5a7c"
QUERY = "canary-query-e03b"
MISFIT = "not a number"
PARAMETERS = ("offset=", "updated_after=")
SECRETS = (KEY, VALUE, QUERY, MISFIT)
EVERYTHING = (*SECRETS, *PARAMETERS)

MARTS = {model.relation for model in file_models()} | {"marts.lead_field_columns"}
HOMES = {f"{schema}.{name}" for schema in ("main", "live", "every") for name in ENDPOINTS}
HOMES |= {"ops.changes", "ops.rejected_rows"} | MARTS - {"marts.clock", "marts.proof"}
RUNS = (
    "html@steps empty_body@pipelines cut_json@clients_folders data_null@categories data_object@predefined_tags"
    " no_selector@fields error_200@leads nan@follow_ups non_object_record@users bare@teams envelope@webhooks"
    " oversized@webhook_events cut_body@activities disconnect@prospecting_lists",
    "record_without_id@leads text_id@users unknown_field=Title@prospecting_lists unknown_field=_extra@webhooks"
    " misfit@follow_ups duplicate_row@steps shuffle@clients_folders cap=10@categories cap_hard=10@predefined_tags"
    " ignore_offset@fields empty_page@teams drift=update:read@activities misfit@pipelines unknown_field@webhook_events",
    f"status=500@steps status=404@pipelines status=400@clients_folders redirect=https://a.example/b?{QUERY}@categories"
    " echo_key@predefined_tags echo_key=500@fields echo_key=400@webhooks missing_parameter@follow_ups no_total@leads"
    " body_total@users text_total@teams wrong_total@webhook_events slow_body=0.01@activities"
    " latency=0.01@prospecting_lists",
)
SHORT_RUNS = (
    "echo_key=401",
    "echo_key=402",
    "echo_key=429 echo_key=302@leads",
    "echo_key=403@leads retry_after=3600@teams",
    "api_retry_after=1@leads",
    "limit_reset=epoch:1@leads rate_limit=1",
    "ignore_order@leads ignore_updated_after@leads misfit@leads late_filter@leads",
    "window=100@leads page_bytes=20000@leads hide=10:5@leads most_total=100@leads ignore_direction@leads"
    " cut=20@users page_total@users",
    "fields=30@teams deep=1500@teams slow_head@leads",
)


COMMAND_LINE_RUNS = (
    f"echo_key@leads misfit@users record_without_id@steps text_id@teams redirect=https://a.example/b?{QUERY}@categories"
    " echo_key=500@fields cut_json@pipelines unknown_field=Title@prospecting_lists non_object_record@webhooks",
    "echo_key=401@ping echo_key=401",
)


class HauntedAccount(Account):
    """An account in which every text of every row is a canary, also in nested values."""

    def page(self, *place: Any, **query: Any) -> tuple[list[bytes], int]:
        rows, total = super().page(*place, **query)
        return [_haunted(place[0], row) for row in rows], total


def _haunted(name: str, row: bytes) -> bytes:
    record = json.loads(row)
    for column in ENDPOINTS[name].columns:
        value = record.get(column.json_key)
        if column.type is ColumnType.VARCHAR and value is not None:
            record[column.json_key] = f"{value} {VALUE}"
        elif column.type is ColumnType.TEXTS and value is not None:
            value.append(VALUE)
        elif column.type is ColumnType.JSON and isinstance(value, dict):
            value[VALUE] = VALUE
    return json.dumps(record).encode()


def _traces(content: bytes, wanted: tuple[str, ...]) -> set[str]:
    return {canary for canary in wanted if canary.encode() in content}


def _cells(path: Path) -> Iterator[bytes]:
    """Each value in an SQLite file, also what Dagster keeps compressed."""
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    content = value if isinstance(value, bytes) else str(value).encode()
                    yield content
                    if isinstance(value, bytes):
                        try:
                            yield zlib.decompress(value)
                        except zlib.error:
                            continue


def _found_in_files(folder: Path, wanted: tuple[str, ...] = EVERYTHING) -> dict[str, set[str]]:
    """Canaries by file: in the bytes of each file of a folder, and in each value of its databases."""
    found: dict[str, set[str]] = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        traces = _traces(content, wanted)
        if content.startswith(b"SQLite format 3\0"):
            for cell in _cells(path):
                traces |= _traces(cell, wanted)
        if traces:
            found[str(path.relative_to(folder))] = traces
    return found


def _found_in_tables(path: Path, wanted: tuple[str, ...]) -> dict[str, set[str]]:
    """Canaries by table of a DuckDB file."""
    found: dict[str, set[str]] = {}
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
            " UNION ALL SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        for (table,) in tables:
            content = repr(connection.execute(f"SELECT * FROM {table}").fetchall()).encode()
            if traces := _traces(content, wanted):
                found[table] = traces
    return found


class Haunted:
    """A folder with what many runs left: `home` of Dagster, the warehouse, and the text of its run logs."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.project = Project(
            folder,
            "",
            key=KEY,
            api={"attempts": 2, "deadline_seconds": 3.0},
            sync={"reconcile_hours": 0.0},
        )
        self.endings: list[bool] = []

    def run(self, instance: dg.DagsterInstance, *names: str) -> None:
        self.endings.append(self.project.materialize(*names, instance=instance).success)
        shutil.rmtree(self.project.state, ignore_errors=True)

    def run_all(self, api: DemoApi, instance: dg.DagsterInstance) -> None:
        self.project.base_url = api.base_url
        self.run(instance)
        for faults in RUNS:
            for name in ENDPOINTS:
                api.account.update(name, [row["id"] for row in api.account.rows(name)][:5])
            api.set_faults(map(parse_fault, faults.split()))
            self.run(instance)
        self.project.sync = {}
        for faults in SHORT_RUNS:
            api.set_faults(map(parse_fault, faults.split()))
            self.run(instance, "leads", "teams")
        api.set_faults([])
        self.break_tables(instance)
        self.break_file(instance)

    def break_tables(self, instance: dg.DagsterInstance) -> None:
        """A foreign index whose violation DuckDB quotes, and a column of another type."""
        with duckdb.connect(self.project.path) as connection:
            connection.execute("DELETE FROM users; CREATE UNIQUE INDEX foreign_index ON users (locale)")
            connection.execute("ALTER TABLE teams ALTER name TYPE BIGINT USING length(name)")
        self.run(instance, "users", "teams")
        assert self.endings[-1] is False

    def break_file(self, instance: dg.DagsterInstance) -> None:
        """The file, damaged in the middle, then cut; afterwards it is whole again."""
        whole = self.project.path.read_bytes()
        middle = len(whole) // 2
        for damaged in (whole[:middle] + b"\0" * 300_000 + whole[middle + 300_000 :], whole[:middle], b"no database"):
            self.project.path.write_bytes(damaged)
            self.run(instance, "leads", "users")
        self.project.path.write_bytes(whole)
        assert self.endings[-1] is False


@pytest.fixture(scope="module")
def haunted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Haunted]:
    """What runs under every fault left behind."""
    folder = tmp_path_factory.mktemp("haunted")
    account = HauntedAccount(leads=120)
    with DemoApi(account, key=KEY) as api:
        left = Haunted(folder)
        with dg.DagsterInstance.local_temp(str(left.home)) as instance:
            left.run_all(api, instance)
        yield left


def test_the_runs_cover_every_kind_of_fault() -> None:
    assert {parse_fault(text).kind for faults in (*RUNS, *SHORT_RUNS) for text in faults.split()} == set(KINDS)


def test_nothing_of_the_account_is_in_dagster_s_storage(haunted: Haunted) -> None:
    assert {True, False} == set(haunted.endings)
    assert _found_in_files(haunted.home) == {}


def test_the_key_is_in_no_table(haunted: Haunted) -> None:
    assert _found_in_tables(haunted.project.path, (KEY, QUERY, *PARAMETERS)) == {}


def test_values_of_rows_are_only_where_rows_belong(haunted: Haunted) -> None:
    found = _found_in_tables(haunted.project.path, (VALUE, MISFIT))
    assert set(found) <= HOMES
    assert {"main.leads", "ops.changes", "ops.rejected_rows"} <= set(found)
    assert any(MISFIT in traces for traces in found.values())


def test_nothing_of_the_account_is_in_the_files_beside_the_warehouse(haunted: Haunted) -> None:
    gc.collect()
    folder = haunted.project.folder
    page = open_warehouse(haunted.project.path).page
    beside = [path for path in folder.iterdir() if path not in (haunted.home, haunted.project.path, page)]
    assert beside
    # The page is for people, as the warehouse is: it names leads, and its script speaks of offsets.
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert KEY.encode() not in page.read_bytes()
    for path in beside:
        content = path.read_bytes() if path.is_file() else b""
        assert not _traces(content, EVERYTHING), path
        if path.is_dir():
            assert _found_in_files(path) == {}


def test_a_load_that_fails_leaves_no_rows_in_the_spool(tmp_path: Path) -> None:
    with DemoApi(Account(leads=30)) as api:
        project = Project(tmp_path, api.base_url)
        project.materialize("users")
        with duckdb.connect(project.path) as connection:
            connection.execute("DELETE FROM users; CREATE UNIQUE INDEX foreign_index ON users (locale)")
        assert not project.materialize("users").success
    assert not list(tmp_path.rglob("rows.*"))


def test_a_value_in_a_log_line_would_be_found(tmp_path: Path) -> None:
    @dg.asset
    def leaky(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        context.log.info(f"a line with {VALUE}")
        return dg.MaterializeResult(metadata={"sample": QUERY})

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        dg.materialize([leaky], instance=instance)
    assert set.union(*_found_in_files(tmp_path).values()) == {VALUE, QUERY}


def _command(folder: Path, settings: Mapping[str, str], *command: str) -> bytes:
    """Output and errors of a command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    environment |= {"DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(folder), **settings}
    program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("faults", COMMAND_LINE_RUNS)
def test_the_command_line_shows_nothing_of_the_account(tmp_path: Path, faults: str) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    with DemoApi(HauntedAccount(leads=30), key=KEY, faults=map(parse_fault, faults.split())) as api:
        settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": KEY, "DAGSTER_HOME": str(home)}
        settings |= {"LEADS_API_DEADLINE_SECONDS": "2", "LEADS_WAREHOUSE": str(work / "leads.duckdb")}
        shown = _command(
            work, settings, "dagster", "asset", "materialize", "-m", "leads_assets.definitions", "--select", "*"
        )
        shown += b"".join(
            _command(work, settings, "leads-assets", name) for name in ("sync", "doctor", "plan", "status")
        )
    assert b"leads" in shown
    assert _traces(shown, SECRETS) == set()
    assert _found_in_files(home) == {}
    assert not [path for path in home.rglob("*") if path.suffix == ".duckdb"]
