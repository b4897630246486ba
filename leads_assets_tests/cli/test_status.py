"""`leads-assets status`: the freshness view, from the warehouse alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.arguments import span
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process


def test_without_a_warehouse_it_says_so_and_makes_none(command: Command, tmp_path: Path) -> None:
    told = command("status")
    assert told.status == 0
    assert told.out == f"There is no warehouse yet at {tmp_path / 'leads.duckdb'}: run `leads-assets sync`.\n"
    assert list(tmp_path.iterdir()) == []
    assert not command("status", "--json").json["exists"]


def test_every_endpoint_has_a_line_with_rows_age_and_verdict(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(faults=[Fault("wrong_total", "leads", 5)])
    Project(tmp_path, api.base_url).materialize("leads", "teams")
    before = api.count()
    rows = {row["endpoint"]: row for row in command("status", "--json").json["endpoints"]}
    assert list(rows) == list(ENDPOINTS)
    assert (rows["teams"]["verdict"], rows["teams"]["live_rows"]) == ("proven", 4)
    assert rows["teams"]["changes_as_of"] is not None
    assert (rows["leads"]["verdict"], rows["leads"]["changes_as_of"]) == ("unproven", None)
    assert rows["users"] == {"endpoint": "users", "verdict": "never loaded", "last_error": None}
    shown = command("status").out
    assert "the server states 125 rows, 120 different ids were read" in shown
    assert "never loaded" in shown
    assert api.count() == before


def test_the_last_error_is_told_until_a_load_succeeds(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    project = Project(tmp_path, api.base_url)
    assert project.materialize("teams", "users").success
    api.set_faults([Fault("status", "users", 404)])
    assert not project.materialize("teams", "users").success
    errors = {row["endpoint"]: row["last_error"] for row in command("status", "--json").json["endpoints"]}
    assert "users: HTTP 404" in errors["users"]
    assert errors["teams"] is None
    assert "failed since: users: HTTP 404" in command("status").out
    api.set_faults([])
    assert project.materialize("users").success
    assert {row["last_error"] for row in command("status", "--json").json["endpoints"]} == {None}


def test_a_wrong_path_is_named_and_no_file_is_left_beside_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("this is no database\n" * 1000)
    (tmp_path / "folder").mkdir()
    for name, says in {"notes.txt": "is no DuckDB file, or a damaged one", "folder": "is a folder"}.items():
        monkeypatch.setenv("LEADS_WAREHOUSE", name)
        told = command("status")
        assert told.status == 1
        assert f"the warehouse {tmp_path / name} {says}" in told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "notes.txt"]


def test_whatever_is_not_proven_fails_where_that_was_asked_for(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    assert command("status", "--strict").status == 1
    api = open_account(faults=[Fault("wrong_total", "leads", 5)])
    project = Project(tmp_path, api.base_url)
    project.materialize("leads", "teams", "users")
    assert command("status").status == 0
    assert command("status", "teams", "users", "--strict").status == 0
    told = command("status", "teams", "leads", "--strict")
    assert (told.status, told.err) == (1, "leads-assets: not proven: leads\n")
    told = command("status", "--strict", "--json")
    assert told.status == told.json["status"] == 1
    assert f"not proven: {', '.join(name for name in ENDPOINTS if name not in ('teams', 'users'))}" in told.err
    api.set_faults([Fault("status", "users", 404)])
    project.materialize("users")
    told = command("status", "users", "--strict")
    assert (told.status, told.err) == (1, "leads-assets: not proven: users\n")


def test_data_that_is_older_than_allowed_or_never_came_fails(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    project = Project(tmp_path, open_account().base_url)
    project.materialize("teams", "users")
    with duckdb.connect(project.path) as connection:
        ago = datetime.now(UTC) - timedelta(hours=27)
        connection.execute("UPDATE ops.sync_runs SET changes_as_of = ? WHERE endpoint = 'users'", [ago])
    assert command("status", "teams", "--max-age", "26h").status == 0
    assert command("status", "teams", "users", "--max-age", "2d").status == 0
    told = command("status", "teams", "users", "--max-age", "26h")
    assert (told.status, told.err) == (1, "leads-assets: older than 26 h, or never proven: users\n")
    assert command("status", "teams", "leads", "--max-age", "2d").status == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("5min", 300), ("26h", 93_600), ("2 d", 172_800)]
)
def test_an_age_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "26", "h", "-1h", "1.5h", "1w", "99999999h"])
def test_another_age_is_not_understood(command: Command, capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as left:
        command("status", f"--max-age={text}")
    assert left.value.code == 2
    assert "must be a length of time such as 90min, 26h or 2d" in capsys.readouterr().err
