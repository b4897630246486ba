"""Facts about a table after a load, for the checks: gathered in the load's transaction, where they cost no connection."""

from dataclasses import dataclass, field

from leads_assets.endpoints import PRIMARY_KEY, Column, Endpoint
from leads_assets.warehouse.connection import Session, quoted
from leads_assets.warehouse.tables import Table, find

_KEY = quoted(PRIMARY_KEY)


@dataclass(frozen=True, slots=True)
class Orphans:
    """Live rows whose reference names no row of `target`; `examples` are ids of up to three of them."""

    column: str
    target: str
    count: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """`rows` counts all rows, `live` those that are not marked as deleted, `live_before` those of the last proven load.

    `unchecked`: references to tables that were never loaded.
    """

    rows: int
    live: int
    distinct_ids: int
    lowest_id: int | None
    highest_id: int | None
    live_before: int | None
    orphans: tuple[Orphans, ...] = field(default=())
    unchecked: tuple[str, ...] = field(default=())


def gather(session: Session, table: Table, endpoint: Endpoint | None) -> Facts:
    """Count; `endpoint` tells the references, None for a table that no endpoint declares."""
    rows, live, distinct, lowest, highest = session.one(
        "counting rows",
        f"SELECT count(*), count(*) FILTER (_deleted_at IS NULL), count(DISTINCT {_KEY}),"
        f" min({_KEY}), max({_KEY}) FROM {table.sql}",
    )
    before = session.run(
        "looking up the last volume",
        "SELECT live_rows FROM ops.sync_runs WHERE endpoint = ? AND verdict = 'proven' ORDER BY loaded_at DESC LIMIT 1",
        [table.name],
    )
    orphans: list[Orphans] = []
    unchecked: list[str] = []
    for column in endpoint.references if endpoint else ():
        found = _orphans(session, table, column)
        if found is None:
            unchecked.append(column.name)
        elif found.count:
            orphans.append(found)
    return Facts(rows, live, distinct, lowest, highest, before[0][0] if before else None, tuple(orphans), tuple(unchecked))


def _orphans(session: Session, table: Table, column: Column) -> Orphans | None:
    target = find(session, column.references or "")
    if target is None:
        return None
    name = quoted(column.name)
    count, examples = session.one(
        "looking for orphans",
        f"SELECT count(*), list(r.{_KEY} ORDER BY r.{_KEY})[:3] FROM {table.sql} r"
        f" WHERE r._deleted_at IS NULL AND r.{name} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {target.sql} o WHERE o.{_KEY} = r.{name})",
    )
    return Orphans(column.name, target.name, count, tuple(examples or ()))
