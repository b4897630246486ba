"""One DuckDB in memory serves one load after the other, and leaves nothing of one to the next."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging_database import ALIAS, StagingDatabase, open_staging
from leads_assets_tests.harness.desk import WarehouseHarness, things

pytestmark = pytest.mark.process

OPENED_BY_ANOTHER_PROCESS = (
    "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE OR REPLACE TABLE o (i INT)')"
)


def _another_process_can_write(path: Path) -> bool:
    command = [sys.executable, "-c", OPENED_BY_ANOTHER_PROCESS, str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_between_two_loads_of_one_loader_the_file_is_free(desk: WarehouseHarness) -> None:
    loader = desk.loader()
    loader.load(desk.extract(things(1, 2)), "one")
    assert _another_process_can_write(desk.warehouse.path)
    assert not desk.warehouse.beside(".wal").exists()
    result = loader.load(desk.extract(things(1, 2, 3)), "two")
    assert (result.row.inserted, result.row.unchanged) == (1, 2)


def test_a_loader_goes_on_after_a_load_that_failed_and_lets_the_file_go(desk: WarehouseHarness) -> None:
    loader = desk.loader()
    loader.load(desk.extract(things(1, 2)), "one")
    with duckdb.connect(desk.warehouse.path) as other:
        other.execute("INSERT INTO things BY NAME SELECT * FROM things WHERE id = 1")
    with pytest.raises(LoadFailed):
        loader.load(desk.extract(things(3)), "two")
    assert _another_process_can_write(desk.warehouse.path)
    with duckdb.connect(desk.warehouse.path) as other:
        other.execute("DELETE FROM things WHERE id = 1")
    assert loader.load(desk.extract(things(1, 2, 3)), "three").row.inserted == 2


def test_a_connection_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    staging = StagingDatabase()
    with staging.connection(tmp_path) as first:
        first.execute("CREATE TEMP TABLE changed AS SELECT 1 AS id")
        first.execute("CREATE TEMP VIEW incoming AS SELECT 1 AS id")
        first.execute("SET TimeZone = 'Asia/Tokyo'")
    with staging.connection(tmp_path) as second:
        assert second.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
        assert second.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)
        assert second.execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)
    staging.close()


def test_the_same_database_serves_calm_loads_and_an_error_ends_its_use(tmp_path: Path) -> None:
    staging = StagingDatabase()

    def with_mark() -> bool:
        """Whether a mark from an earlier connection is there; leaves one."""
        with staging.connection(tmp_path) as connection:
            marked = connection.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'mark'")
            found = marked.fetchone() == (1,)
            connection.execute("ATTACH IF NOT EXISTS ':memory:' AS mark")
            return found

    assert [with_mark(), with_mark()] == [False, True]
    with pytest.raises(RuntimeError), staging.connection(tmp_path):
        raise RuntimeError
    assert [with_mark(), with_mark()] == [False, True]
    staging.close()


def test_a_file_that_a_load_did_not_let_go_is_let_go_with_the_database(tmp_path: Path) -> None:
    path = tmp_path / "leads.duckdb"
    staging = StagingDatabase()
    with staging.connection(tmp_path) as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS {ALIAS}; USE {ALIAS}; CREATE TABLE t (i INT)")
    assert _another_process_can_write(path)
    staging.close()


def test_a_load_that_spilled_does_not_bind_the_next_one_to_its_folder(tmp_path: Path) -> None:
    staging = StagingDatabase()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with staging.connection(folder) as connection:
            connection.execute("SET memory_limit = '40MB'")
            connection.execute(
                "CREATE TEMP TABLE wide AS SELECT i, repeat(i::VARCHAR, 40) AS t FROM range(1000000) r(i)"
            )
            assert connection.execute("SELECT count(*) FROM duckdb_temporary_files()").fetchone() != (0,)
            assert list(folder.iterdir())
    staging.close()


def test_no_progress_bar_is_drawn_on_standard_output(tmp_path: Path) -> None:
    database = open_staging(tmp_path / "spill")
    assert database.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
    database.close()
