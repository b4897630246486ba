"""What a load would do: done by the load itself, to a copy that is thrown away.

A second implementation of the comparison would be wrong one day without anybody noticing. The copy costs disk and a
moment; the warehouse itself is only read.
"""

from contextlib import closing
from pathlib import Path

from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.load import Loader, LoadOptions
from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.session import Warehouse
from leads_assets.engine.warehouse.sql import literal

_RUN_ID = "preview"


def copy_for_preview(warehouse: Warehouse, folder: Path) -> Warehouse:
    """A copy of the warehouse in `folder`; an empty one where there is none yet. Raises a WarehouseError."""
    copy = FileWarehouse(folder / "preview.duckdb")
    with warehouse.read("the preview") as session:
        if session is not None:
            source = session.one("finding the warehouse's name", "SELECT current_database()")[0]
            session.run("making the copy", f"ATTACH {literal(str(copy.path))} AS preview (TYPE duckdb)")
            session.run("copying", f"COPY FROM DATABASE {source} TO preview")
            session.run("closing the copy", "DETACH preview")
    return copy


def preview_load(copy: Warehouse, options: LoadOptions, extract: Extract) -> SyncRun:
    """The ledger row that loading `extract` would write. Raises a WarehouseError."""
    with closing(Loader(copy, options)) as loader:
        return loader.load(extract, _RUN_ID).row
