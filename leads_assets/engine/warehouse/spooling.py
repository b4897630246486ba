"""Where extracts wait, and a DuckDB spills, as every warehouse needs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import Timeout

from leads_assets.engine.records.spool import SpoolDir
from leads_assets.engine.warehouse.errors import WarehouseBusy, WarehouseUnusable
from leads_assets.engine.warehouse.staging_database import close, open_staging


def open_spool(root: Path, lock_seconds: float, instead: str) -> SpoolDir:
    """A folder for one extract under `root`. Raises WarehouseBusy or WarehouseUnusable.

    `instead` says what to set where `root` cannot be written.
    """
    try:
        return SpoolDir(root, lock_seconds=lock_seconds)
    except Timeout:
        raise WarehouseBusy(
            f"the folder {root} was held by another process for more than {lock_seconds:.0f} s; nothing was"
            " changed. End the sync that hangs or was stopped in the middle, or set the setting"
            " `lock_seconds` higher, then run again"
        ) from None
    except OSError as error:
        raise WarehouseUnusable(
            f"the folder {root} beside the warehouse cannot be written ({error.strerror}); {instead}"
        ) from None


@contextmanager
def own_database(spool: Callable[[], SpoolDir]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that spills to a folder of ours: the one that DuckDB would take is that of readers, too."""
    with spool() as folder:
        connection = open_staging(folder.path)
        try:
            yield connection
        finally:
            close(connection)
