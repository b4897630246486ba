"""From an address to the warehouse that is there."""

from pathlib import Path

from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.session import Warehouse


def open_warehouse(address: str | Path, *, lock_seconds: float = 120.0) -> Warehouse:
    """The warehouse at an address: the path of a DuckDB file. Nothing is opened yet.

    `lock_seconds` bounds the wait for other writers. Raises WarehouseUnusable for an address that cannot be one.
    """
    return FileWarehouse(Path(address), lock_seconds=lock_seconds)
