"""A load happens as a whole or not at all: whatever fails, and whenever it is killed."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leads_assets.endpoints import Column, ColumnType
from leads_assets.extract import Extract
from leads_assets.warehouse.connection import Session, Warehouse
from leads_assets.warehouse.errors import LoadFailed
from leads_assets_tests.warehouse.desk import THINGS, Desk

# The child begins as a copy of a process that has imported everything and has no threads yet.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["leads_assets_tests.warehouse.desk"])

CANARY = "canary@example.com"

BEFORE: list[dict[str, Any]] = [
    {"id": n, "whole": n, "text": CANARY, "nested": {"a": n}, "old": n, "updated_at": "2026-01-02T00:00:00Z"}
    for n in range(60)
]


def wider() -> tuple[Column, ...]:
    """The declaration that follows the one before: a column renamed, one of another type, a new one."""
    renamed = {
        "flag": Column("truth", ColumnType.BOOLEAN, "Truth.", key="flag", formerly=("flag",)),
        "whole": Column("whole", ColumnType.DOUBLE, "Number.", tracked=True),
    }
    return (
        *(renamed.get(column.name, column) for column in THINGS.columns),
        Column("latest", ColumnType.TEXTS, "New."),
    )


def rich_extract(desk: Desk) -> Extract:
    """An extract that makes a load do everything it can do, on top of `BEFORE`."""
    records: list[Any] = [dict(record) for record in BEFORE[:50]]  # ten are gone
    records[1] |= {"whole": 1000, "updated_at": "2026-01-03T00:00:00Z"}  # changed, with history
    records[2] |= {"nested": {"b": 1, "a": 2}}
    records[3] |= {"updated_at": "2026-01-01T00:00:00Z", "whole": 5}  # outdated
    records[4] |= {"old": "no number"}  # a misfit of an evolved column
    records[5] |= {"money": "12.345678"}  # a misfit of a declared one
    records += [{"id": 100 + n, "new field": n} for n in range(20)]
    records += [{"id": 100, "whole": 1}]  # twice
    return replace(desk.extract(records), endpoint=replace(THINGS, columns=wider()))


@pytest.fixture
def loaded(desk: Desk) -> Desk:
    """A warehouse in which there is something to lose, a marked row and a rejected record too."""
    desk.load([*BEFORE, {"id": 60}])
    desk.load([*BEFORE, {"id": None, "text": CANARY}], verdict="unproven")
    desk.load(BEFORE)
    return desk


class Stop(Exception):
    """Something that no code of the project expects."""


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int, fault: Callable[[], BaseException], *, after: bool) -> None:
    """Let the statement of that number fail, before or after it was executed."""
    execute = Session.execute
    count = 0

    def failing(session: Session, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        nonlocal count
        count += 1
        if count == number and not after:
            raise fault()
        result = execute(session, step, sql)
        if count == number:
            raise fault()
        return result

    monkeypatch.setattr(Session, "execute", failing)


def count_statements(desk: Desk, extract: Extract) -> int:
    """How many statements the load of an extract executes, tried on a copy."""
    trial = Desk(desk.folder / "trial")
    trial.folder.mkdir()
    shutil.copy(desk.warehouse.path, trial.warehouse.path)
    with pytest.MonkeyPatch.context() as patch:
        statements = trial.statements(patch)
        trial.load(extract)
    return len(statements)


def test_the_load_under_test_does_everything(loaded: Desk) -> None:
    row = loaded.load(rich_extract(loaded)).row
    assert (row.inserted, row.updated, row.outdated, row.deleted) == (20, 4, 1, 10)
    assert row.misfits == {"old": 1, "money": 1}
    assert row.new_columns == {"new field": "BIGINT"}
    assert loaded.rows("SELECT id, field, old, new FROM ops.changes") == [(1, "whole", "1.0", "1000.0")]


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_a_failure_at_any_statement_leaves_everything_as_it_was(
    loaded: Desk, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    extract = rich_extract(loaded)
    statements = count_statements(loaded, extract)
    assert statements > 20
    before = loaded.everything()
    committed = 0
    for number in range(1, statements + 1):
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
    loaded: Desk, monkeypatch: pytest.MonkeyPatch
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


def kill_myself() -> BaseException:
    """Never returns."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Stop()


def die_at(path: Path, extract: Extract, number: int) -> None:
    """In a process of its own: load, and be killed before the statement of that number."""
    with pytest.MonkeyPatch.context() as patch:
        fail_at(patch, number, kill_myself, after=False)
        Desk(path.parent, name=path.name).loader().load(extract, "run 4")


def load_in_child(path: Path, extract: Extract) -> None:
    """In a process of its own: load."""
    Desk(path.parent, name=path.name).loader().load(extract, "run 4")


