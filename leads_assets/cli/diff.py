"""`leads-assets plan --diff`: reads the lists and shows what a sync would change, writing nothing to the warehouse."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leads_assets.account.connect import LeadsApi
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.printing import make_console, make_table, number, print_json, print_sentences
from leads_assets.engine.errors import LeadsApiError, RunError
from leads_assets.engine.read.plan import ReadPlan
from leads_assets.engine.read.read import Progress
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.file import Warehouse
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets.engine.warehouse.preview import copy_for_preview, preview_load
from leads_assets.engine.warehouse.runs import SyncRun, bound_account, sync_states


@dataclass(frozen=True, slots=True)
class _Difference:
    """What would become of one endpoint: the row that its load would write, or why there is none."""

    endpoint: str
    row: SyncRun | None
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        if self.row is None:
            return {"endpoint": self.endpoint, "error": self.error}
        names = ("mode", "verdict", "reason", "rows_read", "inserted", "updated", "restored", "deleted", "outdated")
        counts = ("rejected", "new_columns", "misfits", "live_rows", "requests")
        return {"endpoint": self.endpoint, **{name: getattr(self.row, name) for name in (*names, *counts)}}


def diff(api: LeadsApi, warehouse: Warehouse, plans: dict[str, ReadPlan], *, full_refresh: bool, as_json: bool) -> int:
    """Read, load into a copy, and print; 1 if a list could not be read."""
    options = LoadOptions(evolve=api.settings.schema_policy == "evolve", server_wins=full_refresh)
    found: list[_Difference] = []
    with warehouse.spool() as folder:
        copy = copy_for_preview(warehouse, folder.path)
        for name, plan in plans.items():
            try:
                found.append(_Difference(name, _preview(api, warehouse, copy, plan, options, name=name)))
            except RunError as stop:
                found.append(_Difference(name, None, f"{stop}; the endpoints after it were not read"))
                break
            except (LeadsApiError, WarehouseError) as error:
                found.append(_Difference(name, None, str(error)))
    if as_json:
        print_json({"endpoints": [difference.as_json() for difference in found]})
    else:
        _print(found)
    return int(any(difference.row is None for difference in found))


def _preview(
    api: LeadsApi, warehouse: Warehouse, copy: Warehouse, plan: ReadPlan, options: LoadOptions, *, name: str
) -> SyncRun:
    console = make_console(stderr=True)

    def tell(progress: Progress) -> None:
        console.print(progress.line(name), soft_wrap=True)

    states = sync_states(warehouse, datetime.now(UTC), ENDPOINTS)
    with warehouse.spool() as folder:
        extract = api.extract(
            ENDPOINTS[name],
            folder.path,
            changed_since=plan.changed_since,
            held=lambda name: states.get(name, SyncState()).held,
            bound_to=bound_account(states),
            after=states.get(name, SyncState()).number,
            progress=tell,
        )
        return preview_load(copy, options, extract)


def _print(found: list[_Difference]) -> None:
    numbers = ("inserted", "updated", "deleted", "requests")
    table = make_table("endpoint", *numbers, "verdict", right=numbers)
    sentences = []
    for difference in found:
        name, row = difference.endpoint, difference.row
        if row is None:
            table.add_row(name, *[""] * len(numbers), "not read")
            sentences.append(difference.error)
            continue
        counts = (f"+{row.inserted:,}", f"~{row.updated:,}", f"-{row.deleted:,}")
        table.add_row(name, *counts, number(row.requests), row.verdict)
        if row.restored:
            sentences.append(f"{name}: {row.restored:,} rows that were marked as deleted come back")
        if row.new_columns:
            fields = ", ".join(f"{column} ({kind})" for column, kind in row.new_columns.items())
            sentences.append(f"{name}: new fields become columns: {fields}")
        if row.reason:
            sentences.append(f"{name}: {row.verdict}: {row.reason}")
    console = make_console()
    console.print(table)
    print_sentences(console, [*sentences, "Nothing was written to the warehouse."])
