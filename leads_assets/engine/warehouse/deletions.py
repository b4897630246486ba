"""Rows that are gone from the server: marked, never removed, and only when a complete read proves it."""

from dataclasses import dataclass

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.warehouse.merge import Stamp, record_deletions
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import quoted

_KEY = quoted(PRIMARY_KEY)


FEW_ROWS = 3
"""Rows that may go from the smallest table: of four teams one may be closed."""
LARGE_TABLE = 1_000
"""Live rows from which on a fifth would be many rows: there a tenth of the share counts, and `rows`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionGuard:
    """How many rows may be marked within 24 hours without the user's word, all loads counted together.

    In a table of fewer than 1,000 live rows: three, or `share` of them, whichever is more. From there on: `rows`, or a
    tenth of `share`, whichever is more. All, if `allow`.
    """

    share: float = 0.2
    rows: int = 50
    allow: bool = False

    def refusal(self, gone: int, live: int, lately: int, *, confirmed: bool) -> str:
        """Why marking `gone` of `live` rows is refused, `lately` more having been marked in 24 hours; empty if not.

        An empty list that no total confirms is never taken as the end of all rows: it is what a lost right looks like.
        """
        if self.allow or gone == 0:
            return ""
        rows, share = self._bounds(live + lately)
        if confirmed and gone + lately <= max(rows, share * (live + lately)):
            return ""
        before = f", after {lately:,} in the last 24 hours" if lately else ""
        what = f"{gone:,} of {live:,} rows are not on the server any more{before}"
        why = f"more than {rows:,} rows and more than {100 * share:.3g} %" if confirmed else "its list came empty"
        return f"{what}; none was marked as deleted ({why}): if that is right, run again with allow_mass_delete: true"

    def _bounds(self, live: int) -> tuple[int, float]:
        """Rows and share, of which both must be exceeded."""
        return (self.rows, self.share / 10) if live >= LARGE_TABLE else (min(FEW_ROWS, self.rows), self.share)


def soft_delete_missing(
    session: Session, table: Table, stamp: Stamp, guard: DeletionGuard, *, newer: str, lately: int, confirmed: bool
) -> tuple[int, str]:
    """Mark live rows that are neither in `incoming` nor `newer` (rows that a later load has seen).

    `lately`: rows that were marked in the last 24 hours. Returns the number of rows, or 0 and why it was refused.
    """
    missing = (
        f"_deleted_at IS NULL AND NOT {newer}"
        f" AND NOT EXISTS (SELECT 1 FROM incoming s WHERE s.{_KEY} = {table.sql}.{_KEY})"
    )
    gone, live = session.one(
        "looking for deleted rows",
        f"SELECT count(*) FILTER ({missing}), count(*) FILTER (_deleted_at IS NULL) FROM {table.sql}",
    )
    refusal = guard.refusal(gone, live, lately, confirmed=confirmed)
    if gone == 0 or refusal:
        return 0, refusal
    record_deletions(session, table, missing, stamp)
    session.run(
        "marking deleted rows",
        f"UPDATE {table.sql} SET _deleted_at = {stamp.sql_at}, _synced_at = {stamp.sql_at},"
        f" _run_id = {stamp.sql_run} WHERE {missing}",
    )
    return gone, ""
