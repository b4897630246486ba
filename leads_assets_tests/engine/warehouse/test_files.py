"""Files that are no warehouse, and places where none can be: one clear sentence, and nothing is touched."""

import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from leads_assets.engine.warehouse.errors import LoadFailed, WarehouseError, WarehouseUnusable
from leads_assets.engine.warehouse.file import RESERVED_STEMS, FileWarehouse
from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"hello" * 5000, b"SQLite format 3\0" + bytes(9000), b"PK\x03\x04" + bytes(20000)],
    ids=["empty", "short", "long", "SQLite", "zip"],
)
def test_a_file_that_is_no_warehouse_is_left_alone(desk: WarehouseHarness, content: bytes) -> None:
    desk.warehouse.path.write_bytes(content)
    with pytest.raises(WarehouseUnusable, match="is no DuckDB file, or a damaged one; it was left alone"):
        desk.load([{"id": 1}])
    with pytest.raises(WarehouseUnusable), desk.warehouse.read("the test"):
        pass
    assert desk.warehouse.path.read_bytes() == content


@pytest.mark.parametrize("place", [20, 4096 + 20, 8192 + 20, 12288 + 500])
def test_a_damaged_file_is_left_alone(desk: WarehouseHarness, place: int) -> None:
    desk.load([{"id": n, "text": f"canary {n}"} for n in range(3000)])
    content = bytearray(desk.warehouse.path.read_bytes())
    for offset in range(place, len(content), 65536) if place > 12288 else [place]:
        content[offset] ^= 0xFF
    desk.warehouse.path.write_bytes(content)
    with pytest.raises(WarehouseError, match="damaged") as told:
        desk.load([{"id": n, "text": f"changed {n}"} for n in range(3000)])
    assert "canary" not in str(told.value)
    assert desk.warehouse.path.read_bytes() == content


