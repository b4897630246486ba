"""Relations as files for other programs: all from one state of the warehouse, each put in place in one step."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.models import LIVE, MARTS
from leads_assets.engine.warehouse.new_files import put_in_place
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted
from leads_assets.engine.warehouse.transaction import transaction

FORMATS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}
"""Name of a format, which is the ending of its files -> how the database is asked for it."""


def exportable(session: Session) -> list[str]:
    """The relations that people ask, as `schema.name`: the lists without what is gone, and the marts."""
    rows = session.run(
        "looking up the views",
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = current_database()"
        f" AND schema_name IN ({literal(LIVE)}, {literal(MARTS)}) ORDER BY ALL",
    )
    return [relation for (relation,) in rows]


def export(session: Session, relations: Sequence[str], folder: Path, kind: str) -> dict[str, int]:
    """Write each relation to a file of `folder`, `schema.name.kind`; returns their numbers of rows.

    New files are for their owner alone, older ones keep their rights. Raises WarehouseUnusable where the folder cannot
    be written, and LoadFailed; then no file has changed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as made:
            drafts = Path(made)
            with transaction(session):
                counts = {relation: _copy(session, relation, drafts, kind) for relation in relations}
            for relation in relations:
                put_in_place(drafts / f"{relation}.{kind}", folder / f"{relation}.{kind}")
            return counts
    except OSError as error:
        raise WarehouseUnusable(f"the folder {folder} cannot be written ({error.strerror}); name another") from None


def _copy(session: Session, relation: str, drafts: Path, kind: str) -> int:
    schema, _, name = relation.partition(".")
    file = literal(str(drafts / f"{relation}.{kind}"))
    sql = f"COPY (FROM {schema}.{quoted(name)}) TO {file} ({FORMATS[kind]})"
    return int(session.one(f"exporting {relation}", sql)[0])
