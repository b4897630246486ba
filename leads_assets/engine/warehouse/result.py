"""What a load did."""

from collections.abc import Callable
from dataclasses import dataclass

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, moment, quoted
from leads_assets.engine.warehouse.stats import TableStats


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Its ledger row, the table as it is now, and the facts that the checks look at.

    `snapshot`: the number under which a lake keeps this state; None for a file.
    """

    row: SyncRun
    table: Table
    facts: TableStats
    snapshot: int | None = None

    @property
    def wrote(self) -> bool:
        """Whether any row of the table was written."""
        row = self.row
        return bool(row.inserted or row.updated or row.restored or row.deleted)

    @property
    def written(self) -> str:
        """SQL that selects the ids of the rows that were written or marked; none of it costs more than a scan."""
        row = self.row
        this = f"_run_id = {literal(row.run_id)} AND _synced_at = {moment(row.loaded_at)}"
        return f"SELECT {quoted(PRIMARY_KEY)} FROM {self.table.sql} WHERE {this}"


AfterLoad = Callable[[Session, LoadResult], None]
"""What completes a load inside its transaction, after the ledger's row: what it raises undoes the load."""
