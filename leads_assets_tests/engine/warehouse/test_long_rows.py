"""Rows that are long, or dense JSON: loaded in any number, most of them within the usual memory."""

import pytest

from leads_assets.engine.records.spool import PART
from leads_assets.engine.warehouse import load
from leads_assets.engine.warehouse.staging_database import MEMORY_LIMIT
from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = pytest.mark.process


def told(desk: WarehouseHarness, column: str, rows: int, values: int) -> list[tuple[int, int, int]]:
    """What became of rows that are loaded, changed, and loaded again, each with a list of `values` numbers."""
    counts = []
    for number in (1, 2, 2):
        row = desk.load([{"id": n, column: [number] * values} for n in range(rows)]).row
        counts.append((row.inserted, row.updated, row.unchanged))
    return counts


@pytest.mark.parametrize("column", [pytest.param("new", marks=pytest.mark.long), "nested"])
def test_many_dense_rows_are_loaded_within_the_usual_memory(
    desk: WarehouseHarness, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5,000 rows of 5 kB in a field that nobody declared once ended in `OutOfMemoryException`, always."""
    monkeypatch.setattr(load, "MOST_MEMORY", MEMORY_LIMIT)
    assert told(desk, column, 5_000, 2_500) == [(5_000, 0, 0), (0, 5_000, 0), (0, 0, 5_000)]


def test_long_rows_that_stand_together_get_more_memory(desk: WarehouseHarness) -> None:
    assert told(desk, "new", 100, 50_000) == [(100, 0, 0), (0, 100, 0), (0, 0, 100)]


def test_a_changed_record_of_21_megabytes_is_a_changed_row(desk: WarehouseHarness) -> None:
    for letter, updated in (("x", 0), ("y", 1), ("y", 0)):
        row = desk.load([{"id": n, "nested": letter * (21 << 20)} for n in range(2)]).row
        assert (row.rejected, row.updated) == (0, 2 * updated)


def test_of_rows_with_one_id_in_several_files_the_later_one_counts(desk: WarehouseHarness) -> None:
    extract = desk.extract([{"id": 1, "text": f"{n}" + "x" * PART} for n in range(12)])
    assert len(extract.spooled.rows) == 12
    desk.load(extract)
    assert desk.rows("SELECT text[:2] FROM things") == [("11",)]
