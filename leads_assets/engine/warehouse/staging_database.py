"""A DuckDB in memory, in which rows are staged and merged."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb

from leads_assets.engine.warehouse.sql import literal

ALIAS = "warehouse"
"""What the warehouse's file is called while it is attached."""
MEMORY_LIMIT = "200MB"
"""Enough for any number of rows, which spill to disk: it is exceeded by rows that are long, and stand together."""
MOST_MEMORY = "2GB"
"""What a load may take that has exceeded the limit."""


class StagingDatabase:
    """One DuckDB in memory for one load after the other, because making one costs as much CPU as a small load.

    One that has met an error or has spilled to disk is not used again.
    """

    def __init__(self, memory: str = MEMORY_LIMIT, *, stays_attached: bool = False) -> None:
        """`stays_attached`: what is attached as `ALIAS` is kept for the next load."""
        self._memory = memory
        self._release = "SELECT 1" if stays_attached else f"DETACH DATABASE IF EXISTS {ALIAS}"
        self._database: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def connection(self, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in UTC that spills to the folder `spill`; what it made is gone afterwards."""
        database, self._database = self._database, None
        if database is not None and not _accepts(database, _spilling_to(spill)):
            close(database)
            database = None
        database = database or open_staging(spill, self._memory)
        try:
            with closing(database.cursor()) as connection:
                yield connection
        except BaseException:
            close(database)
            raise
        if _accepts(database, self._release):
            self._database = database
        else:
            close(database)

    def close(self) -> None:
        """Give the memory back."""
        if self._database is not None:
            close(self._database)
            self._database = None


def open_staging(spill: Path, memory: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, in UTC and within a limit of `memory`; what does not fit is spilled to the folder `spill`.

    One thread: rows keep their order, and to keep it several threads wait for each other with full buffers. Staging a
    million rows takes them three times the CPU, twice the time and 90 MB more; on many cores they exceed the limit.
    """
    database = duckdb.connect()
    database.execute(
        f"SET GLOBAL TimeZone = 'UTC'; SET memory_limit = {literal(memory)}; SET threads = 1;"
        # DuckDB takes a process that `multiprocessing` has spawned for a terminal, and draws on standard output.
        " SET enable_progress_bar = false;"
        f" SET enable_caching_operators = false; {_spilling_to(spill)}"
    )
    return database


def close(database: duckdb.DuckDBPyConnection) -> None:
    """Close it with all it has attached."""
    # After a fatal error it is already invalid, and what matters has been said by that error.
    with suppress(duckdb.Error):
        database.close()


def _spilling_to(folder: Path) -> str:
    return f"SET temp_directory = {literal(str(folder))}"


def _accepts(database: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether DuckDB does it: not another folder once it has spilled, nor letting go of a file that is in use."""
    try:
        database.execute(sql)
    except duckdb.Error:
        return False
    return True
