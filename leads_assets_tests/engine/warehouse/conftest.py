"""Every test has a warehouse of its own; what a load does is tried on a lake too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.harness.rich_load import BEFORE, CANARY

ON_A_LAKE = {"types"}
"""Files whose tests run on a lake as often as on a DuckDB file."""
LONG_ON_A_LAKE = {
    *("changes", "deletions", "evolution", "frames", "lossless", "rejects", "runs", "states", "superseded", "types")
}
"""Files whose tests ask what a load does, and nothing about a file; on a lake they take a minute each."""
OF_FILES = {"test_repeating_a_sync_does_not_let_the_file_grow", "test_an_error_over_a_frame_quotes_no_value"}
"""Tests of those files that need a file, or a change to a column that a lake does not know."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The tests of those files run on a DuckDB file, on a lake, and on a lake whose catalog is in PostgreSQL."""
    name = metafunc.module.__name__.rpartition("test_")[2]
    if "desk" in metafunc.fixturenames and name in LONG_ON_A_LAKE and metafunc.function.__name__ not in OF_FILES:
        usual = () if name in ON_A_LAKE else pytest.mark.long
        on = ["file", pytest.param("ducklake", marks=usual), pytest.param("postgres", marks=pytest.mark.long)]
        metafunc.parametrize("kind", on, ids=["file", "ducklake", "postgres"])


@pytest.fixture
def kind() -> str:
    """Where the warehouse is."""
    return "file"


@pytest.fixture
def desk(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> WarehouseHarness:
    """A warehouse that does not exist yet."""
    if kind == "file":
        return WarehouseHarness(tmp_path)
    if kind == "ducklake":
        return WarehouseHarness(tmp_path, address=f"ducklake:{tmp_path}/leads.ducklake")
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return WarehouseHarness(tmp_path, address=f"ducklake:postgres:{new_database()}")


@pytest.fixture
def loaded(desk: WarehouseHarness) -> WarehouseHarness:
    """A warehouse in which there is something to lose, a marked row and a rejected record too."""
    desk.load([*BEFORE, {"id": 60}])
    desk.load([*BEFORE, {"id": None, "text": CANARY}], verdict="unproven")
    desk.load(BEFORE)
    return desk
