"""One writer at a time, and nobody waits without end."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.schema import TableName
from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.harness.rich_load import PROCESSES

pytestmark = pytest.mark.process

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.readline()
"""


STAND_IN_THE_DOOR = """
import pathlib, sys, time, filelock
root = pathlib.Path(sys.argv[1])
root.mkdir(parents=True)
with filelock.FileLock(root / "door.lock"):
    print("held", flush=True)
    time.sleep(10)
"""


class Holder:
    """A foreign program that has the file open."""

    def __init__(self, path: Path, mode: str) -> None:
        command = [sys.executable, "-c", HOLD, str(path), mode]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert self.process.stdout.readline() == "open\n"

    def let_go(self) -> None:
        """Close the file."""
        self.process.communicate("\n", timeout=30)


def load_some(path: Path, extracts: list[Extract], said: Any) -> None:
    """In a process of its own: load one after the other."""
    desk = WarehouseHarness(path.parent, lock_seconds=60)
    for extract in extracts:
        said.put(desk.loader().load(extract, f"run of {extract.began_at}").row.inserted)


def test_six_processes_that_load_at_once_all_finish_and_lose_nothing(desk: WarehouseHarness) -> None:
    said = PROCESSES.Queue()
    children = []
    for worker in range(6):
        extracts = [
            desk.extract([{"id": worker * 1000 + load * 100 + n, "whole": n} for n in range(20)], mode="incremental")
            for load in range(4)
        ]
        children.append(PROCESSES.Process(target=load_some, args=(desk.warehouse.path, extracts, said)))
    for child in children:
        child.start()
    inserted = [said.get(timeout=60) for _ in range(24)]
    for child in children:
        child.join(60)
    assert inserted == [20] * 24
    assert [child.exitcode for child in children] == [0] * 6
    assert desk.row("SELECT count(*), count(DISTINCT id), sum(whole) FROM things") == (480, 480, 24 * 190)
    assert desk.row("SELECT count(*), sum(inserted) FROM ops.sync_runs") == (24, 480)


def test_threads_of_one_process_wait_for_each_other(desk: WarehouseHarness) -> None:
    extracts = [desk.extract([{"id": n}], mode="incremental") for n in range(6)]
    threads = [threading.Thread(target=desk.loader().load, args=(extract, "run")) for extract in extracts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert desk.row("SELECT count(*) FROM things") == (6,)


def test_the_wait_for_another_writer_is_bounded_and_its_process_named(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    impatient = FileWarehouse(desk.warehouse.path, lock_seconds=0.2)
    with desk.warehouse.locked(), pytest.raises(WarehouseBusy) as told, impatient.write("the test"):
        pass
    pid = desk.warehouse.beside(".lock.holder").read_text()
    assert str(told.value).startswith(
        f"the warehouse {desk.warehouse.path} was held by process {pid} for more than 0 s"
    )
    assert "the setting `lock_seconds`" in str(told.value)


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_foreign_program_that_holds_the_file_is_waited_for_and_named(desk: WarehouseHarness, mode: str) -> None:
    desk.load([{"id": 1}])
    extract = desk.extract([{"id": 1}, {"id": 2}])
    holder = Holder(desk.warehouse.path, mode)
    try:
        hasty = WarehouseHarness(desk.folder, lock_seconds=0.2)
        with pytest.raises(WarehouseBusy, match=f"held by process {holder.process.pid} .* even while it only reads"):
            hasty.load(extract)
        timer = threading.Timer(0.3, holder.let_go)
        timer.start()
        assert desk.load(extract).row.inserted == 1
        timer.join()
    finally:
        holder.process.kill()
        holder.process.wait()


def test_a_foreign_reader_does_not_keep_others_from_reading(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    holder = Holder(desk.warehouse.path, "read")
    with FileWarehouse(desk.warehouse.path, lock_seconds=0.1).read("the test") as session:
        assert session is not None
        assert session.one("counting", "SELECT count(*) FROM main.things") == (1,)
    holder.let_go()


def test_a_connection_of_the_same_process_is_told_apart(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    mine = duckdb.connect(desk.warehouse.path)
    with pytest.raises(WarehouseUnusable, match="open in this process already; close that connection first"):
        desk.load([{"id": 2}])
    mine.close()
    assert desk.load([{"id": 1}, {"id": 2}]).row.inserted == 1


def test_the_lock_is_not_held_while_rows_are_staged(desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.load([{"id": 1}])
    patient = FileWarehouse(desk.warehouse.path, lock_seconds=0.2)
    extract = desk.extract([{"id": 2}])

    def staged(*arguments: Any) -> Any:
        with patient.write("another load"):
            pass
        return stage_spool(*arguments)

    from leads_assets.engine.warehouse import load  # noqa: PLC0415  its module is what is patched
    from leads_assets.engine.warehouse.staging import stage_spool  # noqa: PLC0415

    monkeypatch.setattr(load, "stage_spool", staged)
    assert desk.load(extract).row.inserted == 1


def test_the_lock_outlives_no_process(desk: WarehouseHarness) -> None:
    code = "import sys, os; from pathlib import Path; from leads_assets.engine.warehouse.file import FileWarehouse\n"
    code += "with FileWarehouse(Path(sys.argv[1])).locked(): print('mine', flush=True); sys.stdin.readline()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(desk.warehouse.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "mine\n"
    with pytest.raises(WarehouseBusy), FileWarehouse(desk.warehouse.path, lock_seconds=0.1).locked():
        pass
    child.kill()
    child.communicate()
    began = time.monotonic()
    with desk.warehouse.locked():
        assert time.monotonic() - began < 25


def test_a_process_that_hangs_in_the_spool_s_door_is_waited_for_no_longer_than_for_the_file(
    desk: WarehouseHarness,
) -> None:
    command = [sys.executable, "-c", STAND_IN_THE_DOOR, str(desk.warehouse.spool_root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hanging:
        assert hanging.stdout
        assert hanging.stdout.readline() == "held\n"
        impatient = FileWarehouse(desk.warehouse.path, lock_seconds=0.2)
        with pytest.raises(WarehouseBusy, match=r"\.spool was held by another process.*setting `lock_seconds`"):
            impatient.spool()
        with pytest.raises(WarehouseBusy):
            Loader(impatient).load_frame(TableName("frames"), pandas.DataFrame({"id": [1]}), "run")
        hanging.kill()
    with impatient.spool() as folder:
        assert folder.path.exists()
