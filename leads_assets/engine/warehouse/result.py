"""What a load did."""

from dataclasses import dataclass

from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.stats import TableStats


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Its ledger row, the table as it is now, and the facts that the checks look at."""

    row: SyncRun
    table: Table
    facts: TableStats

    @property
    def wrote(self) -> bool:
        """Whether any row of the table was written."""
        row = self.row
        return bool(row.inserted or row.updated or row.restored or row.deleted)
