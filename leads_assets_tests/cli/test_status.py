"""`leads-assets status`: the freshness view, from the warehouse alone."""

from pathlib import Path

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project


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
    assert rows["teams"]["data_as_of"] is not None
    assert (rows["leads"]["verdict"], rows["leads"]["data_as_of"]) == ("unproven", None)
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
