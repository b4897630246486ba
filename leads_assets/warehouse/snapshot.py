"""A read copy for dashboards: published by atomic rename, so that neither they nor a sync ever wait."""

import os
import shutil
from pathlib import Path

from leads_assets.warehouse.connection import Warehouse


def publish(warehouse: Warehouse, target: Path) -> None:
    """Copy the warehouse to `target`; a reader that has the old copy open keeps it."""
    with warehouse.locked():
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(warehouse.path, fresh)
        fresh.replace(target)
