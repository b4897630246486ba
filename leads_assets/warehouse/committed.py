"""What the warehouse has committed, per endpoint: what a look at the server is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leads_assets.endpoints import Endpoint
from leads_assets.warehouse.bookkeeping import RUNS, exists
from leads_assets.warehouse.connection import Session, Warehouse
from leads_assets.warehouse.sql import quoted

_LOADS = f"""{RUNS}
SELECT endpoint,
    max(began_at),
    max(began_at) FILTER (verdict = 'proven' AND ours),
    max(began_at) FILTER (verdict = 'proven' AND ours AND mode = 'full'),
    arg_max(pages, began_at) FILTER (mode = 'full'),
    arg_max(server_total - live_rows, began_at) FILTER (mode = 'full'),
    -- A read of changes that a server answers with everything counts as full; the extraction's note tells it apart.
    arg_max(pages, began_at) FILTER (mode = 'incremental' OR CAST(notes AS VARCHAR) LIKE '%ignores%')
FROM runs GROUP BY endpoint
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What is known here of one endpoint. Times in UTC; None where there is none.

    `began`, `proven`, `full`: begin of the newest load, of the newest proven one, of the newest proven full one.
    `full_pages`, `change_pages`: requests that the newest full read and the newest read of changes needed, retries
    left out. `surplus`: rows that the server stated beyond the live ones at the newest full read: a count that did not
    agree then (a refused deletion, a record without id) shows no change now.
    `live`: rows that are not marked as deleted; `newest`: the newest `updated_at` among them, `newest_ids` the rows
    that carry it. `highest_id` counts deleted rows too. These four are looked up only where a probe can use them.
    """

    began: datetime | None = None
    proven: datetime | None = None
    full: datetime | None = None
    full_pages: int = 1
    change_pages: int = 1
    surplus: int = 0
    live: int = 0
    newest: datetime | None = None
    newest_ids: frozenset[int] = frozenset()
    highest_id: int | None = None


def committed(warehouse: Warehouse, endpoints: Mapping[str, Endpoint]) -> dict[str, Committed]:
    """Every endpoint that was loaded and whose table still stands. Raises a WarehouseError."""
    with warehouse.read("what is committed") as session:
        if session is None or not exists(session):
            return {}
        loads = {
            name: Committed(
                began=began,
                proven=proven,
                full=full,
                full_pages=full_pages or 1,
                surplus=surplus or 0,
                change_pages=change_pages or 1,
            )
            for name, began, proven, full, full_pages, surplus, change_pages in session.run(
                "reading the ledger", _LOADS
            )
        }
        return {name: _with_rows(session, endpoints[name], load) for name, load in loads.items() if name in endpoints}


def _with_rows(session: Session, endpoint: Endpoint, load: Committed) -> Committed:
    table = f"main.{quoted(endpoint.name)}"
    if endpoint.change_filter:
        live, newest, ids = session.one(
            "looking for the newest change",
            f"""
            WITH live AS (SELECT id, updated_at FROM {table} WHERE _deleted_at IS NULL),
                newest AS (SELECT max(updated_at) AS moment FROM live)
            SELECT (SELECT count(*) FROM live), (SELECT moment FROM newest),
                (SELECT list(id) FROM live WHERE updated_at = (SELECT moment FROM newest))
            """,
        )
        return replace(load, live=live, newest=newest, newest_ids=frozenset(ids or ()))
    if not endpoint.marks_deleted:
        highest = session.one("looking for the newest event", f"SELECT max(id) FROM {table}")[0]
        return replace(load, highest_id=highest)
    return load
