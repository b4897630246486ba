"""TableStats about a table after a load, for the checks: gathered in its transaction, where they cost no connection."""

from dataclasses import dataclass, field

from leads_assets.engine.declare import PRIMARY_KEY, Column
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.schema import Table, exists
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import quoted

_KEY = quoted(PRIMARY_KEY)


@dataclass(frozen=True, slots=True)
class Orphans:
    """Live rows whose reference names no row of `target`; `examples` are ids of up to three of them."""

    column: str
    target: str
    count: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableStats:
    """`rows` counts all rows, `live` those that are not marked as deleted, `live_before` those of the last proven load.

    `unchecked`: references to tables that were never loaded.
    """

    rows: int
    live: int
    lowest_id: int | None
    highest_id: int | None
    live_before: int | None
    orphans: tuple[Orphans, ...] = field(default=())
    unchecked: tuple[str, ...] = field(default=())


def collect_stats(
    session: Session, table: Table, references: tuple[Column, ...], live_before: int | None
) -> TableStats:
    """Count, before the commit. Raises LoadFailed if an id is missing or stands twice."""
    rows, live, present, distinct, lowest, highest = session.one(
        "counting rows",
        f"SELECT count(*), count(*) FILTER (_deleted_at IS NULL), count({_KEY}), count(DISTINCT {_KEY}),"
        f" min({_KEY}), max({_KEY}) FROM {table.sql}",
    )
    if not rows == present == distinct:
        raise LoadFailed(
            f"{table.name}: {rows:,} rows hold {distinct:,} different ids; nothing was changed. Another program has"
            f" written to the table, where `id` must be unique and present: delete what it has doubled, as by"
            f" `DELETE FROM {table.sql} WHERE rowid NOT IN (SELECT max(rowid) FROM {table.sql} GROUP BY id)`, then"
            " sync with full_refresh"
        )
    orphans: list[Orphans] = []
    unchecked: list[str] = []
    for column in references:
        found = _orphans(session, table, column)
        if found is None:
            unchecked.append(column.name)
        elif found.count:
            orphans.append(found)
    return TableStats(rows, live, lowest, highest, live_before, tuple(orphans), tuple(unchecked))


def _orphans(session: Session, table: Table, column: Column) -> Orphans | None:
    target = column.references or ""
    if not exists(session, target):
        return None
    name = quoted(column.name)
    count, examples = session.one(
        "looking for orphans",
        f"SELECT count(*), list(r.{_KEY} ORDER BY r.{_KEY})[:3] FROM {table.sql} r"
        f" WHERE r._deleted_at IS NULL AND r.{name} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM main.{quoted(target)} o WHERE o.{_KEY} = r.{name})",
    )
    return Orphans(column.name, target, count, tuple(examples or ()))
