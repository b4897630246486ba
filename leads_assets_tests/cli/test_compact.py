"""`leads-assets compact`: smaller, and still the same."""

from pathlib import Path

import duckdb
import pytest

from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process


def test_a_grown_warehouse_becomes_smaller_and_keeps_its_rows(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    project = Project(tmp_path, open_account().base_url)
    assert project.materialize("teams").success
    with duckdb.connect(project.path) as connection:
        connection.execute("CREATE TABLE main.ballast AS SELECT hash(range) AS h FROM range(600000)")
    with duckdb.connect(project.path) as connection:
        connection.execute("DROP TABLE main.ballast")
    before, rows = project.path.stat().st_size, project.query("SELECT * FROM teams ORDER BY id")
    told = command("compact", "--json")
    assert told.status == 0
    assert told.json["before_bytes"] == before
    assert told.json["after_bytes"] == project.path.stat().st_size < before / 2
    assert project.query("SELECT * FROM teams ORDER BY id") == rows
    assert " before, " in command("compact").out


def test_without_a_warehouse_there_is_nothing_to_do(command: Command, tmp_path: Path) -> None:
    told = command("compact")
    assert told.status == 0
    assert "nothing to do" in told.out
    assert list(tmp_path.iterdir()) == []
