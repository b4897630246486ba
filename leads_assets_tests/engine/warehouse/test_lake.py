"""A lake whose catalog is a file: what differs from a DuckDB file, and what must not."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.engine.warehouse.errors import LoadFailed, WarehouseBusy, WarehouseUnusable, WriteConflict
from leads_assets.engine.warehouse.schema import TableName
from leads_assets.engine.warehouse.session import Session
from leads_assets_tests.harness.desk import WarehouseHarness, things

pytestmark = pytest.mark.socket

ROOT = Path(__file__).parents[3]


@pytest.fixture
def kind() -> str:
    """A lake, whose catalog is a DuckDB file."""
    return "ducklake"


def files(desk: WarehouseHarness) -> set[Path]:
    """The files of rows."""
    return set((desk.folder / "rows").rglob("*.parquet"))


def test_two_loads_of_the_same_write_no_file_and_the_ledger_is_in_the_catalog(desk: WarehouseHarness) -> None:
    desk.load(things(1, 2))
    before = files(desk)
    desk.load(things(1, 2))
    assert files(desk) == before
    assert not [path for path in before if path.parent.name == "sync_runs"]
    assert desk.row("SELECT count(*) FROM ops.sync_runs") == (2,)


def test_a_text_with_a_nul_is_a_row_like_others(desk: WarehouseHarness) -> None:
    for turn in range(2):
        desk.load([{"id": 1, "text": f"a\0{turn}"}])
    assert desk.row("SELECT text FROM things") == ("a\x001",)


def test_categories_and_lists_of_a_fixed_length_are_kept(desk: WarehouseHarness) -> None:
    frame = pd.DataFrame({"id": [1, 2], "kind": pd.Categorical(["a", "b"])})
    desk.loader().load_frame(TableName("sorts"), frame, "run 1")
    pairs = pa.table({"id": [1], "pair": pa.array([[1, 2]], pa.list_(pa.int32(), 2))})
    desk.loader().load_frame(TableName("pairs"), pairs, "run 2")
    assert desk.rows("SELECT kind FROM sorts ORDER BY id") == [("a",), ("b",)]
    assert desk.row("SELECT pair FROM pairs") == ([1, 2],)


def test_a_load_after_a_conflict_is_done_again_as_a_whole(
    desk: WarehouseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(things(1))
    run, told = Session.run, ["first", "second"]

    def refused(session: Session, step: str, sql: str) -> list[tuple[Any, ...]]:
        if step == "committing" and told:
            raise WriteConflict(told.pop())
        return run(session, step, sql)

    monkeypatch.setattr(Session, "run", refused)
    assert desk.load(things(1, 2)).row.inserted == 1
    assert desk.row("SELECT count(*), count(DISTINCT id) FROM things") == (2, 2)
    assert desk.row("SELECT count(*), max(number) FROM ops.sync_runs") == (2, 2)
    told += ["one", "two", "three"]
    with pytest.raises(WriteConflict, match="one"):
        desk.load(things(1, 2, 3))


def test_an_id_that_another_program_has_doubled_stops_the_load_and_the_error_says_how_to_mend_it(
    desk: WarehouseHarness,
) -> None:
    desk.load(things(1, 2))
    with desk.warehouse.write("another program") as session:
        session.run("doubling", "INSERT INTO main.things SELECT * FROM main.things WHERE id = 1")
    with pytest.raises(LoadFailed, match="4 rows hold 3 different ids; nothing was changed") as told:
        desk.load(things(1, 2, 3))
    (mend,) = re.findall("`(DELETE .*?)`", str(told.value))
    with desk.warehouse.write("the test") as session:
        session.run("mending", mend)
    desk.load(things(1, 2, 3))
    assert desk.rows("SELECT id FROM things ORDER BY id") == [(1,), (2,), (3,)]


def test_each_load_is_a_snapshot_and_the_two_lines_of_the_documentation_find_the_last_true_one(
    desk: WarehouseHarness,
) -> None:
    proven = desk.load([{"id": 1, "whole": 1}])
    doubtful = desk.load([{"id": 1, "whole": 2}], verdict="unproven")
    assert doubtful.snapshot is not None
    assert proven.snapshot is not None
    assert doubtful.snapshot > proven.snapshot
    text = (ROOT / "docs" / "lake.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with desk.open() as connection:
        find, ask = block.replace("'leads'", "'things'").replace("main.leads", "main.things").strip().splitlines()
        connection.execute(find)
        assert connection.execute("SELECT getvariable('v')").fetchall() == [(proven.snapshot,)]
        assert [row[:2] for row in connection.execute(ask).fetchall()] == [(1, 1)]
        told = connection.execute(
            "SELECT commit_message, commit_extra_info FROM ducklake_snapshots('warehouse') ORDER BY snapshot_id DESC"
        ).fetchone()
    assert told == ("things unproven", '{"endpoint":"things","verdict":"unproven","run_id":"run 2","number":2}')


def test_upkeep_leaves_fewer_files_and_the_same_rows(desk: WarehouseHarness) -> None:
    for turn in range(6):
        desk.load([{"id": n, "whole": turn} for n in range(4)])
    before = desk.everything()
    done = desk.warehouse.compact()
    assert done.after["files"] < done.before["files"]
    assert desk.everything() == before
    assert set(done.before) == {"bytes", "files", "snapshots", "oldest_snapshot"}
    desk.load([{"id": n, "whole": 9} for n in range(5)])
    assert desk.row("SELECT count(*), count(DISTINCT id), sum(whole) FROM things") == (5, 5, 45)


def test_upkeep_removes_no_file_that_is_younger_than_a_day(desk: WarehouseHarness) -> None:
    desk.load(things(1))
    running = desk.folder / "rows" / "main" / "things" / "ducklake-of-a-running-load.parquet"
    running.write_bytes(next(iter(files(desk))).read_bytes())
    desk.load([{"id": 1, "whole": 2}])
    before = files(desk)
    desk.warehouse.compact()
    assert before <= files(desk)


def test_there_is_no_read_copy_of_a_lake_and_it_says_so(desk: WarehouseHarness) -> None:
    with pytest.raises(WarehouseUnusable, match="readers never wait: there is no read copy"):
        desk.warehouse.publish(desk.folder / "copy.duckdb")
    assert not (desk.folder / "copy.duckdb").exists()


def test_a_catalog_that_another_program_holds_is_waited_for_and_then_named(desk: WarehouseHarness) -> None:
    desk.load(things(1))
    other = WarehouseHarness(desk.folder, address=desk.warehouse.label, lock_seconds=0.1)
    with (
        desk.warehouse.write("the test"),
        pytest.raises(WarehouseBusy, match="was held by another process for more than 0 s; nothing was changed"),
        other.warehouse.write("another"),
    ):
        pass


def test_rows_in_another_place_are_refused(desk: WarehouseHarness) -> None:
    desk.load(things(1))
    moved = open_warehouse(desk.warehouse.label, data=str(desk.folder / "elsewhere"))
    with pytest.raises(WarehouseUnusable, match="keeps its rows in another place"), moved.write("the test"):
        pass


def test_a_place_of_rows_must_hold_no_secret() -> None:
    with pytest.raises(WarehouseUnusable, match="without `\\?` and `@`") as told:
        open_warehouse("ducklake:x.ducklake", data="s3://bucket/x?s3_secret_access_key=canary")
    assert "canary" not in str(told.value)


def test_new_files_are_their_owners_alone(desk: WarehouseHarness) -> None:
    desk.load(things(1))
    assert (desk.folder / "leads.ducklake").stat().st_mode & 0o777 == 0o600
    assert (desk.folder / "rows").stat().st_mode & 0o777 == 0o700


def test_a_catalog_in_sqlite_takes_loads_too(tmp_path: Path) -> None:
    desk = WarehouseHarness(tmp_path, address=f"ducklake:sqlite:{tmp_path}/leads.sqlite")
    for turn in range(2):
        desk.load([{"id": n, "whole": turn} for n in range(3)])
    assert desk.row("SELECT count(*), sum(whole) FROM things") == (3, 3)
    with duckdb.connect() as nobody:
        assert not nobody.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'warehouse'").fetchall()
