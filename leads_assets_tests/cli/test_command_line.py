"""The commands that the README names, as processes of their own."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.cli.processes import environment
from leads_assets_tests.harness.project import Project, expected

pytestmark = pytest.mark.process

BIN = Path(sys.executable).parent


def run(folder: Path, settings: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    program = [str(BIN / command[0]), *command[1:]]
    return subprocess.run(
        program, cwd=folder, env=environment(folder, settings), capture_output=True, text=True, check=False
    )


@pytest.mark.long
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


@pytest.mark.long
def test_dg_launch_does_the_same(tmp_path: Path) -> None:
    with DemoApi(Account(leads=20)) as api:
        settings = {"LEADS_API_BASE_URL": api.base_url, "LEADS_API_KEY": api.key}
        done = run(tmp_path, settings, "dg", "launch", "-m", "leads_assets.definitions", "--assets", "steps")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "data" / "leads.duckdb").exists()


@pytest.mark.long
def test_the_demo_fills_all_tables_and_a_second_one_works_too(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(tmp_path, {}, "leads-assets", "demo", "--leads", "30")
        assert done.returncode == 0, done.stderr[-3000:]
        assert all(name in done.stdout for name in ENDPOINTS)
        assert "14 tables in" in done.stdout
    query = done.stdout[done.stdout.index("SELECT") : done.stdout.index("').show()")]
    with duckdb.connect(tmp_path / "data" / "demo.duckdb", read_only=True) as connection:
        assert connection.execute(query).fetchall()
        assert connection.execute("SELECT count(*) FROM live.leads").fetchall() == [(30,)]


@pytest.mark.long
def test_a_reader_that_has_seen_enough_gets_no_traceback(tmp_path: Path) -> None:
    run(tmp_path, {}, "leads-assets", "demo", "--leads", "30")
    command = f"{BIN / 'leads-assets'} status --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    settings = {"LEADS_WAREHOUSE": "data/demo.duckdb", "PYTHONUNBUFFERED": ""}
    # What is written fits into the pipe, so its reader must be gone before.
    gone = f"{BIN / 'leads-assets'} status --json | exec 0<&-; echo ${{PIPESTATUS[0]}}"
    for line in (command, gone):
        done = run(tmp_path, settings, "/bin/bash", "-c", line)
        assert done.stderr == ""
    assert done.stdout == "141\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demo", "--leads", "-5"), "--leads: must be a whole number from 0 to 10,000,000"),
        (("demo", "--leads", "many"), "--leads: must be a whole number from 0 to 10,000,000"),
        (("dev", "--port", "99999"), "--port: must be a whole number from 1 to 65,535"),
        (("demo-api", "--port", "99999"), "--port: must be a whole number from 0 to 65,535"),
        (("torture", "--leads", "10"), "--leads: must be a whole number from 150 to 10,000,000"),
        (("status", "leeds"), "no such endpoint: leeds (did you mean leads?)"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(tmp_path, {}, "leads-assets", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["dev", "demo-api"])
def test_a_taken_port_is_named(tmp_path: Path, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, {}, "leads-assets", command, "--port", str(port))
    assert done.returncode == 2
    assert done.stderr == f"leads-assets: port {port} cannot be used (Address already in use); choose another --port\n"


def test_a_warehouse_of_the_demo_that_cannot_be_made_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path, {}, "leads-assets", "demo", "--leads", "5", "--warehouse", "file/demo.duckdb")
    assert done.returncode == 1
    assert done.stderr.count("cannot be written") == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, {}, "leads-assets", "--version").stdout == f"leads-assets {version('leads-assets')}\n"
