"""What a load did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leads_assets.warehouse.evolve import Incoming
from leads_assets.warehouse.facts import Facts
from leads_assets.warehouse.merge import Merged
from leads_assets.warehouse.runs import SyncRun
from leads_assets.warehouse.stage import Staged
from leads_assets.warehouse.tables import Table


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Its ledger row, the table as it is now, and the facts that the checks look at."""

    row: SyncRun
    table: Table
    facts: Facts

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
