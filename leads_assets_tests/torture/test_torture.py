"""The torture: it finds no silent loss in this project, and does find one in a broken project."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from leads_assets.cli import torture
from leads_assets.cli.main import main
from leads_assets.demo.process import DEMO_KEY
from leads_assets.engine.read.objections import WalkResult
from leads_assets.engine.read.walk import OverlapWalk, Rows
from leads_assets.torture.cases import CASES, Case, TrialResult, TrialVerdict
from leads_assets.torture.comparison import Copy, Record, live
from leads_assets.torture.sync import CommandResult
from leads_assets.torture.trial import judge
from leads_assets.torture.trial import torture as run_cases

pytestmark = pytest.mark.process

SUCCESS, UNPROVEN, FAILED = (
    CommandResult("success"),
    CommandResult("unproven", "for a reason"),
    CommandResult("failed", "for a reason"),
)


def _rows(*ids: int, step: str = "new") -> dict[int, Record]:
    return {row_id: {"id": row_id, "step": step} for row_id in ids}


def _copy(server: dict[int, Record], before: dict[int, Record], after: dict[int, Record], name: str = "leads") -> Copy:
    return Copy(name=name, server_before=server, server_after=server, table_before=before, table_after=after)


@pytest.mark.long
def test_no_fault_is_a_silent_loss_and_the_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["torture", "--json"])
    outcomes = json.loads(capsys.readouterr().out)
    assert len(outcomes) == len(CASES)
    lost = [outcome for outcome in outcomes if "SILENT LOSS" in (outcome["verdict"], outcome["after"])]
    assert not lost
    assert status == 0
    assert {outcome["verdict"] for outcome in outcomes} == {"complete", "said so"}
    unhealed = [outcome["fault"] for outcome in outcomes if outcome["after"] == "said so"]
    assert not unhealed
    own_faults = [outcome["fault"] for outcome in outcomes if "Exception" in outcome["happened"]]
    assert not [outcome["fault"] for outcome in outcomes if DEMO_KEY in outcome["happened"]]
    assert not own_faults
    pairs = list(zip(CASES, outcomes, strict=True))
    assert not [case.name for case, outcome in pairs if outcome["requests"] > case.most_requests]
    assert not [case.name for case, outcome in pairs if case.ends_complete and outcome["verdict"] != "complete"]


def test_a_walk_that_calls_its_first_page_the_whole_list_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_page_only(self: OverlapWalk) -> Iterator[Rows]:
        page = self._source.first()
        yield Rows(page.records, page.ids, exact=page.exact)

    def proven(self: OverlapWalk) -> WalkResult:
        return WalkResult(pages=1, distinct=100)

    monkeypatch.setattr(OverlapWalk, "__iter__", first_page_only)
    monkeypatch.setattr(OverlapWalk, "result", proven)
    (outcome,) = run_cases([Case("no fault", is_new=True)], 250)
    assert outcome.verdict is TrialVerdict.SILENT_LOSS
    assert outcome.why == "leads: 150 rows missing"


def test_a_load_that_marks_rows_without_a_proof_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_assets.engine.warehouse.deletions.DeletionGuard.refusal", lambda *_, **__: "")
    (outcome,) = run_cases([Case("an empty list", "empty_page@teams no_total@teams", ("teams",))], 250)
    assert outcome.verdict is TrialVerdict.SILENT_LOSS
    assert "live rows lost" in outcome.why


def _outcome(verdict: TrialVerdict, after: TrialVerdict | None = None) -> TrialResult:
    return TrialResult("a fault", "switch", "success", 1, 2, 1, verdict, "leads: 1 rows missing", after)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([_outcome(TrialVerdict.COMPLETE), _outcome(TrialVerdict.SAID_SO, TrialVerdict.COMPLETE)], 0),
        ([_outcome(TrialVerdict.COMPLETE), _outcome(TrialVerdict.SILENT_LOSS)], 1),
        ([_outcome(TrialVerdict.SAID_SO, TrialVerdict.SILENT_LOSS)], 1),
    ],
)
def test_the_status_is_1_where_any_sync_lost_silently(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcomes: Sequence[TrialResult], status: int
) -> None:
    monkeypatch.setattr(torture, "_in_parallel", lambda cases, leads: outcomes)
    assert main(["torture"]) == status
    printed = capsys.readouterr().out
    assert ("SILENT LOSS" in printed.partition("verdict")[2].partition("complete,")[0]) == bool(status)


@pytest.mark.parametrize("told", [UNPROVEN, FAILED, CommandResult("skipped", "no rights"), CommandResult("not tried")])
def test_a_shorter_table_is_no_silent_loss_where_the_run_says_so(told: CommandResult) -> None:
    verdict, _ = judge(told, _copy(_rows(1, 2, 3), _rows(1, 2), _rows(1, 2)))
    assert verdict is TrialVerdict.SAID_SO


@pytest.mark.parametrize(
    ("told", "server", "before", "after", "why"),
    [
        (SUCCESS, _rows(1, 2, 3), _rows(1), _rows(1, 2), "1 rows missing"),
        (SUCCESS, _rows(1), _rows(1, 2), _rows(1, 2), "1 rows that the server does not have"),
        (SUCCESS, _rows(1), _rows(1, step="old"), _rows(1, step="old"), "1 rows with other values"),
        (SUCCESS, _rows(1), _rows(1), _rows(1, step="wrong"), "1 rows spoiled, 1 rows with other values"),
        (UNPROVEN, _rows(1), _rows(1, 2), _rows(1), "1 rows marked without a proof"),
        (FAILED, _rows(1, 2), _rows(1, 2), _rows(1), "1 live rows lost"),
        (FAILED, _rows(1), _rows(1), _rows(1, step="wrong"), "1 rows spoiled"),
    ],
)
def test_each_kind_of_loss_is_named(
    told: CommandResult, server: dict[int, Record], before: dict[int, Record], after: dict[int, Record], why: str
) -> None:
    verdict, words = judge(told, _copy(server, before, after))
    assert verdict is TrialVerdict.SILENT_LOSS
    assert why in words


def test_a_true_copy_is_complete() -> None:
    assert judge(SUCCESS, _copy(_rows(1, 2), _rows(1, 3, step="old"), _rows(1, 2))) == (TrialVerdict.COMPLETE, "")


def test_rows_that_the_server_dropped_from_its_log_are_no_loss() -> None:
    copy = _copy(_rows(2), _rows(1, 2), _rows(1, 2), "webhook_events")
    assert judge(SUCCESS, copy) == (TrialVerdict.COMPLETE, "")


def test_a_table_that_does_not_exist_has_no_live_rows(tmp_path: Path) -> None:
    assert live(tmp_path / "none.duckdb", "leads") == {}
