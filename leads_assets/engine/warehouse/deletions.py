"""Rows that are gone from the server: marked, never removed, and only when a complete read proves it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.warehouse.merge import Stamp, record_deletions
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted

_KEY = quoted(PRIMARY_KEY)


WHAT_TO_DO = "if that is right, run again with allow_mass_delete: true"
SEEN_LATER = "rows that are gone were seen by a load that began later"
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
        return f"{what}; none was marked as deleted ({why}): {WHAT_TO_DO}"

    def _bounds(self, live: int) -> tuple[int, float]:
        """Rows and share, of which both must be exceeded."""
        return (self.rows, self.share / 10) if live >= LARGE_TABLE else (min(FEW_ROWS, self.rows), self.share)


COLUMNS = {"endpoint": "VARCHAR", "id": "BIGINT"}
"""Of `ops.refused_deletions`: live rows that are gone from the server, which the guard keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """`rows` were marked as deleted; `refusal`: why none was, else ""; `kept`: left alone, as a later load saw them."""

    rows: int = 0
    refusal: str = ""
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """Marks rows of one table. `newer`: SQL for rows that a later load has seen; `lately`: marked within 24 hours.

    `earlier_ids`: a file with the ids of rows that earlier parts of the same full read have brought, one a line.
    """

    session: Session
    table: Table
    stamp: Stamp
    guard: DeletionGuard
    newer: str
    lately: int
    earlier_ids: Path | None = None

    def missing(self, *, confirmed: bool) -> Marked:
        """Mark all live rows that are not in the view `incoming`; `confirmed`: also if that has none."""
        if self.earlier_ids is None:
            return self._mark("true", confirmed=confirmed)
        self.session.run(
            "looking up earlier parts",
            "CREATE OR REPLACE TEMP TABLE earlier AS SELECT id FROM"
            f" read_csv({literal(str(self.earlier_ids))}, header = false, columns = {{'id': 'BIGINT'}})",
        )
        absent = f"NOT EXISTS (SELECT 1 FROM earlier e WHERE e.id = {self.table.sql}.{_KEY})"
        return self._mark(absent, confirmed=True)

    def gone(self, ids: Iterable[int], *, all_or_none: bool = False) -> Marked:
        """Mark those of these rows that live and are not in the view `incoming`.

        `all_or_none`: none where a later load has seen one of them.
        """
        listed = ", ".join(map(str, sorted(ids)))
        chosen = f"{_KEY} IN ({listed})" if listed else "false"
        return self._mark(chosen, confirmed=True, all_or_none=all_or_none)

    def _mark(self, chosen: str, *, confirmed: bool, all_or_none: bool = False) -> Marked:
        absent = (
            f"_deleted_at IS NULL AND {chosen}"
            f" AND NOT EXISTS (SELECT 1 FROM incoming s WHERE s.{_KEY} = {self.table.sql}.{_KEY})"
        )
        missing = f"{absent} AND NOT {self.newer}"
        gone, kept, live = self.session.one(
            "looking for deleted rows",
            f"SELECT count(*) FILTER ({missing}), count(*) FILTER ({absent} AND {self.newer}),"
            f" count(*) FILTER (_deleted_at IS NULL) FROM {self.table.sql}",
        )
        if kept and all_or_none:
            return Marked(kept=kept, refusal=SEEN_LATER)
        refusal = self.guard.refusal(gone, live, self.lately, confirmed=confirmed)
        if refusal:
            if confirmed:
                self._note_refused(missing)
        elif gone:
            record_deletions(self.session, self.table, missing, self.stamp)
            self.session.run(
                "marking deleted rows",
                f"UPDATE {self.table.sql} SET _deleted_at = {self.stamp.sql_at}, _synced_at = {self.stamp.sql_at},"
                f" _run_id = {self.stamp.sql_run} WHERE {missing}",
            )
        return Marked(rows=0 if refusal else gone, refusal=refusal, kept=kept)

    def _note_refused(self, missing: str) -> None:
        name = literal(str(self.table.name))
        self.session.run(
            "keeping what was refused",
            f"INSERT INTO ops.refused_deletions BY NAME SELECT {name} AS endpoint, id FROM {self.table.sql}"
            f" WHERE {missing} AND id NOT IN (SELECT id FROM ops.refused_deletions WHERE endpoint = {name})",
        )


def count_refused(session: Session, table: Table) -> int:
    """How many live rows are known to be gone from the server, and were not marked."""
    name = literal(str(table.name))
    counted = session.one(
        "counting refused deletions", f"SELECT count(*) FROM ops.refused_deletions WHERE endpoint = {name}"
    )
    return int(counted[0])


def forget_refused(session: Session, table: Table, *, all_of_them: bool) -> None:
    """Forget refused deletions whose rows are gone by now, or were sent again; or all, after a full read marks anew."""
    name = literal(str(table.name))
    settled = (
        ""
        if all_of_them
        else (
            f" AND (id IN (SELECT {_KEY} FROM incoming)"
            f" OR id NOT IN (SELECT {_KEY} FROM {table.sql} WHERE _deleted_at IS NULL))"
        )
    )
    session.run("forgetting refused deletions", f"DELETE FROM ops.refused_deletions WHERE endpoint = {name}{settled}")
