"""Records that cannot be rows: kept, counted, told, and never in the way of the others."""

import pytest

from leads_assets_tests.harness.desk import WarehouseHarness

NO_ROWS = [
    b'{"name":"no id"}',
    b'{"id":null}',
    b'{"id":"12"}',
    b'{"id":1.5}',
    b'{"id":true}',
    b'{"id":9223372036854775808}',
    b'{"id":{"a":1}}',
    b'"a text"',
    b"[1]",
    b"null",
    b"{}",
]


def rejected(desk: WarehouseHarness) -> list[tuple[str, str, str, str]]:
    """What is kept."""
    return [
        (endpoint, run, reason, record)
        for endpoint, run, reason, record in desk.rows(
            "SELECT endpoint, run_id, reason, record FROM ops.rejected_rows ORDER BY seen_at, record"
        )
    ]


def test_records_without_a_usable_id_are_kept_and_the_others_become_rows(desk: WarehouseHarness) -> None:
    result = desk.load([{"id": 1}, *NO_ROWS, {"id": 2}], page=3)
    assert (result.row.inserted, result.row.rejected) == (2, len(NO_ROWS))
    reason = "no usable id: it must be an integer of at most 64 bits"
    expected = sorted(record.decode() for record in NO_ROWS)
    assert rejected(desk) == [("things", "run 1", reason, record) for record in expected]


def test_a_record_that_comes_with_every_read_is_kept_once(desk: WarehouseHarness) -> None:
    desk.load([b'{"x":1}', b'{"x":1}', {"id": 1}])
    assert desk.load([b'{"x":1}', b'{"x":2}', {"id": 1}]).row.rejected == 2
    assert [(run, record) for _, run, _, record in rejected(desk)] == [("run 1", '{"x":1}'), ("run 2", '{"x":2}')]


def test_the_same_record_of_two_endpoints_is_kept_for_each(desk: WarehouseHarness) -> None:
    desk.load([b'{"x":1}'])
    desk.load([b'{"x":1}'], endpoint="teams")
    assert [endpoint for endpoint, *_ in rejected(desk)] == ["things", "teams"]


@pytest.mark.parametrize("broken", [rb'"\ud800"', rb'["\udfff"]', b"[" * 5000 + b"]" * 5000])
def test_a_record_with_a_broken_text_or_endless_nesting_is_kept_as_it_was_sent(
    desk: WarehouseHarness, broken: bytes
) -> None:
    record = b'{"id":1,"other":' + broken + b"}"
    result = desk.load([record, {"id": 2}])
    assert (result.row.inserted, result.row.rejected) == (1, 1)
    assert rejected(desk)[0][3] == record.decode()


def test_a_rejected_record_leaves_the_read_unproven(desk: WarehouseHarness) -> None:
    row = desk.load([b'{"x":1}', {"id": 1}]).row
    assert (row.verdict, row.reason, row.watermark) == ("unproven", "1 records could not become rows", None)


def test_a_read_of_nothing_but_rejects_changes_no_row(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}, {"id": 2}])
    row = desk.load(NO_ROWS).row
    assert (row.inserted, row.updated, row.deleted, row.rows_read) == (0, 0, 0, 0)
    assert desk.row("SELECT count(*) FROM things WHERE _deleted_at IS NULL") == (2,)
