"""A load that is killed, whenever it is, happened as a whole or not at all, and can be run again."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leads_assets.engine.records.extract import Extract
from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.harness.rich_load import BEFORE, PROCESSES, Stop, count_statements, fail_at, rich_extract

pytestmark = pytest.mark.socket


def kill_myself() -> BaseException:
    """Never returns."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Stop()


def die_at(path: Path, extract: Extract, number: int) -> None:
    """In a process of its own: load, and be killed before the statement of that number."""
    with pytest.MonkeyPatch.context() as patch:
        fail_at(patch, number, kill_myself, after=False)
        WarehouseHarness(path.parent, name=path.name).loader().load(extract, "run 4")


def load_in_child(path: Path, extract: Extract) -> None:
    """In a process of its own: load."""
    WarehouseHarness(path.parent, name=path.name).loader().load(extract, "run 4")


class Killed:
    """Copies of one warehouse, each loaded by a process that is killed."""

    def __init__(self, desk: WarehouseHarness) -> None:
        self.extract = rich_extract(desk)
        self.base = desk.warehouse.path
        self.old = desk.everything()
        self.statements = count_statements(desk, self.extract)
        self.clean = self._copy("clean")
        self.clean.loader().load(self.extract, "run 4")
        self.new = self.clean.everything()
        self.seen: set[str] = set()

    def _copy(self, name: str) -> WarehouseHarness:
        copy = WarehouseHarness(self.base.parent / name)
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


def test_killed_between_two_statements_and_run_again_it_ends_like_one_clean_run(loaded: WarehouseHarness) -> None:
    killed = Killed(loaded)
    for number in {*range(2, killed.statements, 3), killed.statements}:
        killed.check(f"at {number}", die_at, number)
    assert killed.seen == {"old"}


@pytest.mark.long
def test_killed_at_any_moment_and_run_again_it_ends_like_one_clean_run(loaded: WarehouseHarness) -> None:
    killed = Killed(loaded)
    usual = killed.time_one()
    dice = random.Random(4)
    for attempt in range(14):
        killed.check(f"try {attempt}", load_in_child, seconds=dice.uniform(0.2, 1.1) * usual)


def first_load(path: Path, extract: Extract) -> None:
    """In a process of its own: make the warehouse."""
    WarehouseHarness(path.parent).loader().load(extract, "run 1")


def test_killed_while_the_warehouse_is_made_it_can_be_made_again(desk: WarehouseHarness) -> None:
    extract = desk.extract(BEFORE)
    dice = random.Random(5)
    for attempt in range(12):
        fresh = WarehouseHarness(desk.folder / str(attempt))
        child = PROCESSES.Process(target=first_load, args=(fresh.warehouse.path, extract))
        child.start()
        time.sleep(dice.uniform(0.0, 0.12))
        child.kill()
        child.join(60)
        fresh.loader().load(extract, "run 2")
        assert fresh.row("SELECT count(*), count(DISTINCT id) FROM things") == (60, 60)


def test_half_a_file_from_a_killed_maker_is_not_taken_for_the_warehouse(desk: WarehouseHarness) -> None:
    left = desk.warehouse.spool_root / "of a dead process" / "new.duckdb"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"DUCK" * 100)
    desk.load(BEFORE)
    assert desk.row("SELECT count(*) FROM things") == (60,)
    assert not left.exists()
