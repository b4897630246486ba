"""`leads-assets plan --diff`: reads the lists and shows what a sync would change, writing nothing to the warehouse."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leads_assets.account.connect import LeadsApi
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.render import Block, Grid, make_console, number
from leads_assets.engine.errors import ApiError, RunError
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.plan import ReadPlan
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.names import shown_counts, shown_list, shown_names
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.live_rows import live_rows
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets.engine.warehouse.preview import copy_for_preview, preview_load
from leads_assets.engine.warehouse.runs import SyncRun, bound_account, sync_states
from leads_assets.engine.warehouse.session import Warehouse

_COUNTS = ("inserted", "updated", "restored", "deleted", "outdated", "rejected")
_SHOWN = ("mode", "verdict", "reason", "rows_read", *_COUNTS, "live_rows", "requests")


@dataclass(frozen=True, slots=True)
class _Difference:
    """What would become of one endpoint: the row that its load would write, or why there is none."""

    endpoint: str
    row: SyncRun | None
    error: str = ""

    def content(self) -> dict[str, Any]:
        if self.row is None:
            return {"endpoint": self.endpoint, "error": self.error}
        plain, _ = shown_names(self.row.new_columns)
        names = {
            "new_columns": {name: self.row.new_columns[name] for name in plain},
            "fields_that_become_columns": len(self.row.new_columns),
            "misfits": shown_counts(self.row.misfits),
        }
        return {"endpoint": self.endpoint, **{name: getattr(self.row, name) for name in _SHOWN}, **names}

    def sentences(self) -> Iterable[str]:
        row = self.row
        if row is None:
            yield self.error
            return
        if row.restored:
            yield f"{self.endpoint}: {row.restored:,} rows that were marked as deleted come back"
        if row.new_columns:
            yield f"{self.endpoint}: {len(row.new_columns):,} fields become columns: {shown_list(row.new_columns)}"
        if row.reason:
            yield f"{self.endpoint}: {row.verdict}: {row.reason}"


@dataclass(frozen=True, slots=True)
class Differences:
    """What a sync would change."""

    found: tuple[_Difference, ...]

    @property
    def status(self) -> int:
        """1 if a list could not be read."""
        return int(any(difference.row is None for difference in self.found))

    def content(self) -> object:
        """One entry per endpoint."""
        return {"endpoints": [difference.content() for difference in self.found]}

    def blocks(self) -> Iterable[Block]:
        """The table, then what it does not say."""
        numbers = ("inserted", "updated", "deleted", "requests")
        lines = []
        for difference in self.found:
            row = difference.row
            if row is None:
                lines.append((difference.endpoint, *[""] * len(numbers), "not read"))
                continue
            counts = (f"+{row.inserted:,}", f"~{row.updated:,}", f"-{row.deleted:,}")
            lines.append((difference.endpoint, *counts, number(row.requests), row.verdict))
        yield Grid(columns=("endpoint", *numbers, "verdict"), rows=lines, right=numbers)
        for difference in self.found:
            yield from difference.sentences()
        yield "Nothing was written to the warehouse."

    def errors(self) -> Iterable[str]:
        """Nothing."""
        return ()


def diff(api: LeadsApi, warehouse: Warehouse, plans: Mapping[str, ReadPlan], *, full_refresh: bool) -> Differences:
    """Read each list and load it into a copy of the warehouse, which is thrown away. Raises a WarehouseError."""
    options = LoadOptions(evolve=api.settings.schema_policy == "evolve", server_wins=full_refresh)
    found: list[_Difference] = []
    with warehouse.spool() as folder:
        reader = _Reader(api, warehouse)
        copy = copy_for_preview(warehouse, folder.path)
        for name, plan in plans.items():
            try:
                with warehouse.spool() as rows:
                    found.append(_Difference(name, preview_load(copy, options, reader.read(name, plan, rows.path))))
            except RunError as stop:
                found.append(_Difference(name, None, f"{stop}; the endpoints after it were not read"))
                break
            except (ApiError, WarehouseError) as error:
                found.append(_Difference(name, None, str(error)))
    return Differences(tuple(found))


class _Reader:
    """Reads lists as a sync would, by what the warehouse knows."""

    def __init__(self, api: LeadsApi, warehouse: Warehouse) -> None:
        self._api = api
        self._warehouse = warehouse
        self._states = sync_states(warehouse, utc_now(), ENDPOINTS)
        self._console = make_console()

    def read(self, name: str, plan: ReadPlan, folder: Path) -> Extract:
        endpoint, state = ENDPOINTS[name], self._states.get(name, SyncState())
        return self._api.extract(
            endpoint,
            folder,
            changed_since=plan.changed_since,
            held=lambda name: self._states.get(name, SyncState()).held,
            live=lambda since: live_rows(self._warehouse, endpoint, changed_since=since, now=utc_now()),
            calibration=state.calibration,
            bound_to=bound_account(self._states),
            after=state.number,
            progress=lambda progress: self._console.print(progress.line(name), soft_wrap=True),
        )
