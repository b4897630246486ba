"""Only real changes are written; newer versions win; what changed is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leads_assets.engine.instants import format_instant
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets_tests.harness.desk import NOON, THINGS, WarehouseHarness, lead, things

pytestmark = pytest.mark.socket


def dated(identity: int, day: int, **fields: object) -> dict[str, object]:
    """A thing whose `updated_at` is that day of January."""
    return {"id": identity, "updated_at": f"2026-01-{day:02d}T00:00:00Z"} | fields


def test_the_same_again_writes_no_row(desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        dated(n, 1, whole=n, text=None, texts=["a"], nested={"a": 1.50}, new="x", money="1.10") for n in range(5)
    ]
    desk.load(records)
    before = desk.rows("SELECT * FROM things ORDER BY id")
    statements = desk.statements(monkeypatch)
    result = desk.load(records)
    row = result.row
    assert (row.inserted, row.updated, row.restored, row.deleted, row.unchanged, result.wrote) == (0, 0, 0, 0, 5, False)
    assert desk.rows("SELECT * FROM things ORDER BY id") == before
    assert not [sql for sql in statements if "main." in sql and sql.startswith(("INSERT", "DELETE", "UPDATE", "ALTER"))]


def test_repeating_a_sync_does_not_let_the_file_grow(desk: WarehouseHarness) -> None:
    records = [lead(n, description=f"text {n} " * 20) for n in range(2000)]
    sizes = []
    for _ in range(12):
        desk.load(records, endpoint="leads")
        sizes.append(desk.warehouse.path.stat().st_size)
    # Rewriting the ledger takes a few blocks before it frees the old ones: once, not once a sync.
    assert sizes[1] <= sizes[0] + 6 * 65536, sizes
    assert max(sizes[2:]) <= sizes[1], sizes


def test_null_and_missing_are_the_same(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": None, "text": None}])
    assert desk.load([{"id": 1}]).row.updated == 0


def test_a_change_to_null_and_from_null_is_a_change(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}, {"id": 2}])
    assert desk.load([{"id": 1}, {"id": 2, "whole": 2}]).row.updated == 2
    assert desk.rows("SELECT whole FROM things ORDER BY id") == [(None,), (2,)]


def test_lists_that_differ_in_any_way_are_a_change(desk: WarehouseHarness) -> None:
    lists = [
        None,
        [],
        [None],
        [""],
        ["a"],
        ["a", None],
        [None, "a"],
        ["a", ""],
        ["a", "b"],
        ["b", "a"],
        ["a, b"],
        ["NULL"],
    ]
    pairs = [(before, after) for before in lists for after in lists]
    desk.load([{"id": n, "texts": before} for n, (before, _) in enumerate(pairs)])
    row = desk.load([{"id": n, "texts": after} for n, (_, after) in enumerate(pairs)]).row
    assert (row.updated, row.unchanged) == (len(pairs) - len(lists), len(lists))


def test_a_value_that_moves_to_another_column_is_a_change(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}, {"id": 2, "text": "x", "texts": ["y"]}, {"id": 3, "flag": True, "money": 1}])
    row = desk.load(
        [{"id": 1, "number": 1}, {"id": 2, "text": "y", "texts": ["x"]}, {"id": 3, "flag": True, "whole": 1}]
    ).row
    assert row.updated == 3


@pytest.mark.parametrize("column", ["nested", "unknown"])
def test_the_order_of_keys_in_nested_values_is_no_change(desk: WarehouseHarness, column: str) -> None:
    desk.load([{"id": 1, column: {"a": 1, "b": {"c": [1, 2], "d": None}}}, {"id": 2, column: {"a": [1, 2]}}])
    again = [{"id": 1, column: {"b": {"d": None, "c": [1, 2]}, "a": 1}}, {"id": 2, column: {"a": [2, 1]}}]
    assert desk.load(again).row.updated == 1
    assert desk.rows(f"SELECT CAST({column} AS VARCHAR) FROM things ORDER BY id") == [
        ('{"a":1,"b":{"c":[1,2],"d":null}}',),
        ('{"a":[2,1]}',),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": "1"}, {"a": 1}),
        ({"a": {}}, {"a": []}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": None}}),
        ({"a": None}, {}),
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({"a": [[1], 2]}, {"a": [1, [2]]}),
        ({"a": ""}, {"a": None}),
        ({"a=1": 2}, {"a": "1=2"}),
        ([], None),
        ("null", None),
    ],
)
def test_any_other_difference_in_nested_values_is_a_change(
    desk: WarehouseHarness, before: object, after: object
) -> None:
    desk.load([{"id": 1, "nested": before}])
    assert desk.load([{"id": 1, "nested": after}]).row.updated == 1


def test_the_order_of_keys_in_extra_is_no_change(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": "x", "text": 5}])
    assert desk.load([{"text": 5, "whole": "x", "id": 1}]).row.updated == 0


def test_of_several_rows_with_one_id_the_newest_counts(desk: WarehouseHarness) -> None:
    result = desk.load(
        [dated(1, 2, whole=2), dated(1, 3, whole=3), dated(1, 1, whole=1), {"id": 1, "whole": 0}], page=1
    )
    assert desk.rows("SELECT id, whole FROM things") == [(1, 3)]
    assert (result.row.rows_read, result.row.inserted) == (1, 1)


def test_of_several_rows_of_one_version_the_later_page_counts(desk: WarehouseHarness) -> None:
    records = [dated(n, 1, whole=version) for version in range(4) for n in range(300)]
    desk.load(records)
    assert desk.rows("SELECT whole, count(*) FROM things GROUP BY whole") == [(3, 300)]


def test_of_several_rows_without_a_time_the_later_page_counts(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "name": "first"}, {"id": 1, "name": "second"}], endpoint="predefined_tags", page=1)
    assert desk.rows("SELECT name FROM predefined_tags") == [("second",)]


def test_an_older_version_never_replaces_a_newer_one(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5, whole=5), dated(2, 5, whole=5)])
    row = desk.load([dated(1, 4, whole=4), dated(2, 6, whole=6)]).row
    assert (row.updated, row.outdated, row.unchanged) == (1, 1, 0)
    assert desk.rows("SELECT whole FROM things ORDER BY id") == [(5,), (6,)]


def test_a_change_from_the_future_keeps_no_later_version_out(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5, whole=1) | {"updated_at": "2999-01-01T00:00:00Z"}, dated(2, 5, whole=1)])
    row = desk.load([dated(1, 6, whole=2), dated(2, 4, whole=2)]).row
    assert (row.updated, row.outdated) == (1, 1)
    assert desk.rows("SELECT whole FROM things ORDER BY id") == [(2,), (1,)]


def test_an_older_version_replaces_a_newer_one_where_the_server_is_told_to_win(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5, whole=5)])
    row = desk.load([dated(1, 4, whole=4)], LoadOptions(server_wins=True)).row
    assert (row.updated, row.outdated) == (1, 0)
    assert desk.row("SELECT whole FROM things") == (4,)


def test_the_same_version_with_other_content_is_taken(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5, whole=5)])
    desk.load([dated(1, 5, whole=6)])
    assert desk.row("SELECT whole FROM things") == (6,)


def test_rows_keep_the_run_that_wrote_them_last(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 1), dated(2, 1)])
    desk.load([dated(1, 1), dated(2, 2)])
    assert desk.rows("SELECT id, _run_id, _synced_at FROM things ORDER BY id") == [
        (1, "run 1", NOON + timedelta(minutes=1, seconds=30)),
        (2, "run 2", NOON + timedelta(minutes=2, seconds=30)),
    ]


def test_the_history_has_one_row_for_each_changed_tracked_field(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 1, whole=1, text="a", money="1.50", number=1), dated(2, 1, whole=1)])
    assert desk.rows("SELECT * FROM ops.changes") == []
    desk.load([dated(1, 2, whole=2, text=None, money="1.5000", number=2), dated(2, 1, whole=1), dated(3, 2, whole=9)])
    seen = NOON + timedelta(minutes=2, seconds=30)
    changed = datetime(2026, 1, 2, tzinfo=UTC)
    assert sorted(desk.rows("SELECT endpoint, id, field, old, new, changed_at, seen_at, run_id FROM ops.changes")) == [
        ("things", 1, "text", "a", None, changed, seen, "run 2"),
        ("things", 1, "whole", "1", "2", changed, seen, "run 2"),
    ]


def test_the_history_tells_when_a_row_went_and_when_it_came_back(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 1), dated(2, 1, whole=1)])
    desk.load([dated(1, 1)])
    desk.load([dated(1, 1), dated(2, 5, whole=2)])
    went, back = (NOON + timedelta(minutes=number, seconds=30) for number in (2, 3))
    mark = f"{went:%Y-%m-%d %H:%M:%S}+00"
    found = desk.rows(
        "SELECT id, field, old, new, changed_at, seen_at, run_id FROM ops.changes ORDER BY seen_at, field"
    )
    assert found == [
        (2, "_deleted_at", None, mark, None, went, "run 2"),
        (2, "_deleted_at", mark, None, datetime(2026, 1, 5, tzinfo=UTC), back, "run 3"),
        (2, "whole", "1", "2", datetime(2026, 1, 5, tzinfo=UTC), back, "run 3"),
    ]
    assert desk.load([dated(1, 1), dated(2, 5, whole=2)]).row.restored == 0
    assert desk.row("SELECT count(*) FROM ops.changes") == (3,)


def test_a_list_whose_columns_are_not_tracked_has_a_history_of_what_went(desk: WarehouseHarness) -> None:
    bare = replace(THINGS, columns=tuple(replace(column, tracked=False) for column in THINGS.columns))
    for present in ((1, 2), (1,), (1, 2)):
        desk.load(things(*present), endpoint=bare)
    assert desk.rows("SELECT id, field, new IS NULL FROM ops.changes ORDER BY seen_at") == [
        (2, "_deleted_at", False),
        (2, "_deleted_at", True),
    ]


def test_a_row_says_when_it_was_first_seen_whatever_becomes_of_it(desk: WarehouseHarness) -> None:
    first, later = (NOON + timedelta(minutes=number, seconds=30) for number in (1, 2))
    desk.load([dated(1, 1), dated(2, 1), dated(3, 1)])
    desk.load([dated(1, 1), dated(2, 2), dated(4, 1)])
    desk.load([dated(n, 9, whole=n) for n in (1, 2, 3, 4)])
    assert desk.rows("SELECT id, _first_seen_at FROM things ORDER BY id") == [
        (1, first),
        (2, first),
        (3, first),
        (4, later),
    ]


def test_rows_of_another_account_are_seen_for_the_first_time_and_have_no_history(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 1, whole=1), dated(2, 1)])
    desk.load([dated(1, 2, whole=2)], LoadOptions(new_account=True))
    assert desk.rows("SELECT id, field FROM ops.changes") == [(2, "_deleted_at")]
    assert desk.row("SELECT _first_seen_at FROM things WHERE id = 1") == (NOON + timedelta(minutes=2, seconds=30),)


def test_the_history_of_an_endpoint_without_times_has_none(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "name": "old"}], endpoint="activities")
    desk.load([{"id": 1, "name": "new"}], endpoint="activities")
    assert desk.rows("SELECT field, old, new, changed_at FROM ops.changes") == [("name", "old", "new", None)]


def test_a_change_that_is_not_written_is_no_history(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5, whole=5)])
    desk.load([dated(1, 4, whole=4)])
    assert desk.rows("SELECT * FROM ops.changes") == []


def test_an_overtaken_read_adds_rows_and_newer_versions_and_nothing_else(desk: WarehouseHarness) -> None:
    early = desk.extract([dated(1, 1, whole=1), dated(2, 9, whole=9), dated(3, 1, whole=1), dated(5, 9)])
    desk.load([dated(1, 1, whole=0), dated(2, 2), dated(3, 2, whole=2), dated(4, 2), dated(5, 1)])
    desk.load([dated(n, 2, whole=2) for n in (1, 2, 3, 4)], LoadOptions(server_wins=True))
    assert desk.rows("SELECT id FROM things WHERE _deleted_at IS NOT NULL") == [(5,)]
    result = desk.load(early)
    assert (result.row.verdict, result.row.deleted, result.row.restored) == ("unproven", 0, 0)
    assert "was loaded" in result.row.reason
    assert desk.rows("SELECT id, whole, _deleted_at IS NULL FROM things ORDER BY id") == [
        (1, 2, True),
        (2, 9, True),
        (3, 2, True),
        (4, 2, True),
        (5, None, False),
    ]


def test_an_overtaken_read_of_rows_without_times_replaces_nothing(desk: WarehouseHarness) -> None:
    early = desk.extract([{"id": 1, "name": "early"}, {"id": 2, "name": "new"}], endpoint="activities")
    desk.load([{"id": 1, "name": "late"}], endpoint="activities")
    assert desk.load(early).row.outdated == 1
    assert desk.rows("SELECT id, name FROM activities ORDER BY id") == [(1, "late"), (2, "new")]


def test_the_watermark_is_the_newest_change_of_a_proven_read_and_never_beyond_its_begin(desk: WarehouseHarness) -> None:
    assert desk.load([dated(1, 5), dated(2, 3)]).row.watermark == datetime(2026, 1, 5, tzinfo=UTC)
    assert desk.load([dated(1, 6)], verdict="unproven").row.watermark is None
    ahead = desk.load([{"id": 1, "updated_at": "2030-01-01T00:00:00Z"}, dated(2, 3)])
    assert ahead.row.watermark == datetime(2026, 1, 3, tzinfo=UTC), "a change that is still to come says nothing"
    second_ahead = desk.extract([{"id": 3, "updated_at": format_instant(NOON + timedelta(minutes=9, seconds=30))}])
    second_ahead = replace(second_ahead, began_at=NOON + timedelta(minutes=9))
    assert desk.load(second_ahead).row.watermark == second_ahead.began_at


def test_a_table_without_a_change_filter_has_no_watermark(desk: WarehouseHarness) -> None:
    assert THINGS.change_filter
    assert desk.load([{"id": 1, "updated_at": "2026-01-01T00:00:00Z"}], endpoint="teams").row.watermark is None


def test_a_load_takes_a_handful_of_statements_whatever_the_number_of_rows(
    desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = desk.statements(monkeypatch)
    counts = []
    for records in ([dated(1, 1)], [dated(n, 1) for n in range(3000)], [dated(n, 1) for n in range(3000)]):
        statements.clear()
        desk.load(records)
        counts.append(len(statements))
    first, more, same = counts
    assert first <= 30  # the tables of the bookkeeping are made
    assert more <= 16
    assert same <= more - 1
