"""`leads-assets sync`: a run in this process, summed up, and seen where the UI looks."""

from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.faults import Fault, parse_fault
from leads_assets_tests.harness.commands import Command, CommandResult, OpenAccount
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.process

EVALUATION = dg.DagsterEventType.ASSET_CHECK_EVALUATION


def _rows(told: CommandResult) -> dict[str, dict[str, object]]:
    return {row["endpoint"]: row for row in told.json["endpoints"]}


def test_a_sync_loads_what_was_selected_and_sums_it_up(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    told = command("sync", "leads,steps,teams", "--json")
    assert told.status == 0, told.err
    rows = _rows(told)
    assert set(rows) == {"leads", "steps", "teams"}
    assert (rows["leads"]["inserted"], rows["leads"]["live_rows"], rows["leads"]["verdict"]) == (120, 120, "proven")
    assert (rows["leads"]["mode"], rows["leads"]["requests"]) == ("full", api.count("leads"))
    assert told.json["failures"] == {}
    assert told.json["warehouse"] == str(tmp_path / "leads.duckdb")
    assert "leads: proven" in told.err
    assert Project(tmp_path, api.base_url).query("SELECT count(*) FROM leads") == [(120,)]


def test_the_run_its_materializations_and_its_checks_are_in_the_home_that_the_ui_uses(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    told = command("sync", "leads", "steps", "--json")
    assert told.json["dagster_home"] == str(tmp_path / ".dagster_home")
    with dg.DagsterInstance.from_config(str(tmp_path / ".dagster_home")) as instance:
        (run,) = instance.get_runs()
        assert (run.run_id, run.status) == (told.json["run_id"], dg.DagsterRunStatus.SUCCESS)
        events = [record.event_log_entry.dagster_event for record in instance.get_records_for_run(run.run_id).records]
        kinds = [(event.event_type_value, event.asset_key) for event in events if event is not None]
        assert kinds.count(("ASSET_MATERIALIZATION", dg.AssetKey("leads"))) == 1
        checks = [event.asset_check_evaluation_data for event in events if event and event.event_type is EVALUATION]
        assert sorted((check.asset_key.to_user_string(), check.check_name) for check in checks) == [
            (name, check) for name in ("leads", "steps") for check in ("complete", "valid")
        ]
        assert api.key not in repr(run.run_config)


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_the_home_is_the_one_that_is_set(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    open_account()
    if where == ".env":
        (tmp_path / ".env").write_text(f"DAGSTER_HOME={tmp_path / 'home'}\n")
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "other"))
    else:
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    assert command("sync", "steps", "--json").json["dagster_home"] == str(tmp_path / "home")
    assert (tmp_path / "home" / "dagster.yaml").exists()
    assert not (tmp_path / "other").exists()


def test_a_home_that_cannot_be_made_is_named(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = open_account()
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file" / "home"))
    told = command("sync", "steps")
    assert told.status == 1
    assert f"the folder {tmp_path / 'file' / 'home'} for Dagster's history cannot be written" in told.err
    assert api.count() == 0


def test_the_knobs_reach_the_run_and_a_failure_is_one_sentence_without_a_trace(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    project = Project(tmp_path, api.base_url)
    assert project.materialize("leads", "teams").success
    ids = [row["id"] for row in api.account.rows("leads")]
    api.account.delete("leads", ids[:80])
    api.set_faults([Fault("status", "steps", 403)])
    told = command("sync", "leads", "steps", "teams", "--full-refresh", "--allow-mass-delete")
    assert told.status == 1
    assert "leads-assets: steps: HTTP 403" in told.err
    assert "the key has no right to read /steps" in told.err
    assert "Traceback" not in told.out + told.err
    assert "Stack Trace" not in told.out + told.err
    assert api.key not in told.out + told.err
    assert f"Into {tmp_path / 'leads.duckdb'}; run " in told.out
    assert project.query("SELECT count(*) FROM leads WHERE _deleted_at IS NOT NULL") == [(80,)]


def test_what_was_not_read_is_told_apart_from_what_was(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[Fault("status", "teams", 403)])
    told = command("sync", "teams", "steps", "--json")
    assert told.status == 0
    assert _rows(told)["teams"]["verdict"] == "not read"
    assert "HTTP 403" in told.json["warnings"]["teams"]
    assert "teams: HTTP 403" in told.err
    assert "teams: proven" not in told.err


def test_after_a_refused_key_the_others_are_told_once_to_be_untried(
    command: Command, open_account: OpenAccount
) -> None:
    open_account(faults=[parse_fault("status=401")])
    told = command("sync")
    assert told.status == 1
    assert told.out.count("not tried, because the run was stopped by an earlier failure") == 1
    assert f"{len(ENDPOINTS) - 1} endpoints: not tried" in told.out


def test_misfits_are_told(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[parse_fault("misfit@users")])
    told = command("sync", "users")
    assert told.status == 0
    assert "users: " in told.out
    assert "values in _extra" in told.out
    assert "values in _extra" in command("status").out


def test_a_field_that_became_a_column_is_told_by_the_status(command: Command, open_account: OpenAccount) -> None:
    open_account(faults=[parse_fault("unknown_field=thing@users")])
    assert command("sync", "users").status == 0
    assert "users: 1 fields that are new became columns" in command("status").out


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (("leeds",), "no such endpoint: leeds (did you mean leads?); there are steps, "),
        (("leads", "userz"), "no such endpoint: userz (did you mean users?)"),
        (("leads,xyz",), "no such endpoint: xyz; there are steps, "),
        (("group:foo",), "`group:foo` selects no asset"),
        (("leads", "key:("), "`key:(` selects no asset"),
        (("",), "`` selects no asset"),
    ],
)
def test_a_wrong_selection_is_refused_before_the_run(
    command: Command, open_account: OpenAccount, tmp_path: Path, selection: tuple[str, ...], says: str
) -> None:
    api = open_account()
    told = command("sync", *selection, "--json")
    assert told.status == told.json["status"] == 2
    assert says in told.json["error"]
    assert f"leads-assets: {told.json['error']}" in told.err
    assert api.count() == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ((), set(ENDPOINTS)),
        (("*",), set(ENDPOINTS)),
        (("leads", "users"), {"leads", "users"}),
        (("leads,users", "teams"), {"leads", "users", "teams"}),
        (("group:crm and key:p*",), {"pipelines", "predefined_tags", "prospecting_lists"}),
        (("teams", "key:w*"), {"teams", "webhooks", "webhook_events"}),
    ],
)
def test_names_and_dagsters_own_selections_can_be_mixed(
    command: Command, open_account: OpenAccount, selection: tuple[str, ...], names: set[str]
) -> None:
    open_account(leads=5)
    assert set(_rows(command("sync", *selection, "--json"))) == names


