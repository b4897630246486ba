"""An account that takes the place of another one brings no history with it, and gets none of the other's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.marts.history import keeping_marts
from leads_assets.marts.invariants import INVARIANTS
from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.marts.test_in_the_load import ZONE, built_anew, event, kept_rows, lead

pytestmark = [pytest.mark.socket, pytest.mark.marts]

OURS, OTHER = "ours", "other"


class TwoAccounts(WarehouseHarness):
    """A warehouse with leads 1 to 4 of ours, whose place the other account takes, with leads 1 and 2 of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.after_load = keeping_marts(ENDPOINTS, ZONE)
        self.of(OURS, [lead(1), lead(2), lead(3), lead(4)])
        self.of(OURS, [event(1, 1, step_id=3), event(2, 2, status="won")], endpoint="webhook_events")
        self.of(OURS, [lead(1, 3, step_id=2, amount=500), lead(2, 3), lead(3, 3, status="won"), lead(4)])

    def of(
        self, account: str, records: list[dict[str, Any]], *, takes_over: bool = False, **settings: Any
    ) -> LoadResult:
        """Load a list of that account."""
        extract = self.extract(records, **{"endpoint": "leads"} | settings)
        return self.load(replace(extract, account=account), LoadOptions(new_account=takes_over))

    def take_over(self, account: str = OTHER, **settings: Any) -> None:
        """The other account's leads take the place of ours, and its events."""
        theirs = [theirs_of(1), theirs_of(2)]
        assert self.of(account, theirs, takes_over=True, **settings).row.took_over
        self.of(account, [event(2, 1, step_id=8)], endpoint="webhook_events", takes_over=True)


def theirs_of(number: int, day: int = 5, **fields: Any) -> dict[str, Any]:
    """A lead of the other account: created at another time than ours of the same id."""
    return lead(number, day, **{"step_id": 7, "created_at": "2026-09-20T08:00:00Z"} | fields)


@pytest.fixture
def desk(tmp_path: Path) -> TwoAccounts:
    """The warehouse."""
    return TwoAccounts(tmp_path)


def assert_sound(desk: WarehouseHarness) -> None:
    """All invariants hold, and a full build gives what the loads have kept."""
    assert [claim.name for claim in INVARIANTS if desk.rows(claim.broken)] == []
    assert kept_rows(desk) == built_anew(desk)


# Under its own name, and as another key on the same host and path.
@pytest.mark.parametrize("account", [OTHER, OURS])
def test_the_history_is_that_of_the_account_that_the_tables_hold(desk: TwoAccounts, account: str) -> None:
    assert desk.rows("SELECT DISTINCT lead_id FROM marts.lead_history ORDER BY ALL") == [(1,), (2,), (3,), (4,)]
    desk.take_over(account)
    versions = desk.rows("SELECT lead_id, version, step_id, status, amount FROM marts.lead_history ORDER BY ALL")
    assert [(lead_id, step, status) for lead_id, _, step, status, _ in versions if lead_id == 2] == [(2, 7, "todo")]
    assert {step for _, _, step, _, _ in versions} == {7, 8}
    assert desk.rows("SELECT DISTINCT lead_id FROM kept.lead_steps ORDER BY ALL") == [(1,), (2,)]
    assert desk.rows("SELECT event_id FROM kept.lead_events") == [(2,)]
    began = desk.row("SELECT began_at FROM ops.sync_runs WHERE endpoint = 'leads' AND took_over")
    assert desk.row("SELECT history_from FROM marts.clock") == began
    assert desk.rows("SELECT DISTINCT open_leads FROM marts.pipeline_daily WHERE step_id <> 7 AND is_today") == []
    assert_sound(desk)


def test_what_changes_afterwards_is_history(desk: TwoAccounts) -> None:
    desk.take_over()
    desk.of(OTHER, [theirs_of(1), theirs_of(2, 6, step_id=9)])
    steps = "SELECT step_id FROM marts.lead_history WHERE lead_id = 2 ORDER BY version"
    assert desk.rows(steps) == [(7,), (9,)]
    assert_sound(desk)


def test_a_new_lead_with_an_id_that_the_other_account_had_is_a_new_lead(desk: TwoAccounts) -> None:
    desk.take_over()
    new = [theirs_of(number, 6, created_at="2026-10-06T08:00:00Z") for number in (3, 4)]
    result = desk.of(OTHER, new, mode="incremental")
    assert (result.row.inserted, result.row.restored) == (2, 0)
    assert desk.rows("SELECT lead_id, step_id FROM marts.lead_history WHERE lead_id > 2 ORDER BY ALL") == [
        (3, 7),
        (4, 7),
    ]
    assert desk.row("SELECT count(*) FROM ops.changes WHERE id = 3 AND field = 'status' AND old = 'won'") == (0,)
    assert_sound(desk)


def test_rows_that_could_not_be_told_gone_yet_have_no_history_and_none_once_they_are(desk: TwoAccounts) -> None:
    desk.take_over(verdict="unproven")
    known = "SELECT lead_id, count(*) FROM marts.lead_history WHERE lead_id > 2 GROUP BY ALL ORDER BY ALL"
    assert desk.rows(known) == [(3, 1), (4, 1)]
    assert_sound(desk)
    desk.of(OTHER, [theirs_of(1), theirs_of(2)])
    assert desk.row("SELECT count(*) FROM every.leads WHERE is_deleted") == (2,)
    assert desk.rows(known) == []
    assert_sound(desk)


def test_an_account_that_comes_back_begins_anew(desk: TwoAccounts) -> None:
    desk.take_over()
    desk.of(OURS, [lead(1, 7, step_id=2), lead(3, 7, status="lost")], takes_over=True)
    assert desk.rows("SELECT lead_id, status FROM marts.lead_history ORDER BY ALL") == [(1, "todo"), (3, "lost")]
    assert_sound(desk)


def test_a_log_that_the_new_account_may_not_read_tells_nothing_of_its_leads(desk: TwoAccounts) -> None:
    assert desk.of(OTHER, [theirs_of(1), theirs_of(2)], takes_over=True).row.took_over
    assert desk.rows("FROM kept.lead_events") == []
    assert_sound(desk)
