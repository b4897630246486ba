"""Records that cannot be rows: kept, counted, told, and never in the way of the others."""

import multiprocessing
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.records.page import parse_page
from leads_assets.engine.records.spool import MOST_VALUES, SpoolWriter
from leads_assets.engine.records.values import ExactParser
from leads_assets_tests.harness.desk import THINGS, WarehouseHarness

pytestmark = pytest.mark.process

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["leads_assets_tests.harness.desk"])

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


MEGABYTE = 1 << 20
LARGE: Mapping[str, Callable[[], bytes]] = {
    "text": lambda: b'{"id":1,"text":"%s"}' % (b"x" * (60 * MEGABYTE)),
    "json": lambda: b'{"id":1,"nested":[%s1]}' % (b"{}," * (32 * MEGABYTE // 3)),
    "unknown": lambda: b'{"id":1,"new":[%s1]}' % (b'"abcdefg",' * (40 * MEGABYTE // 10)),
    "no id": lambda: b'{"number":[%s1]}' % (b"1," * (30 * MEGABYTE)),
}


def load_large(folder: Path, name: str, told: Any) -> None:
    """In a process of its own: load a page with a large record, and tell what became of it, with the memory in MB."""
    Path("/proc/self/clear_refs").write_text("5")  # or else the peak would be that of the process that started this one
    desk = WarehouseHarness(folder)
    extract = desk.extract([])
    writer = SpoolWriter(extract.spooled.folder, THINGS)
    body = b'{"data":[{"id":7},%s,{"id":8,"text":"%s"}]}' % (LARGE[name](), b"y" * (2 * MEGABYTE))
    page = parse_page(
        body, {}, "data", DIALECT, ExactParser({column.json_key: column.type for column in THINGS.columns})
    )
    writer.add(page.records, page.ids, exact=page.exact)
    row = desk.load(replace(extract, spooled=writer.close())).row
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    told.put((row.rejected, row.live_rows, int(peak) / 1024))


@pytest.mark.parametrize("name", LARGE)
def test_a_record_of_32_to_60_megabytes_spoils_itself_and_not_its_list(tmp_path: Path, name: str) -> None:
    told = PROCESSES.Queue()
    child = PROCESSES.Process(target=load_large, args=(tmp_path, name, told))
    child.start()
    rejected, live, peak = told.get(timeout=120)
    child.join(30)
    assert (rejected, live) == (1, 2)
    assert peak < 500
    desk = WarehouseHarness(tmp_path)
    assert [row[0] for row in desk.rows("SELECT id FROM things ORDER BY id")] == [7, 8]
    ((reason, kept),) = desk.rows("SELECT reason, record FROM ops.rejected_rows")
    assert reason.startswith("no usable id" if name == "no id" else "too large")
    assert kept == LARGE[name]().decode()


def test_a_large_record_that_comes_with_every_read_is_kept_once(desk: WarehouseHarness) -> None:
    large = b'{"text":"%s"}' % (b"x" * (8 * MEGABYTE))
    for _ in range(3):
        assert desk.load([large, b'{"x":1}', {"id": 1}, large]).row.rejected == 3
    assert desk.rows("SELECT length(record) FROM ops.rejected_rows ORDER BY 1") == [(7,), (len(large),)]


@pytest.mark.parametrize("column", ["nested", "new", "whole"])
def test_a_few_records_with_as_many_values_as_a_row_may_have_are_rows(desk: WarehouseHarness, column: str) -> None:
    records = [b'{"id":%d,"%s":[%s1]}' % (n, column.encode(), b"1," * (MOST_VALUES - 10)) for n in range(3)]
    for _ in range(2):
        assert desk.load([*records, {"id": 9}]).row.rejected == 0
    assert desk.row("SELECT count(*) FROM things WHERE _deleted_at IS NULL") == (4,)


@pytest.mark.parametrize("column", ["text", "nested", "new", "whole"])
def test_a_record_of_21_megabytes_is_a_row(desk: WarehouseHarness, column: str) -> None:
    record = b'{"id":1,"%s":"%s"}' % (column.encode(), b"x" * (21 * MEGABYTE))
    for _ in range(2):
        assert desk.load([record, {"id": 2}]).row.rejected == 0
    assert desk.row("SELECT count(*) FROM things WHERE _deleted_at IS NULL") == (2,)
