"""Rewriting a file that has grown: nothing lost, in place at once."""

import subprocess
import sys
from hashlib import sha512

import pytest

from leads_assets.engine.warehouse import compact as compacting
from leads_assets.engine.warehouse.errors import LoadFailed, WarehouseBusy, WarehouseUnusable
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = pytest.mark.process


def noise(turn: int, number: int) -> list[str]:
    """256 characters that no compression makes small, in a column whose changes are not kept."""
    return [sha512(f"{turn} {number} {part}".encode()).hexdigest() for part in range(2)]


def grow(desk: WarehouseHarness) -> None:
    """A warehouse with everything in it, and much room that nobody uses."""
    for turn in range(4):
        desk.load(
            [
                {"id": n, "text": f"{turn} {n}", "whole": turn * n, "nested": noise(turn, n), "new": n}
                for n in range(8000)
            ]
        )
    desk.load([{"id": n, "text": "kept", "whole": None} for n in range(10)], verdict="unproven")
    desk.load([{"no": "id"}], endpoint="teams")
    with desk.warehouse.write("the test") as session:
        session.run("a schema of others", "CREATE SCHEMA marts")
        session.run("a table of others", "CREATE TABLE marts.totals AS SELECT count(*) AS n FROM main.things")
        session.run("a view of others", "CREATE VIEW marts.every_thing AS SELECT id, text FROM main.things")
        session.run("shrinking", "DELETE FROM main.things WHERE id >= 100")


def test_the_file_shrinks_and_holds_the_same(desk: WarehouseHarness) -> None:
    grow(desk)
    before = desk.everything()
    size = desk.warehouse.path.stat().st_size
    upkeep = desk.warehouse.compact()
    assert (upkeep.before, upkeep.after) == ({"bytes": size}, {"bytes": desk.warehouse.path.stat().st_size})
    assert desk.warehouse.path.stat().st_size < size / 2
    assert desk.everything() == before
    assert desk.row("SELECT count(*) FROM marts.every_thing") == (100,)
    assert desk.row("SELECT verdict FROM ops.freshness WHERE endpoint = 'things'") == ("unproven",)
    assert not [entry for entry in desk.folder.iterdir() if ".compact" in entry.name or ".wal" in entry.name]


def test_loads_go_on_after_it(desk: WarehouseHarness) -> None:
    grow(desk)
    desk.warehouse.compact()
    row = desk.load([{"id": n, "text": "again", "new": n} for n in range(100)]).row
    assert (row.inserted, row.updated) == (0, 100)
    assert "NO" in [null for name, _, null, *_ in desk.rows("DESCRIBE things") if name == "id"]


def test_what_is_only_in_the_log_is_kept(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "whole": 1}])
    code = (
        "import os, sys, duckdb; connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute('UPDATE things SET whole = 7'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(desk.warehouse.path)], check=False)
    desk.warehouse.compact()
    assert desk.row("SELECT whole FROM things") == (7,)


def test_a_copy_that_lacks_a_row_is_thrown_away(desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(desk)
    content = desk.warehouse.path.read_bytes()
    counts = iter([{("main", "things"): 2}, {("main", "things"): 1}])
    monkeypatch.setattr(compacting, "_rows", lambda *_: next(counts))
    with pytest.raises(LoadFailed, match="the new file does not hold the same rows; nothing was changed"):
        desk.warehouse.compact()
    assert desk.warehouse.path.read_bytes() == content
    assert list(desk.warehouse.spool_root.glob("*/*.duckdb*")) == []


def test_it_waits_for_a_running_load(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    with desk.warehouse.locked(), pytest.raises(WarehouseBusy):
        FileWarehouse(desk.warehouse.path, lock_seconds=0.1).compact()


def test_a_full_disk_leaves_the_old_file(desk: WarehouseHarness) -> None:
    grow(desk)
    before = desk.everything()
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from leads_assets.engine.warehouse.file import FileWarehouse\n"
        "from leads_assets.engine.warehouse.errors import WarehouseError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))\n"
        "try: FileWarehouse(Path(sys.argv[1])).compact()\n"
        "except WarehouseError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(desk.warehouse.path)], capture_output=True, text=True, check=True
    )
    assert "nothing was changed (the disk is full" in said.stdout
    assert desk.everything() == before
    assert list(desk.warehouse.spool_root.glob("*/*.duckdb*")) == []


def test_a_damaged_file_is_left_alone(desk: WarehouseHarness) -> None:
    desk.warehouse.path.write_bytes(b"hello" * 5000)
    with pytest.raises(WarehouseUnusable, match="damaged one; it was left alone"):
        desk.warehouse.compact()
    assert desk.warehouse.path.read_bytes() == b"hello" * 5000


def test_a_rewritten_warehouse_keeps_its_rights(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    assert desk.warehouse.path.stat().st_mode & 0o777 == 0o600
    desk.warehouse.path.chmod(0o640)
    desk.warehouse.compact()
    assert desk.warehouse.path.stat().st_mode & 0o777 == 0o640
