"""A read copy for dashboards: published by atomic rename, so that neither they nor a sync ever wait."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.file import Warehouse


def publish(warehouse: Warehouse, target: Path) -> None:
    """Copy the warehouse to `target`; a reader that has the old copy open keeps it.

    Raises a WarehouseError; then the old copy stands as it was.
    """
    if target.resolve() == warehouse.path.resolve():
        raise WarehouseUnusable(
            f"the read copy {target} would replace the warehouse; set the setting `snapshot` to another file"
        )
    fresh = target.with_name(f".{target.name}.new")
    # While the file is open here no other program can write to it, and after a checkpoint it is all there is.
    with warehouse.write("the read copy") as session:
        session.run("writing out the log", "CHECKPOINT")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(warehouse.path, fresh)
            put_in_place(fresh, target)
        except OSError as error:
            raise WarehouseUnusable(
                f"the read copy {target} cannot be written ({error.strerror}); the warehouse itself is complete"
            ) from None
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def put_in_place(fresh: Path, target: Path) -> None:
    """Replace `target` by a finished file in one step, the bytes on the disk first."""
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    fresh.replace(target)