def test_a_cut_file_is_left_alone(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    content = desk.warehouse.path.read_bytes()[:9000]
    desk.warehouse.path.write_bytes(content)
    with pytest.raises(WarehouseUnusable, match="damaged one; it was left alone"):
        desk.load([{"id": 1}])
    assert desk.warehouse.path.read_bytes() == content


def test_a_file_of_a_newer_duckdb_is_left_alone(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    content = bytearray(desk.warehouse.path.read_bytes())
    content[12:20] = struct.pack("<Q", 99_999)  # the format's number in the first header, after checksum and `DUCK`
    content[0:8] = struct.pack("<Q", checksum(bytes(content[8:4096])))
    desk.warehouse.path.write_bytes(content)
    with pytest.raises(
        WarehouseUnusable, match=r"written by a newer DuckDB than .*; it was left alone: upgrade duckdb"
    ):
        desk.load([{"id": 1}])
    assert desk.warehouse.path.read_bytes() == content


def checksum(block: bytes) -> int:
    """DuckDB's checksum of a block of whole words."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return result


def test_a_folder_in_the_place_of_the_file_is_told(desk: WarehouseHarness) -> None:
    desk.warehouse.path.mkdir()
    with pytest.raises(WarehouseUnusable, match="is a folder; set the setting `warehouse` to a file"):
        desk.load([{"id": 1}])


def test_a_place_where_no_folder_can_be_made_is_told(desk: WarehouseHarness) -> None:
    (desk.folder / "file").write_text("")
    warehouse = FileWarehouse(desk.folder / "file" / "leads.duckdb")
    with (
        pytest.raises(WarehouseUnusable, match=r"cannot be written \(.*\); set the setting"),
        warehouse.write("x"),
    ):
        pass


def test_a_folder_without_rights_is_told(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    # Only a process without root's rights is refused anything.
    code = (
        "import os, sys; from pathlib import Path\n"
        "from leads_assets.engine.warehouse.file import FileWarehouse\n"
        "from leads_assets.engine.warehouse.errors import WarehouseUnusable\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try:\n    with FileWarehouse(Path(sys.argv[1])).write('x'): print('opened')\n"
        "except WarehouseUnusable as error: print(error)\n"
    )
    place = Path("/tmp") / f"leads-{desk.folder.name}"  # pytest's own folders are closed to others
    shutil.copytree(desk.folder, place)
    try:
        place.chmod(0o555)
        said = subprocess.run(
            [sys.executable, "-c", code, str(place / "leads.duckdb")], capture_output=True, text=True, check=True
        )
    finally:
        place.chmod(0o755)
        shutil.rmtree(place)
    assert "the folder of the warehouse" in said.stdout
    assert "cannot be written (Permission denied); set the setting `warehouse`" in said.stdout


@pytest.mark.parametrize("stem", sorted(RESERVED_STEMS))
def test_a_name_that_duckdb_would_mix_up_with_a_schema_is_refused(tmp_path: Path, stem: str) -> None:
    with pytest.raises(WarehouseUnusable, match="set the setting `warehouse` to another name"):
        FileWarehouse(tmp_path / f"{stem.upper()}.duckdb")


@pytest.mark.parametrize(
    "name", ["warehouse.duckdb", "memory.db", 'it\'s "here".duckdb', "no ending", "2024.duckdb", "a.b.c"]
)
def test_any_other_file_name_will_do(tmp_path: Path, name: str) -> None:
    desk = WarehouseHarness(tmp_path / "ünï cödé; --", name=name)
    desk.load([{"id": 1}])
    desk.load([{"id": 1, "text": "x"}])
    assert desk.row("SELECT text FROM things") == ("x",)
    assert desk.row("SELECT count(*) FROM ops.freshness") == (1,)


def test_a_missing_staging_file_changes_nothing(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1}])
    extract = desk.extract([{"id": 2}])
    extract.spooled.rows[0].unlink()
    before = desk.everything()
    with pytest.raises(LoadFailed, match="things: IOException while staging rows; nothing was changed"):
        desk.load(extract)
    assert desk.everything() == before


def test_what_a_killed_load_has_spilled_is_removed(desk: WarehouseHarness) -> None:
    spilled = desk.warehouse.spool_root / "of a dead process" / "duckdb_temp_storage-0.tmp"
    spilled.parent.mkdir(parents=True)
    spilled.write_bytes(bytes(100))
    with desk.warehouse.write("the test"):
        assert not spilled.exists()


def test_what_a_reader_spills_is_left_alone(desk: WarehouseHarness) -> None:
    """A notebook on the warehouse spills to the folder that DuckDB takes by itself."""
    desk.load([{"id": 1}])
    with desk.open() as notebook:
        notebook.execute("SET memory_limit = '20MB'; SET threads = 1")
        notebook.execute("CREATE TEMP TABLE large AS SELECT range AS n, md5(range::VARCHAR) AS t FROM range(1000000)")
        assert list(desk.warehouse.beside(".tmp").iterdir())
        with desk.warehouse.read("the test"):
            pass
        assert notebook.execute("SELECT count(DISTINCT t) FROM large").fetchone() == (1_000_000,)


def test_warehouse_and_spool_are_private(desk: WarehouseHarness) -> None:
    with desk.warehouse.spool() as folder:
        assert [place.stat().st_mode & 0o777 for place in (desk.warehouse.spool_root, folder.path)] == [0o700, 0o700]
    desk.load([{"id": 1}])
    assert desk.warehouse.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ending", [".lock.holder", ".new", ".lock"])
def test_links_that_wait_beside_the_warehouse_lead_nowhere(desk: WarehouseHarness, ending: str) -> None:
    victim = desk.folder / "victim"
    victim.write_text("precious")
    desk.warehouse.beside(ending).symlink_to(victim)
    with suppress(WarehouseError):
        desk.load([{"id": 1}])
    assert victim.read_text() == "precious"


def test_a_log_without_its_warehouse_is_told(desk: WarehouseHarness) -> None:
    desk.warehouse.beside(".wal").write_bytes(b"x")
    with pytest.raises(WarehouseUnusable, match=r"but a log of one, leads\.duckdb\.wal; .* move the log away"):
        desk.load([{"id": 1}])


def test_a_view_in_the_place_of_a_table_is_told(desk: WarehouseHarness) -> None:
    with desk.warehouse.write("the test") as session:
        session.run("a view of the user", "CREATE VIEW things AS SELECT 1 AS id")
    with pytest.raises(LoadFailed, match=r"things: a view stands in the place of this table; .* rename or drop it"):
        desk.load([{"id": 1}])


def test_a_rule_that_a_user_added_and_rows_break_is_told(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "text": "x"}])
    with desk.warehouse.write("the test") as session:
        session.run("a rule of the user", "ALTER TABLE things ALTER COLUMN text SET NOT NULL")
    with pytest.raises(LoadFailed, match=r"a rule that was added to the table, as NOT NULL, .* refuses its rows"):
        desk.load([{"id": 1}])


def test_a_damaged_spool_changes_nothing(desk: WarehouseHarness) -> None:
    extract = desk.extract([{"id": 1, "text": "canary"}])
    (rows,) = extract.spooled.rows
    rows.write_bytes(rows.read_bytes()[:-5])
    with pytest.raises(LoadFailed, match="things: the spool is damaged; nothing was changed: run again") as told:
        desk.load(extract)
    assert "canary" not in str(told.value)
    assert desk.everything() == {}


def test_a_record_of_many_megabytes_is_a_row(desk: WarehouseHarness) -> None:
    desk.load([{"id": 1, "text": "x" * (20 << 20)}, {"id": 2}, b'{"y":"' + b"y" * (20 << 20) + b'"}'])
    assert desk.rows("SELECT length(text) FROM things ORDER BY id") == [(20 << 20,), (None,)]
    assert desk.row("SELECT length(record) FROM ops.rejected_rows") == ((20 << 20) + 8,)
