"""Frames of other assets: merged by id, and read back with types that keep ids whole."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.frames import read_table
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.engine.warehouse.schema import TableName
from leads_assets_tests.harness.desk import NOON, WarehouseHarness

pytestmark = pytest.mark.process

BIG = 2**53 + 1


def load(desk: WarehouseHarness, frame: "pd.DataFrame | pa.Table", run: str = "run", cursor: str = "") -> LoadResult:
    """Load a frame into the table `scores`."""
    desk.loads += 1
    at = NOON + timedelta(minutes=desk.loads)
    with closing(Loader(desk.warehouse, now=lambda: at)) as loader:
        return loader.load_frame(TableName("scores"), frame, run, cursor=cursor)


FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas, nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "pandas, arrow": lambda data: pd.DataFrame(data).convert_dtypes(dtype_backend="pyarrow"),
    "pyarrow": pa.table,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_frames_are_merged_by_id(desk: WarehouseHarness, make: Callable[[dict[str, list[Any]]], Any]) -> None:
    first = make({"id": [1, 2, BIG], "score": [0.5, 1.5, 2.5], "label": ["a", None, "c"]})
    assert load(desk, first, "run 1").row.inserted == 3
    again = load(desk, first, "run 2").row
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 3)
    second = make({"id": [2, 3], "score": [9.5, 3.5], "label": ["b", "d"]})
    row = load(desk, second, "run 3").row
    assert (row.inserted, row.updated, row.deleted, row.verdict) == (1, 1, 0, "unproven")
    assert desk.rows("SELECT id, score, label, _run_id FROM scores ORDER BY id") == [
        (1, 0.5, "a", "run 1"),
        (2, 9.5, "b", "run 3"),
        (3, 3.5, "d", "run 3"),
        (BIG, 2.5, "c", "run 1"),
    ]


def test_lists_times_and_decimals_keep_their_types(desk: WarehouseHarness) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "tags": pa.array([["a", "b"], None], pa.list_(pa.string())),
            "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
            "day": pa.array([date(2026, 1, 1), None]),
            "price": pa.array([Decimal("1.25"), None], pa.decimal128(12, 2)),
            "facts": pa.array([{"a": 1}, None]),
        }
    )
    load(desk, table)
    assert load(desk, table).row.updated == 0
    kinds = dict(desk.rows("SELECT column_name, column_type FROM (DESCRIBE scores)"))
    assert {name: kinds[name] for name in table.column_names} == {
        "id": "BIGINT",
        "tags": "VARCHAR[]",
        "at": "TIMESTAMP WITH TIME ZONE",
        "day": "DATE",
        "price": "DECIMAL(12,2)",
        "facts": "STRUCT(a BIGINT)",
    }
    assert desk.row('SELECT tags, "at", day, price, facts FROM scores WHERE id = 1') == (
        ["a", "b"],
        datetime(2026, 1, 1, tzinfo=UTC),
        date(2026, 1, 1),
        Decimal("1.25"),
        {"a": 1},
    )


def test_nested_values_that_differ_in_any_way_are_a_change(desk: WarehouseHarness) -> None:
    kind = pa.struct([("a", pa.int64()), ("b", pa.list_(pa.list_(pa.string())))])
    values: list[Any] = [
        None,
        {"a": None, "b": None},
        {"a": None, "b": []},
        {"a": None, "b": [[]]},
        {"a": None, "b": [None]},
    ]
    for value in values:
        assert load(desk, pa.table({"id": [1], "x": pa.array([value], kind)})).wrote


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (pd.array([1, None, BIG], dtype="Int64"), [1, BIG]),
        (np.array([1.0, np.nan, 2.5]), [1]),
        (["1", "x", None, "02", "1.0", "9"], [1, 9]),
        (pd.array([1, None], dtype="Float64"), [1]),
        (np.array([2**64 - 1, 5], dtype="uint64"), [5]),
    ],
    ids=["nullable", "floats", "texts", "nullable floats", "unsigned"],
)
def test_rows_without_a_usable_id_are_counted_and_left_out(desk: WarehouseHarness, ids: Any, kept: list[int]) -> None:
    row = load(desk, pd.DataFrame({"id": ids, "x": "y"})).row
    assert [held[0] for held in desk.rows("SELECT id FROM scores ORDER BY id")] == kept
    assert (row.inserted, row.rejected) == (len(kept), len(ids) - len(kept))


def test_a_frame_without_an_id_is_refused_with_the_names_of_its_columns(desk: WarehouseHarness) -> None:
    with pytest.raises(LoadFailed, match=r"scores: the frame has no `id` column \(columns: number, x\)"):
        load(desk, pd.DataFrame({"number": [1], "x": ["canary"]}))
    assert desk.everything() == {}


@pytest.mark.parametrize("name", ["_deleted_at", "_EXTRA"])
def test_a_frame_with_a_column_of_ours_is_refused(desk: WarehouseHarness, name: str) -> None:
    with pytest.raises(LoadFailed, match=f"every table has columns: {name} of its own; rename them"):
        load(desk, pd.DataFrame({"id": [1], name: ["x"]}))


@pytest.mark.parametrize(
    ("cursor", "kept"), [("at", ["new", "newer"]), ("", ["old", "newer"]), ("x", ["old", "newer"])]
)
def test_an_older_row_of_a_frame_is_left_out_where_a_column_tells_its_age(
    desk: WarehouseHarness, cursor: str, kept: list[str]
) -> None:
    later, sooner = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    load(desk, pd.DataFrame({"id": [1, 2], "at": [later, sooner], "text": ["new", "old"]}), cursor=cursor)
    row = load(desk, pd.DataFrame({"id": [1, 2], "at": [sooner, later], "text": ["old", "newer"]}), cursor=cursor).row
    assert [text for (text,) in desk.rows("SELECT text FROM scores ORDER BY id")] == kept
    assert row.outdated == (1 if cursor == "at" else 0)


def test_a_new_column_of_a_frame_widens_the_table(desk: WarehouseHarness) -> None:
    load(desk, pd.DataFrame({"id": [1, 2], "x": [1, 2]}))
    row = load(desk, pd.DataFrame({"id": [1], "x": [1], "y": [True]})).row
    assert row.new_columns == {"y": "BOOLEAN"}
    assert desk.rows("SELECT id, x, y FROM scores ORDER BY id") == [(1, 1, True), (2, 2, None)]


def test_a_value_of_another_type_stays_in_extra(desk: WarehouseHarness) -> None:
    load(desk, pd.DataFrame({"id": [1, 2], "x": [1, 2]}))
    row = load(desk, pd.DataFrame({"id": [1, 2], "x": ["7", "many"]})).row
    assert row.misfits == {"x": 1}
    assert desk.rows("SELECT x, CAST(_extra AS VARCHAR) FROM scores ORDER BY id") == [(7, None), (None, '{"x":"many"}')]


@pytest.mark.parametrize("nothing", [pa.nulls(2), pa.nulls(2, pa.int32()), pa.nulls(2, pa.float64())])
def test_a_column_that_was_all_null_takes_the_type_of_its_first_value(desk: WarehouseHarness, nothing: Any) -> None:
    load(desk, pa.table({"id": [1, 2], "x": nothing}))
    assert load(desk, pa.table({"id": [1, 2], "x": ["many", None]})).row.misfits == {}
    assert load(desk, pa.table({"id": [1, 2], "x": nothing})).row.misfits == {}
    load(desk, pa.table({"id": [1, 2], "x": [BIG, None]}))
    assert desk.rows("SELECT x FROM scores ORDER BY id") == [(BIG,), (None,)]


def test_the_later_of_two_rows_with_one_id_counts(desk: WarehouseHarness) -> None:
    load(desk, pd.DataFrame({"id": [1, 1, 2], "x": ["a", "b", "c"]}))
    assert desk.rows("SELECT id, x FROM scores ORDER BY id") == [(1, "b"), (2, "c")]


def test_an_empty_frame_changes_nothing(desk: WarehouseHarness) -> None:
    load(desk, pd.DataFrame({"id": [1], "x": ["a"]}))
    row = load(desk, pd.DataFrame({"id": pd.array([], dtype="int64"), "x": pd.array([], dtype="str")})).row
    assert (row.inserted, row.deleted, row.live_rows) == (0, 0, 1)


def test_an_error_over_a_frame_quotes_no_value(desk: WarehouseHarness) -> None:
    load(desk, pd.DataFrame({"id": [1], "x": [1]}))
    with desk.warehouse.write("the test") as session:
        session.run("doing harm", "ALTER TABLE main.scores ALTER COLUMN _run_id SET DATA TYPE INTEGER USING NULL")
    with pytest.raises(LoadFailed, match="scores: ConversionException while inserting rows") as told:
        load(desk, pd.DataFrame({"id": [1], "x": ["canary"]}))
    assert "canary" not in str(told.value)


def test_a_table_is_read_with_types_that_hold_a_null_beside_a_long_number(desk: WarehouseHarness) -> None:
    table = pa.table(
        {
            "id": [BIG, 1],
            "other_id": pa.array([None, BIG + 1], pa.int64()),
            "small": pa.array([None, 7], pa.int16()),
            "unsigned": pa.array([None, 2**64 - 1], pa.uint64()),
            "flag": [None, True],
            "number": [None, 1.5],
            "text": ["x", None],
            "at": pa.array([None, datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
            "tags": [["a"], None],
        }
    )
    load(desk, table)
    frame = read_table(desk.warehouse, TableName("scores"))
    assert list(frame.columns) == table.column_names
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "id": "Int64",
        "other_id": "Int64",
        "small": "Int16",
        "unsigned": "UInt64",
        "flag": "boolean",
        "number": "Float64",
        "text": "str",
        "at": "datetime64[us, UTC]",
        "tags": "object",
    }
    assert frame["id"].tolist() == [1, BIG]
    assert frame["other_id"].tolist() == [BIG + 1, pd.NA]
    assert frame["unsigned"].tolist() == [2**64 - 1, pd.NA]
    assert frame["flag"].tolist() == [True, pd.NA]


def test_a_table_can_be_read_changed_and_loaded_again(desk: WarehouseHarness) -> None:
    desk.load([{"id": BIG, "whole": None, "money": "1.50"}, {"id": 2, "whole": BIG, "texts": ["a"]}])
    frame = read_table(desk.warehouse, TableName("things"))
    frame["whole"] = frame["whole"] + 1
    load(desk, frame[["id", "whole"]])
    assert desk.rows("SELECT id, whole FROM scores ORDER BY id") == [(2, BIG + 1), (BIG, None)]


def test_rows_that_are_gone_are_not_read(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}, {"id": 2}])
    desk.load([{"id": 2}])
    assert read_table(desk.warehouse, TableName("things"))["id"].tolist() == [2]


def test_an_empty_table_is_read_with_its_columns(desk: WarehouseHarness) -> None:
    desk.load([])
    frame = read_table(desk.warehouse, TableName("things"))
    assert (len(frame), str(frame["id"].dtype), str(frame["whole"].dtype)) == (0, "Int64", "Int64")


def test_reading_a_table_that_is_not_there_says_what_to_do(desk: WarehouseHarness) -> None:
    with pytest.raises(LoadFailed, match=r"scores: there is no such table in .*; materialize it first"):
        read_table(desk.warehouse, TableName("scores"))
    desk.load([])
    with pytest.raises(LoadFailed, match="materialize it first"):
        read_table(desk.warehouse, TableName("scores"))


def test_loading_an_extract_imports_no_pandas(desk: WarehouseHarness) -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from leads_assets_tests.harness.desk import WarehouseHarness\n"
        "desk = WarehouseHarness(Path(sys.argv[1])); desk.load([{'id': 1}])\n"
        "desk.load([{'id': 1, 'whole': 2}, {'no': 'id'}])\n"
        "from leads_assets.engine.warehouse.runs import sync_states, freshness\n"
        "assert sync_states(desk.warehouse, datetime.now(UTC)) and freshness(desk.warehouse)\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(desk.folder / "child")], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"
