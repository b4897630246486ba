"""What a load leaves in the books, and what the next read may rely on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.records.encoder import RESERVED
from leads_assets.engine.records.state import Held, SyncState
from leads_assets.engine.warehouse import bookkeeping
from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.runs import freshness, sync_states
from leads_assets.engine.warehouse.schema import BOOKKEEPING
from leads_assets_tests.harness.desk import NOON, WarehouseHarness

pytestmark = pytest.mark.socket

JANUARY = "2026-01-02T00:00:00Z"


def thing(number: int, **fields: Any) -> dict[str, Any]:
    """A record of January."""
    return {"id": number, "updated_at": JANUARY} | fields


def test_every_load_is_one_line(desk: WarehouseHarness) -> None:
    result = desk.load([thing(1, whole="x", new=1), {"no": "id"}, thing(2), thing(2)], total=3, verdict="unproven")
    (line,) = desk.rows(
        "SELECT run_id, endpoint, mode, verdict, reason, rows_read, inserted, updated, unchanged, deleted, restored,"
        " outdated, rejected, misfits, new_columns, server_total, live_rows, pages, requests, retries, watermark,"
        " began_at, ended_at, loaded_at FROM ops.sync_runs"
    )
    began = NOON + timedelta(minutes=1)
    assert line == (
        *("run 1", "things", "full", "unproven", "for the test", 2, 2, 0, 0, 0, 0, 0, 1),
        *('{"whole":1}', '{"new":"BIGINT"}', 3, 2, 1, 1, 0, None),
        *(began, began + timedelta(seconds=5), began + timedelta(seconds=30)),
    )
    assert result.row.spooled_bytes > 100
    desk.load([thing(1)])
    assert desk.row("SELECT count(*) FROM ops.sync_runs") == (2,)


def test_what_is_known_before_a_read(desk: WarehouseHarness) -> None:
    assert sync_states(desk.warehouse, NOON + timedelta(hours=1)) == {}
    desk.load([thing(1)])
    desk.load([thing(1, updated_at="2026-01-05T00:00:00Z")], mode="incremental")
    desk.load([thing(1, updated_at="2026-01-09T00:00:00Z")], verdict="unproven")
    desk.load([], endpoint="teams", verdict="unproven")
    began = [NOON + timedelta(minutes=minute) for minute in range(5)]
    assert sync_states(desk.warehouse, NOON + timedelta(hours=1)) == {
        "things": SyncState(
            number=3,
            full_number=3,
            began=began[3],
            changes_read=began[2],
            full=began[1],
            watermark=datetime(2026, 1, 5, tzinfo=UTC),
            verdict="proven",
            changes_as_of=began[2],
            complete_as_of=began[1],
            full_rows=1,
            full_seconds=5.0,
            change_rows=1,
            live_proven=1,
        ),
        "teams": SyncState(number=4, full_number=4, began=began[4], full_rows=0, full_seconds=5.0),
    }


def test_what_is_held_before_a_read(desk: WarehouseHarness) -> None:
    desk.load([{"id": 4}, {"id": 7}, {"id": 9}], endpoint="teams")
    desk.load([{"id": 7}, {"id": 9}], endpoint="teams")
    for rows_read, verdict in [(9, "proven"), (8, "unproven"), (7, "proven")]:
        desk.load([{"id": row} for row in range(rows_read)], endpoint="users", verdict=verdict)
    desk.load(replace(desk.extract([{"id": row} for row in range(5)], endpoint="steps"), pages=3))
    rows = [{"id": 1, "user_id": 5}, {"id": 2, "user_id": 6}, {"id": 3, "user_id": 5}, {"id": 8}, {"id": 9}]
    desk.load(rows, endpoint="follow_ups")
    desk.load([rows[0], *rows[2:]], endpoint="follow_ups")
    states = sync_states(desk.warehouse, NOON + timedelta(hours=1), ENDPOINTS)
    assert {name: state.held for name, state in states.items()} == {
        "teams": Held(longest=3, longest_response=3, lowest=7, highest=9),
        "users": Held(longest=7, longest_response=7, lowest=0, highest=6),
        "steps": Held(longest=5, longest_response=0, lowest=0, highest=4),
        "follow_ups": Held(longest=5, longest_response=5, lowest=1, highest=9, parts=frozenset({5}), without_part=2),
    }


@pytest.mark.parametrize(
    ("column", "held"),
    [
        ("user_id", Held(lowest=1, highest=1, without_part=1)),
        ("_deleted_at", Held(lowest=1, highest=1, parts=frozenset({5}))),
        ("id", Held()),
    ],
)
def test_a_column_that_somebody_dropped_keeps_no_state_from_being_read(
    desk: WarehouseHarness, column: str, held: Held
) -> None:
    desk.load([{"id": 1, "user_id": 5}], endpoint="follow_ups")
    with desk.warehouse.write("the test") as session:
        session.run("dropping", f"ALTER TABLE main.follow_ups DROP COLUMN {column}")
    found = sync_states(desk.warehouse, NOON + timedelta(hours=1), ENDPOINTS)["follow_ups"].held
    assert found == replace(held, longest=1, longest_response=1)


def test_a_table_that_somebody_dropped_is_not_known(desk: WarehouseHarness) -> None:
    desk.load([thing(1)])
    with desk.warehouse.write("the test") as session:
        session.run("dropping", "DROP TABLE main.things")
    assert sync_states(desk.warehouse, NOON + timedelta(hours=1)) == {}
    desk.load([thing(1)])
    assert desk.row("SELECT count(*) FROM things") == (1,)


def test_freshness_tells_what_the_data_is_worth(desk: WarehouseHarness) -> None:
    assert freshness(desk.warehouse) == []
    desk.load([thing(1), thing(2)])
    desk.load([thing(1)], verdict="unproven")
    began = NOON + timedelta(minutes=1)
    expected = {
        "endpoint": "things",
        "data_as_of": began,
        "changes_as_of": began,
        "complete_as_of": began,
        "in_progress": None,
        "last_proven_sync": began + timedelta(seconds=30),
        "last_reconcile": began,
        "verdict": "unproven",
        "reason": "for the test",
        "live_rows": 2,
    }
    assert freshness(desk.warehouse) == [expected]
    assert desk.row("SELECT verdict, live_rows FROM ops.freshness") == ("unproven", 2)


def test_a_warehouse_of_a_newer_format_is_refused_and_left_alone(desk: WarehouseHarness) -> None:
    desk.load([thing(1)])
    with desk.warehouse.write("the test") as session:
        session.run("upgrading", f"UPDATE ops.version SET version = {bookkeeping.VERSION + 1}")
    before = desk.everything()
    with pytest.raises(WarehouseUnusable, match=r"newer version of leads_assets .* upgrade leads_assets"):
        desk.load([thing(2)])
    assert desk.everything() == before


def test_a_warehouse_of_an_older_format_is_brought_up_to_date(desk: WarehouseHarness) -> None:
    desk.load([thing(1)])
    expected = {name: sorted(columns) for name, (columns, _) in desk.everything().items()}
    with desk.warehouse.write("the test") as session:
        for sql in (
            "ALTER TABLE ops.sync_runs DROP COLUMN loaded_at",
            "DROP VIEW ops.freshness",
            "ALTER TABLE ops.changes DROP COLUMN run_id",
            "DROP TABLE ops.rejected_rows",
            "ALTER TABLE things DROP COLUMN _first_seen_at",
            f"UPDATE ops.version SET version = {bookkeeping.VERSION - 1}",
        ):
            session.run("going back", sql)
    desk.load([thing(1), thing(2)])
    assert {name: sorted(columns) for name, (columns, _) in desk.everything().items()} == expected
    assert desk.row("SELECT count(*), count(loaded_at) FROM ops.sync_runs") == (2, 1)
    assert desk.rows("SELECT version FROM ops.version") == [(bookkeeping.VERSION,)]


def test_a_column_of_the_server_makes_room_for_one_of_ours_that_is_new(desk: WarehouseHarness) -> None:
    desk.load([thing(1), thing(2)])
    with desk.warehouse.write("the test") as session:
        for sql in (
            "ALTER TABLE things DROP COLUMN _first_seen_at",
            "ALTER TABLE things ADD COLUMN _First_Seen_At VARCHAR DEFAULT 'long ago'",
            "UPDATE ops.version SET version = 2",
        ):
            session.run("going back", sql)
    desk.load([{"id": 1, "_First_Seen_At": "long ago"}, thing(3)], mode="incremental")
    desk.load([thing(3)], mode="incremental")
    found = desk.rows('SELECT id, "_First_Seen_At (sent)", _first_seen_at IS NULL, _extra FROM things ORDER BY id')
    assert found == [
        (1, None, True, '{"_First_Seen_At":"long ago"}'),
        (2, "long ago", True, None),
        (3, None, False, None),
    ]


@pytest.mark.parametrize("column", BOOKKEEPING)
def test_a_bookkeeping_column_that_somebody_dropped_comes_back(desk: WarehouseHarness, column: str) -> None:
    desk.load([thing(1)])
    with desk.warehouse.write("the test") as session:
        session.run("dropping", f"ALTER TABLE main.things DROP COLUMN {column}")
    assert desk.load([thing(1), thing(2)]).row.verdict == "proven"
    has_values = column not in ("_deleted_at", "_extra")
    assert desk.row(f"SELECT count(*), count({column}) > 0 FROM things") == (2, has_values)


def test_the_encoder_keeps_the_names_of_all_bookkeeping_columns_free() -> None:
    assert set(BOOKKEEPING) == RESERVED


def test_a_format_number_that_is_missing_is_written_again(desk: WarehouseHarness) -> None:
    desk.load([thing(1)])
    with desk.warehouse.write("the test") as session:
        session.run("forgetting", "DELETE FROM ops.version")
    desk.load([thing(1)])
    assert desk.rows("SELECT version FROM ops.version") == [(bookkeeping.VERSION,)]


def test_references_without_a_target_are_told_with_examples(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}], endpoint="steps")
    leads = [{"id": 1, "step_id": 1}, {"id": 2, "step_id": 9, "team_id": 5}, {"id": 3, "step_id": 8}, {"id": 4}]
    facts = desk.load(leads, endpoint="leads").facts
    assert [(o.column, o.target, o.count, o.examples) for o in facts.orphans] == [("step_id", "steps", 2, (2, 3))]
    assert "team_id" in facts.unchecked
    assert (facts.rows, facts.live, facts.lowest_id, facts.highest_id) == (4, 4, 1, 4)


@pytest.mark.parametrize("clock", [timedelta(0), timedelta(days=365), -timedelta(days=365)])
def test_loads_are_ordered_by_their_numbers_whatever_the_clocks_say(desk: WarehouseHarness, clock: timedelta) -> None:
    early = desk.extract([thing(1)])
    assert desk.load([thing(1)], began=NOON + clock).row.number == 1
    assert desk.load(early).row.verdict == "unproven"
    assert desk.load([thing(1)], began=NOON).row.verdict == "proven"
