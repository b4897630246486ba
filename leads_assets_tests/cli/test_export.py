"""`leads-assets export`: files that say what the views say, or no file."""

import stat
from pathlib import Path

import duckdb
import pytest

from leads_assets_tests.harness.commands import Command, OpenAccount, command, open_account

__all__ = ["command", "open_account"]
pytestmark = [pytest.mark.socket, pytest.mark.marts]


def test_each_file_has_the_rows_of_its_view_beside_as_of_when_they_are(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account(leads=40)
    assert command("sync", "leads", "steps", "users").status == 0
    folder = tmp_path / "out"
    assert command("export", "--to", str(folder)).status == 0
    files = {file.stem for file in folder.iterdir()}
    assert {"live.leads", "live.teams", "marts.leads", "marts.funnel", "ops.freshness"} <= files
    with duckdb.connect(tmp_path / "leads.duckdb", read_only=True) as warehouse:
        for file in folder.iterdir():
            view, copy = warehouse.sql(f"FROM {file.stem}"), warehouse.sql(f"FROM '{file}'")
            assert sorted(map(repr, view.fetchall())) == sorted(map(repr, copy.fetchall())), file.stem
            assert view.columns == copy.columns
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_name_without_a_schema_is_the_list_and_csv_has_a_head(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account(leads=40)
    assert command("sync", "leads", "users").status == 0
    told = command("export", "leads", "funnel", "--format", "csv", "--to", str(tmp_path / "out"), "--json").json
    names = {Path(file["file"]).name: file["rows"] for file in told["files"]}
    assert names.keys() == {"live.leads.csv", "marts.funnel.csv", "ops.freshness.csv"}
    assert names["live.leads.csv"] == 40
    head, *lines = (tmp_path / "out" / "live.leads.csv").read_text("utf-8").splitlines()
    assert head.startswith("id,title,")
    assert lines


def test_what_cannot_be_exported_is_said_and_leaves_the_files_that_stand(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account(leads=40)
    folder = tmp_path / "out"
    nothing = command("export", "--to", str(folder))
    assert nothing.status == 1
    assert "run `leads-assets sync`" in nothing.err
    assert command("sync", "users").status == 0
    unknown = command("export", "lead", "--to", str(folder))
    assert unknown.status == 2
    assert "no such list or mart: lead" in unknown.err
    assert not folder.exists()
    folder.write_text("a file")
    barred = command("export", "users", "--to", str(folder))
    assert barred.status == 1
    assert "cannot be written" in barred.err
    assert folder.read_text() == "a file"
