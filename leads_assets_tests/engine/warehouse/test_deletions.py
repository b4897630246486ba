"""Rows that are gone: marked only where a complete read proves it."""

from datetime import timedelta
from typing import Any

import pytest

from leads_assets.engine.warehouse.deletions import DeletionGuard
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets_tests.harness.desk import NOON, WarehouseHarness, things

pytestmark = pytest.mark.socket


def gone(desk: WarehouseHarness, table: str = "things") -> list[int]:
    """The ids that are marked."""
    return [row[0] for row in desk.rows(f"SELECT id FROM {table} WHERE _deleted_at IS NOT NULL ORDER BY id")]


def test_a_proven_full_read_marks_what_it_did_not_see(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    result = desk.load(things(1, 3))
    assert (result.row.deleted, result.row.live_rows, result.wrote) == (1, 2, True)
    assert desk.rows("SELECT id, whole, _deleted_at, _run_id FROM things WHERE _deleted_at IS NOT NULL") == [
        (2, 2, NOON + timedelta(minutes=2, seconds=30), "run 2")
    ]


def test_a_row_is_marked_once(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    desk.load(things(1, 3))
    assert desk.load(things(1, 3)).row.deleted == 0
    assert desk.rows("SELECT _run_id FROM things WHERE id = 2") == [("run 2",)]


@pytest.mark.parametrize("settings", [{"verdict": "unproven"}, {"mode": "incremental"}])
def test_any_other_read_marks_nothing(desk: WarehouseHarness, settings: dict[str, Any]) -> None:
    desk.load(things(1, 2, 3))
    assert desk.load(things(1), **settings).row.deleted == 0
    assert gone(desk) == []


def test_a_read_with_records_that_could_not_become_rows_marks_nothing(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    result = desk.load([*things(1, 2), {"id": "3"}])
    assert (result.row.verdict, result.row.deleted) == ("unproven", 0)
    assert gone(desk) == []


def test_rows_that_return_are_restored(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    desk.load(things(1))
    assert desk.load(things(1, 2), mode="incremental").row.restored == 1
    assert gone(desk) == [3]
    assert desk.load(things(1, 2, 3)).row.restored == 1
    assert gone(desk) == []


def test_the_log_of_deliveries_keeps_what_the_server_has_forgotten(desk: WarehouseHarness) -> None:
    desk.load([{"id": n} for n in range(5)], endpoint="webhook_events")
    assert desk.load([{"id": 4}], endpoint="webhook_events").row.deleted == 0
    assert gone(desk, "webhook_events") == []


@pytest.mark.parametrize(
    ("rows", "left", "marked"),
    [
        *((4, 1, 3), (5, 1, 0), (14, 11, 3), (14, 10, 0), (23, 19, 4), (23, 18, 0), (60, 48, 12), (60, 47, 0)),
        *((999, 800, 199), (999, 799, 0), (1000, 950, 50), (1000, 949, 0), (4000, 3920, 80), (4000, 3919, 0)),
    ],
)
def test_three_rows_or_a_fifth_may_go_and_from_a_thousand_rows_on_fifty_or_a_fiftieth(
    desk: WarehouseHarness, rows: int, left: int, marked: int
) -> None:
    desk.load(things(*range(rows)))
    result = desk.load(things(*range(left)))
    assert result.row.deleted == marked
    assert len(gone(desk)) == marked
    assert result.row.verdict == ("proven" if marked else "unproven")


def test_a_refusal_says_how_many_and_how_to_allow_it(desk: WarehouseHarness) -> None:
    desk.load(things(*range(1200)))
    row = desk.load(things(1, 2)).row
    assert row.reason == (
        "1,198 of 1,200 rows are not on the server any more; none was marked as deleted (more than 50 rows and more"
        " than 2 %): if that is right, run again with allow_mass_delete: true"
    )
    assert row.watermark is None


def test_a_refusal_still_takes_the_other_changes(desk: WarehouseHarness) -> None:
    desk.load(things(*range(200)))
    row = desk.load([{"id": 1, "whole": 7}, {"id": 500, "whole": 1}]).row
    assert (row.inserted, row.updated, row.deleted) == (1, 1, 0)


def test_a_mass_deletion_can_be_allowed(desk: WarehouseHarness) -> None:
    desk.load(things(*range(200)))
    assert desk.load(things(1), LoadOptions(guard=DeletionGuard(allow=True))).row.deleted == 199


def test_the_guard_can_be_set(desk: WarehouseHarness) -> None:
    desk.load(things(*range(10)))
    assert desk.load(things(*range(8)), LoadOptions(guard=DeletionGuard(share=0.1, rows=1))).row.deleted == 0
    assert desk.load(things(*range(9)), LoadOptions(guard=DeletionGuard(share=0.1, rows=0))).row.deleted == 1
    assert desk.load(things(*range(8)), LoadOptions(guard=DeletionGuard(share=0.5))).row.deleted == 1


def test_what_went_in_the_last_24_hours_counts_until_the_user_gives_the_word(desk: WarehouseHarness) -> None:
    desk.load(things(*range(100)))
    assert desk.load(things(*range(88))).row.deleted == 12
    row = desk.load(things(*range(79))).row
    assert (row.verdict, row.deleted) == ("unproven", 0)
    assert "9 of 88 rows are not on the server any more, after 12 in the last 24 hours" in row.reason
    assert desk.load(things(*range(80))).row.deleted == 8
    assert desk.load(things(*range(30)), LoadOptions(guard=DeletionGuard(allow=True))).row.deleted == 50
    assert desk.load(things(*range(25))).row.deleted == 5
    assert desk.load(things(*range(23))).row.deleted == 0
    desk.loads += 60 * 24
    assert desk.load(things(*range(23))).row.deleted == 2


def test_an_empty_list_that_no_total_confirms_is_refused(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    row = desk.load([]).row
    assert (row.verdict, row.deleted) == ("unproven", 0)
    assert "its list came empty" in row.reason


def test_an_empty_list_that_a_total_confirms_is_taken(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2, 3))
    assert desk.load([], total=0).row.deleted == 3


def test_rows_of_a_refused_read_are_not_the_volume_to_compare_with(desk: WarehouseHarness) -> None:
    desk.load(things(*range(200)))
    desk.load(things(1), verdict="unproven")
    assert desk.load(things(*range(200))).facts.live_before == 200