def test_without_an_account_nothing_is_begun_and_json_has_the_reason(command: Command, tmp_path: Path) -> None:
    told = command("sync", "--json")
    assert told.status == 1
    assert told.json["error"].startswith("no account is set")
    assert not list(tmp_path.iterdir())


def test_a_sync_over_something_unproven_fails_where_that_was_asked_for(
    command: Command, open_account: OpenAccount
) -> None:
    open_account(faults=[Fault("wrong_total", "leads", 5)])
    assert command("sync", "leads", "steps").status == 0
    told = command("sync", "leads", "steps", "--strict")
    assert told.status == 1
    assert "leads-assets: not proven: leads\n" in told.err
    assert command("sync", "steps", "--strict").status == 0


def test_the_run_of_a_command_that_was_killed_is_ended_by_the_next_one(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    open_account()
    command("sync", "steps")
    home = tmp_path / ".dagster_home"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        tags = {"leads_assets/command": "yes"}
        started = dg.DagsterRunStatus.STARTED
        dead = instance.add_run(dg.DagsterRun(job_name="any", status=started, tags=tags))
        alive = instance.add_run(dg.DagsterRun(job_name="any", status=started, tags=tags))
        other = instance.add_run(dg.DagsterRun(job_name="any", status=started))
        with FileLock(home / "commands" / f"{alive.run_id}.lock"):
            command("sync", "steps")
        states = {run.run_id: run.status for run in instance.get_runs()}
    assert states[dead.run_id] is dg.DagsterRunStatus.FAILURE
    assert states[alive.run_id] is states[other.run_id] is started
    assert [path.name for path in (home / "commands").iterdir()] == [f"{alive.run_id}.lock"]
