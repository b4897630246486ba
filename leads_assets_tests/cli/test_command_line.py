"""The commands that the README names, as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.harness.project import Project, expected

BIN = Path(sys.executable).parent


def run(folder: Path, settings: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEADS_", "DAGSTER_"))}
    environment |= {"DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(folder), **settings}
    program = [str(BIN / command[0]), *command[1:]]
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_dagster_asset_materialize_fills_all_fourteen_tables_twice(tmp_path: Path) -> None:
    account = Account(leads=250)
    with DemoApi(account) as api:
        settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key, "LEADS_WAREHOUSE": "leads.duckdb"}
        command = ("dagster", "asset", "materialize", "-m", "leads_assets.definitions", "--select", "*")
        for _ in range(2):
            done = run(tmp_path, settings, *command)
            assert done.returncode == 0, done.stderr[-3000:]
    project = Project(tmp_path, "")
    for name, endpoint in ENDPOINTS.items():
        assert project.records(endpoint) == expected(endpoint, account.rows(name)), name


@pytest.mark.parametrize(
    ("selection", "tables"),
    [
        ("leads", {"leads"}),
        ("key:*s and kind:duckdb and not key:le* and key:t*", {"teams"}),
        ("group:crm and key:p*", {"pipelines", "predefined_tags", "prospecting_lists"}),
    ],
)
def test_any_selection_works(tmp_path: Path, selection: str, tables: set[str]) -> None:
    with DemoApi(Account(leads=20)) as api:
        settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key}
        command = ("dagster", "asset", "materialize", "-m", "leads_assets.definitions", "--select", selection)
        assert run(tmp_path, settings, *command).returncode == 0
    with duckdb.connect(tmp_path / "data" / "leads.duckdb", read_only=True) as connection:
        found = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
    assert {name for (name,) in found} == tables


def test_a_first_run_without_settings_names_the_two_variables_and_the_demo(tmp_path: Path) -> None:
    command = ("dagster", "asset", "materialize", "-m", "leads_assets.definitions", "--select", "*")
    done = run(tmp_path, {}, *command)
    assert done.returncode == 1
    sentence = (
        "put LEADS_API_BASE_URL and LEADS_API_KEY into the environment or into .env, or try it without an account"
    )
    assert sentence in done.stderr
    assert "`make demo`" in done.stderr


def test_dg_launch_does_the_same(tmp_path: Path) -> None:
    with DemoApi(Account(leads=20)) as api:
        settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key}
        done = run(tmp_path, settings, "dg", "launch", "-m", "leads_assets.definitions", "--assets", "steps")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "data" / "leads.duckdb").exists()


def test_the_demo_fills_all_tables_and_a_second_one_works_too(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(tmp_path, {}, "leads-assets", "demo", "--leads", "30")
        assert done.returncode == 0, done.stderr[-3000:]
        assert all(name in done.stdout for name in ENDPOINTS)
        assert "14 tables in" in done.stdout
    query = done.stdout[done.stdout.index("SELECT") : done.stdout.index("').show()")]
    with duckdb.connect(tmp_path / "data" / "demo.duckdb", read_only=True) as connection:
        assert sum(row[1] for row in connection.execute(query).fetchall()) == 30