class Killed:
    """Copies of one warehouse, each loaded by a process that is killed."""

    def __init__(self, desk: Desk) -> None:
        self.extract = rich_extract(desk)
        self.base = desk.warehouse.path
        self.old = desk.everything()
        self.statements = count_statements(desk, self.extract)
        self.clean = self._copy("clean")
        self.clean.loader().load(self.extract, "run 4")
        self.new = self.clean.everything()
        self.seen: set[str] = set()

    def _copy(self, name: str) -> Desk:
        copy = Desk(self.base.parent / name)
        copy.folder.mkdir()
        shutil.copy(self.base, copy.warehouse.path)
        return copy

    def time_one(self) -> float:
        """Seconds that a load takes which nobody kills, its process included."""
        copy = self._copy("timed")
        child = PROCESSES.Process(target=load_in_child, args=(copy.warehouse.path, self.extract))
        began = time.monotonic()
        child.start()
        child.join(60)
        assert copy.everything() == self.new
        return time.monotonic() - began

    def check(self, name: str, target: Callable[..., None], *more: int, seconds: float | None = None) -> None:
        """Kill a load, see that it is there as a whole or not at all, load again, and compare with the clean run."""
        copy = self._copy(name)
        child = PROCESSES.Process(target=target, args=(copy.warehouse.path, self.extract, *more))
        child.start()
        if seconds is not None:
            time.sleep(seconds)
            child.kill()
        child.join(60)
        state = copy.everything()
        assert state in (self.old, self.new)
        self.seen.add("old" if state == self.old else "new")
        copy.loader().load(self.extract, "run 4")
        again = copy.everything()
        if state == self.new:
            again["ops.sync_runs"] = self.new["ops.sync_runs"]  # one line more, of the load that found all done
        assert again == self.new
        shutil.rmtree(copy.folder)


def test_killed_between_two_statements_and_run_again_it_ends_like_one_clean_run(loaded: Desk) -> None:
    killed = Killed(loaded)
    for number in {*range(2, killed.statements, 3), killed.statements}:
        killed.check(f"at {number}", die_at, number)
    assert killed.seen == {"old"}


def test_killed_at_any_moment_and_run_again_it_ends_like_one_clean_run(loaded: Desk) -> None:
    killed = Killed(loaded)
    usual = killed.time_one()
    dice = random.Random(4)
    for attempt in range(20):
        killed.check(f"try {attempt}", load_in_child, seconds=dice.uniform(0.2, 1.1) * usual)


def first_load(path: Path, extract: Extract) -> None:
    """In a process of its own: make the warehouse."""
    Desk(path.parent).loader().load(extract, "run 1")


def test_killed_while_the_warehouse_is_made_it_can_be_made_again(desk: Desk) -> None:
    extract = desk.extract(BEFORE)
    dice = random.Random(5)
    for attempt in range(12):
        fresh = Desk(desk.folder / str(attempt))
        child = PROCESSES.Process(target=first_load, args=(fresh.warehouse.path, extract))
        child.start()
        time.sleep(dice.uniform(0.0, 0.12))
        child.kill()
        child.join(60)
        fresh.loader().load(extract, "run 2")
        assert fresh.row("SELECT count(*), count(DISTINCT id) FROM things") == (60, 60)


def test_half_a_file_from_a_killed_maker_is_not_taken_for_the_warehouse(desk: Desk) -> None:
    desk.warehouse.beside(".new").write_bytes(b"DUCK" * 100)
    desk.load(BEFORE)
    assert desk.row("SELECT count(*) FROM things") == (60,)
    assert not desk.warehouse.beside(".new").exists()


def load_with_little_disk(path: Path, extract: Extract, room: int, told: Any) -> None:
    """In a process of its own: load while no file may grow beyond `room` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        Desk(path.parent).loader().load(extract, "run 4")
        told.put("loaded")
    except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
        told.put(f"{type(error).__name__}: {error}")


def test_a_full_disk_leaves_the_committed_state_and_says_so(desk: Desk) -> None:
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


def test_the_connection_is_closed_whatever_happens(desk: Desk) -> None:
    with pytest.raises(Stop), desk.warehouse.write("the test"):
        raise Stop
    with pytest.raises(Stop), desk.warehouse.read("the test"):
        raise Stop
    with pytest.raises(LoadFailed), desk.warehouse.write("the test") as session:
        session.run("nonsense", "nonsense")
    duckdb.connect(desk.warehouse.path).close()
    Warehouse(desk.warehouse.path, lock_seconds=0.1).path.unlink()


def test_an_id_that_stands_twice_is_found_before_the_commit(desk: Desk) -> None:
    desk.load([{"id": 1}, {"id": 2}])
    with desk.warehouse.write("the test") as session:
        session.run("doing harm", "INSERT INTO main.things SELECT * FROM main.things")
    before = desk.everything()
    with pytest.raises(LoadFailed, match="5 rows hold 3 different ids; nothing was changed"):
        desk.load([{"id": 3}])
    assert desk.everything() == before
