"""`leads-assets sync`: the real command underneath, its log told to people."""

from pathlib import Path

from leads_assets.cli.runlog import RunLog
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.harness.commands import Command, OpenAccount
from leads_assets_tests.harness.project import Project

RUN = "346a600e-a72b-4620-a366-9f5789b088d3"


def line(rest: str, level: str = "DEBUG", pid: str = "19878 - ") -> str:
    return f"2026-11-23 22:42:30 +0000 - dagster - {level} - __ASSET_JOB - {RUN} - {pid}{rest}\n"


def test_a_walk_under_way_is_told_with_its_rows() -> None:
    log = RunLog()
    log.take(line('leads - STEP_START - Started execution of step "leads".'))
    told = "leads: 41,300 of 145,719 rows, 413 requests, 2:10 left"
    assert log.take(line(f"leads - {told}", "INFO", "")) == told
    assert log.walked is not None
    assert (log.walked.rows, log.walked.total) == (41_300, 145_719)
    assert (log.run_id, log.running) == (RUN, "leads")


def test_a_walk_without_a_total_is_told_too() -> None:
    log = RunLog()
    log.take(line("leads - leads: 41,300 rows, 413 requests", "INFO", ""))
    assert log.walked is not None
    assert log.walked.total is None


def test_the_sentence_of_a_failure_is_kept_and_its_trace_is_not() -> None:
    log = RunLog()
    log.take(line('steps - STEP_FAILURE - Execution of step "steps" failed.', "ERROR"))
    for text in ("\n", "dagster._core.definitions.events.Failure: steps: HTTP 403: no right\n", "\n", "Stack Trace:\n"):
        log.take(text)
    assert log.failures == {"steps": "steps: HTTP 403: no right"}


def test_an_error_that_nobody_foresaw_shows_no_text_of_its_own() -> None:
    log = RunLog()
    log.take(line('steps - STEP_FAILURE - Execution of step "steps" failed.', "ERROR"))
    log.take("dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred: secret\n")
    assert "secret" not in log.failures["steps"]


def test_lines_of_other_programs_change_nothing() -> None:
    log = RunLog()
    for text in ("\n", "a warning\n", "2026-11-23 - something - else\n"):
        assert log.take(text) == ""
    assert (log.done, log.failures, log.last) == ([], {}, "2026-11-23 - something - else")


def test_a_sync_loads_what_was_selected_and_sums_it_up(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    told = command("sync", "leads,steps,teams", "--json")
    assert told.status == 0, told.err
    rows = {row["endpoint"]: row for row in told.json["endpoints"]}
    assert set(rows) == {"leads", "steps", "teams"}
    assert (rows["leads"]["inserted"], rows["leads"]["verdict"]) == (120, "proven")
    assert told.json["failures"] == {}
    assert "leads: done" in told.err
    assert Project(tmp_path, api.base_url).query("SELECT count(*) FROM leads") == [(120,)]


def test_the_knobs_reach_the_run_and_a_failure_is_one_sentence_without_a_trace(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account()
    project = Project(tmp_path, api.base_url)
    assert project.materialize("leads", "teams").success
    ids = [row["id"] for row in api.account.rows("leads")]
    api.account.delete("leads", ids[:80])
    api.set_faults([Fault("status", "steps", 403)])
    told = command("sync", "leads,steps,teams", "--full-refresh", "--allow-mass-delete")
    assert told.status == 1
    assert "leads-assets: steps: HTTP 403" in told.err
    assert "the key has no right to read /steps" in told.err
    assert "Traceback" not in told.out + told.err
    assert "Stack Trace" not in told.out + told.err
    assert api.key not in told.out + told.err
    assert project.query("SELECT count(*) FROM leads WHERE _deleted_at IS NOT NULL") == [(80,)]
