"""The read copy: consistent, in place at once, and in nobody's way."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.read_copy import publish_if_due, why_due
from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = pytest.mark.process

READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(connection.execute("SELECT count(*), sum(whole) FROM things").fetchone(), flush=True)
"""


class Reader:
    """A dashboard: another process that keeps the copy open."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self) -> str:
        """What it sees."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self.process.communicate(timeout=30)


def read(path: Path) -> tuple[int, int]:
    """What a new reader sees."""
    connection = duckdb.connect(path, read_only=True)
    try:
        count, total = connection.execute("SELECT count(*), sum(whole) FROM things").fetchall()[0]
        return count, int(total)
    finally:
        connection.close()


def test_a_reader_that_stays_open_blocks_no_sync_and_keeps_its_copy(desk: WarehouseHarness) -> None:
    target = desk.folder / "new folder" / "read.duckdb"
    desk.load([{"id": n, "whole": 1} for n in range(3000)])
    desk.warehouse.publish(target)
    reader = Reader(target)
    assert reader.ask() == "(3000, 3000)"
    for turn in range(2, 4):
        desk.load([{"id": n, "whole": turn} for n in range(3000)])
        desk.warehouse.publish(target)
        assert reader.ask() == "(3000, 3000)"
        assert read(target) == (3000, 3000 * turn)
    reader.close()


def test_the_copy_is_one_file_and_leaves_nothing_beside_it(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    target = desk.folder / "copies" / "read.duckdb"
    desk.warehouse.publish(target)
    assert [entry.name for entry in target.parent.iterdir()] == ["read.duckdb"]


def test_what_is_only_in_the_log_is_in_the_copy(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    code = (
        "import os, sys, duckdb; connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute('UPDATE things SET whole = 7'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(desk.warehouse.path)], check=False)
    assert desk.warehouse.beside(".wal").exists()
    desk.warehouse.publish(desk.folder / "read.duckdb")
    assert read(desk.folder / "read.duckdb") == (1, 7)


def test_the_copy_waits_for_a_running_load(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    with desk.warehouse.locked(), pytest.raises(WarehouseBusy):
        FileWarehouse(desk.warehouse.path, lock_seconds=0.1).publish(desk.folder / "read.duckdb")


def test_a_copy_that_cannot_be_written_leaves_the_old_one_and_says_so(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    (desk.folder / "file").write_text("")
    with pytest.raises(
        WarehouseUnusable, match=r"read copy .* cannot be written \(.*\); the warehouse itself is complete"
    ):
        desk.warehouse.publish(desk.folder / "file" / "read.duckdb")
    target = desk.folder / "folder"
    (target / "full").mkdir(parents=True)
    with pytest.raises(WarehouseUnusable, match="cannot be written"):
        desk.warehouse.publish(target)
    assert sorted(entry.name for entry in target.iterdir()) == ["full"]
    assert not [entry for entry in desk.folder.iterdir() if entry.name.startswith(".folder")]


def test_the_warehouse_is_never_replaced_by_its_copy(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    (desk.folder / "link.duckdb").symlink_to(desk.warehouse.path)
    for target in (desk.warehouse.path, desk.folder / "link.duckdb"):
        with pytest.raises(WarehouseUnusable, match="would replace the warehouse"):
            desk.warehouse.publish(target)


def test_what_the_files_hold_decides_whether_the_copy_is_due(desk: WarehouseHarness) -> None:
    """So whatever kept a run from publishing (a kill, a full disk, a setting that came later), the next one does."""
    target = desk.folder / "read.duckdb"
    assert why_due(desk.warehouse, target) == ""
    desk.load([{"id": 1, "whole": 1}])
    assert why_due(desk.warehouse, target) == f"the read copy {target} is not there"
    publish_if_due(desk.warehouse, target)
    assert why_due(desk.warehouse, target) == ""
    desk.load([{"id": 1, "whole": 1}])
    assert why_due(desk.warehouse, target) == ""
    desk.load([{"id": 1, "whole": 2}])
    assert why_due(desk.warehouse, target) == f"the read copy {target} is older than the warehouse"
    target.write_bytes(b"no database")
    publish_if_due(desk.warehouse, target)
    assert read(target) == (1, 2)


def test_a_copy_that_is_no_news_is_not_written_again(desk: WarehouseHarness) -> None:
    target = desk.folder / "read.duckdb"
    desk.load([{"id": 1, "whole": 1}])
    publish_if_due(desk.warehouse, target)
    before = target.stat().st_ino
    publish_if_due(desk.warehouse, target)
    assert target.stat().st_ino == before


def test_links_that_wait_in_the_folder_of_the_copy_lead_nowhere(desk: WarehouseHarness) -> None:
    victim, folder = desk.folder / "victim", desk.folder / "shared"
    victim.write_text("precious")
    folder.mkdir()
    for name in (".read.duckdb.new", ".read.duckdb.0.new", "read.duckdb"):
        (folder / name).symlink_to(victim)
    desk.load([{"id": 1, "whole": 1}])
    desk.warehouse.publish(folder / "read.duckdb")
    assert victim.read_text() == "precious"
    assert not (folder / "read.duckdb").is_symlink()
    assert read(folder / "read.duckdb") == (1, 1)


def test_a_new_copy_is_private_and_a_replaced_one_keeps_its_rights(desk: WarehouseHarness) -> None:
    target = desk.folder / "read.duckdb"
    desk.load([{"id": 1, "whole": 1}])
    desk.warehouse.publish(target)
    assert target.stat().st_mode & 0o777 == 0o600
    target.chmod(0o644)
    desk.warehouse.publish(target)
    assert target.stat().st_mode & 0o777 == 0o644
