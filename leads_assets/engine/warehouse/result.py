"""What a load did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leads_assets.engine.warehouse.casts import Incoming
from leads_assets.engine.warehouse.merge import Merged
from leads_assets.engine.warehouse.runs import SyncRun
from leads_assets.engine.warehouse.schema import Table
from leads_assets.engine.warehouse.staging import Staged
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


def merge_counts(staged: Staged, incoming: Incoming, merged: Merged) -> Mapping[str, Any]:
    """The part of a ledger row that every merge can tell."""
    return {
        "inserted": merged.inserted,
        "updated": merged.updated,
        "restored": merged.restored,
        "outdated": merged.outdated,
        "unchanged": staged.distinct - merged.inserted - merged.updated - merged.restored - merged.outdated,
        "misfits": incoming.misfits,
        "new_columns": incoming.new_columns,
    }
