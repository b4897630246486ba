"""A read copy for dashboards: published by atomic rename, so that neither they nor a sync ever wait."""

from contextlib import suppress
from pathlib import Path

from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.schema import exists
from leads_assets.engine.warehouse.session import Session, Warehouse
from leads_assets.engine.warehouse.sql import literal
from leads_assets.engine.warehouse.staging_database import ALIAS


def why_due(warehouse: Warehouse, target: Path) -> str:
    """Why the read copy should be published: it is not there, or lacks a load. Empty if nothing is to be done.

    What the two files hold decides, so that whoever comes next makes up for a run that could not. Raises a
    WarehouseError.
    """
    with warehouse.read("the read copy") as session:
        if session is None or not exists(session, "sync_runs", schema="ops"):
            return ""
        if not target.exists():
            return f"the read copy {target} is not there"
        with suppress(LoadFailed):  # a file that is no copy of ours: publishing replaces it
            session.run("opening the read copy", f"ATTACH {literal(str(target))} AS read_copy (READ_ONLY)")
            if _writes(session, ALIAS) == _writes(session, "read_copy"):
                return ""
        return f"the read copy {target} is older than the warehouse"


def publish_if_due(warehouse: Warehouse, target: Path) -> None:
    """Publish the read copy if it is not what it should be. Raises a WarehouseError."""
    if why_due(warehouse, target):
        warehouse.publish(target)


def _writes(session: Session, database: str) -> tuple[object, ...]:
    """How many loads have written rows, and when the newest one did."""
    return session.one(
        "looking for the newest load",
        f"SELECT count(*), max(loaded_at) FROM {database}.ops.sync_runs"
        " WHERE inserted > 0 OR updated > 0 OR restored > 0 OR deleted > 0",
    )
