"""A load happens as a whole or not at all, whatever fails."""

import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.session import Session
from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.harness.rich_load import CANARY, PROCESSES, Stop, count_statements, fail_at, rich_extract

pytestmark = pytest.mark.socket


def test_the_load_under_test_does_everything(loaded: WarehouseHarness) -> None:
    row = loaded.load(rich_extract(loaded)).row
    assert (row.inserted, row.updated, row.outdated, row.deleted) == (20, 4, 1, 10)
    assert row.misfits == {"old": 1, "money": 1}
    assert row.new_columns == {"new field": "BIGINT"}
    fields = loaded.rows("SELECT field, count(*) FROM ops.changes GROUP BY field ORDER BY field")
    assert fields == [("_deleted_at", 11), ("whole", 1)]


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_a_failure_at_a_statement_leaves_everything_as_it_was(
    loaded: WarehouseHarness, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    extract = rich_extract(loaded)
    statements = count_statements(loaded, extract)
    assert statements > 20
    before = loaded.everything()
    committed = 0
    for number in {*range(1, statements, 3), statements} if after else range(1, statements + 1):
        fault: Callable[[], BaseException] = (lambda: LoadFailed("made up")) if number % 2 else KeyboardInterrupt
        with monkeypatch.context() as patch:
            fail_at(patch, number, fault, after=after)
            with pytest.raises((LoadFailed, KeyboardInterrupt)):
                loaded.load(extract)
        if loaded.everything() != before:
            committed = number
            break
    # Only a commit that was executed, and whose answer never came, may have happened: the last statement.
    assert committed == (statements if after else 0)


def test_an_error_of_the_database_at_any_statement_names_its_step_and_no_value(
    loaded: WarehouseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = rich_extract(loaded)
    execute = Session.execute
    steps: list[str] = []
    broken_at = 0

    def note(session: Session, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        steps.append(step)
        broken = f"SELECT CAST('{CANARY}' AS INTEGER)" if len(steps) == broken_at else sql
        return execute(session, step, broken)

    monkeypatch.setattr(Session, "execute", note)
    before = loaded.everything()
    for broken_at in (1, 5, 10, 15, 20):  # noqa: B007  read by `note`
        steps.clear()
        with pytest.raises(LoadFailed) as told:
            loaded.load(extract)
        assert steps[-1] in str(told.value)
        assert "ConversionException" in str(told.value)
        assert CANARY not in str(told.value)
        assert told.value.__cause__ is None
    assert loaded.everything() == before


def load_with_little_disk(path: Path, extract: Extract, room: int, told: Any) -> None:
    """In a process of its own: load while no file may grow beyond `room` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        WarehouseHarness(path.parent).loader().load(extract, "run 4")
        told.put("loaded")
    except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
        told.put(f"{type(error).__name__}: {error}")


def test_a_full_disk_leaves_the_committed_state_and_says_so(desk: WarehouseHarness) -> None:
    dice = random.Random(6)
    many = [{"id": n, "text": CANARY + str(dice.random())} for n in range(20_000)]
    desk.load(many)
    before = desk.everything()
    extract = desk.extract([{"id": n, "text": "b" + str(dice.random())} for n in range(20_000)])
    size = desk.warehouse.path.stat().st_size
    for room in (size + 20_000, size + 400_000, 100_000):
        told = PROCESSES.Queue()
        child = PROCESSES.Process(target=load_with_little_disk, args=(desk.warehouse.path, extract, room, told))
        child.start()
        said = told.get(timeout=60)
        child.join(60)
        assert said.startswith("LoadFailed: things: "), said
        assert "nothing was changed (the disk is full: free some space and run again)" in said
        assert CANARY not in said
        assert desk.everything() == before
    assert desk.load(extract).row.updated == 20_000


def test_the_connection_is_closed_whatever_happens(desk: WarehouseHarness) -> None:
    with pytest.raises(Stop), desk.warehouse.write("the test"):
        raise Stop
    with pytest.raises(Stop), desk.warehouse.read("the test"):
        raise Stop
    with pytest.raises(LoadFailed), desk.warehouse.write("the test") as session:
        session.run("nonsense", "nonsense")
    duckdb.connect(desk.warehouse.path).close()
    FileWarehouse(desk.warehouse.path, lock_seconds=0.1).path.unlink()


def test_an_id_that_stands_twice_is_found_before_the_commit(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}, {"id": 2}])
    with desk.warehouse.write("the test") as session:
        session.run("doing harm", "INSERT INTO main.things SELECT * FROM main.things")
    before = desk.everything()
    with pytest.raises(LoadFailed, match="5 rows hold 3 different ids; nothing was changed"):
        desk.load([{"id": 3}])
    assert desk.everything() == before
