"""`leads-assets doctor` and the file: damaged, held, too new, or just looked at."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from leads_assets_tests.doctor.test_doctor import broken
from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process


def test_a_damaged_warehouse_is_named_and_left_alone(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account()
    path = tmp_path / "leads.duckdb"
    path.write_bytes(b"this is no database" * 1000)
    told = command("doctor", "--json")
    assert told.status == 1
    assert f"the warehouse {path} is no DuckDB file, or a damaged one" in broken(told)[0]
    assert path.read_bytes() == b"this is no database" * 1000


def test_a_warehouse_that_another_program_holds_is_named_with_its_process(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    monkeypatch.setenv("LEADS_WAREHOUSE_LOCK_SECONDS", "0.3")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", code, str(tmp_path / "leads.duckdb")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = command("doctor", "--json")
        holder.communicate()
    assert told.status == 1
    assert f"held by process {holder.pid}" in broken(told)[0]


def test_a_warehouse_of_a_newer_version_is_named(command: Command, open_account: OpenAccount, tmp_path: Path) -> None:
    api = open_account()
    assert Project(tmp_path, api.base_url).materialize("teams").success
    with duckdb.connect(tmp_path / "leads.duckdb") as connection:
        connection.execute("UPDATE ops.version SET version = 99")
    told = command("doctor", "--json")
    assert told.status == 1
    assert "format 99, written by a newer version of leads_assets" in broken(told)[0]


def test_the_doctor_leaves_the_warehouse_byte_for_byte_and_makes_none(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    command("doctor")
    path = tmp_path / "leads.duckdb"
    assert not path.exists()
    assert Project(tmp_path, api.base_url).materialize("teams").success
    before = path.read_bytes()
    told = command("doctor")
    assert path.read_bytes() == before
    assert "proven, as of 0 min ago" in told.out
    assert "Nothing is broken." in told.out
