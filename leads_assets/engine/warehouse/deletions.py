"""Rows that are gone from the server: marked, never removed, and only when a complete read proves it."""

from dataclasses import dataclass

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.warehouse.file import Session
from leads_assets.engine.warehouse.merge import Stamp
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.sql import quoted

_KEY = quoted(PRIMARY_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionGuard:
    """How many rows one load may mark: `share` of the live rows or `rows`, whichever is larger; or all, if `allow`."""

    share: float = 0.2
    rows: int = 50
    allow: bool = False

    def refusal(self, gone: int, live: int, *, confirmed: bool) -> str:
        """Why marking `gone` of `live` rows is refused; empty if it is not.

        An empty list that no total confirms is never taken as the end of all rows: it is what a lost right looks like.
        """
        if self.allow or gone == 0:
            return ""
        if confirmed and gone <= max(self.rows, self.share * live):
            return ""
        what = f"{gone:,} of {live:,} rows are not on the server any more"
        why = f"more than {self.share:.0%} and more than {self.rows}" if confirmed else "its list came empty"
        return f"{what}; none was marked as deleted ({why}): if that is right, run again with allow_mass_delete: true"


def soft_delete_missing(
    session: Session, table: Table, stamp: Stamp, guard: DeletionGuard, *, newer: str, confirmed: bool
) -> tuple[int, str]:
    """Mark live rows that are neither in `incoming` nor `newer` (rows that a later load has seen).

    Returns their number, or 0 and why it was refused.
    """
    missing = (
        f"_deleted_at IS NULL AND NOT {newer}"
        f" AND NOT EXISTS (SELECT 1 FROM incoming s WHERE s.{_KEY} = {table.sql}.{_KEY})"
    )
    gone, live = session.one(
        "looking for deleted rows",
        f"SELECT count(*) FILTER ({missing}), count(*) FILTER (_deleted_at IS NULL) FROM {table.sql}",
    )
    refusal = guard.refusal(gone, live, confirmed=confirmed)
    if gone == 0 or refusal:
        return 0, refusal
    session.run(
        "marking deleted rows",
        f"UPDATE {table.sql} SET _deleted_at = {stamp.sql_at}, _synced_at = {stamp.sql_at},"
        f" _run_id = {stamp.sql_run} WHERE {missing}",
    )
    return gone, ""
