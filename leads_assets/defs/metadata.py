"""What the Dagster UI shows of a table and of a load: counts, ids and column descriptions, never a row's values."""

from collections.abc import Mapping

import dagster as dg

from leads_assets.engine.declare import PRIMARY_KEY, Endpoint
from leads_assets.engine.records.names import further, shown_names
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.engine.warehouse.schema import BOOKKEEPING, BOOKKEEPING_MEANINGS, Table

TABLE = "leads_assets/table"
"""Under this name an endpoint's asset tells its table, whatever prefix its key was given."""


def column_schema(endpoint: Endpoint | None, table: Table | None = None) -> dg.TableSchema:
    """The columns, with constraints and descriptions: the declared ones, then those the table has besides."""
    columns: list[dg.TableColumn] = []
    declared = {column.name: column for column in endpoint.columns} if endpoint else {}
    types = {name: column.type.value for name, column in declared.items()}
    found = {name: kind for name, kind in table.columns.items() if name not in declared} if table else {}
    plain, others = shown_names(found)
    types |= {name: table.columns[name] for name in declared if table and name in table.columns}
    types |= {name: found[name] for name in plain}
    for name, kind in (types | BOOKKEEPING).items():
        column = declared.get(name)
        about = column.description if column else BOOKKEEPING_MEANINGS.get(name, "Sent by the server, not declared.")
        if column and column.references:
            about += f" References {column.references}.id."
        is_key = name == PRIMARY_KEY
        constraints = dg.TableColumnConstraints(nullable=not is_key, unique=is_key)
        columns.append(dg.TableColumn(name=name, type=kind, description=about, constraints=constraints))
    if others:
        about = "Sent by the server, not declared; their names are in the table only."
        columns.append(dg.TableColumn(name=further(others), type="", description=about))
    return dg.TableSchema(columns=columns)


def load_metadata(endpoint: Endpoint | None, result: LoadResult) -> Mapping[str, dg.MetadataValue]:
    """The metadata of one materialization; every number plots over time in the UI."""
    row, facts = result.row, result.facts
    numbers: dict[str, float | None] = {
        "rows_live": facts.live,
        "rows_read": row.rows_read,
        "rows_inserted": row.inserted,
        "rows_updated": row.updated,
        "rows_unchanged": row.unchanged,
        "rows_deleted": row.deleted,
        "rows_restored": row.restored,
        "rows_outdated": row.outdated,
        "rows_rejected": row.rejected,
        "duplicates": row.duplicates,
        "pages": row.pages,
        "requests": row.requests,
        "retries": row.retries,
        "seconds_waited": row.seconds_waited,
        "budget_left": row.budget_left,
        "lake_snapshot": result.snapshot,
        **{f"seconds_{phase}": seconds for phase, seconds in row.seconds.items()},
    }
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(facts.rows),
        "dagster/column_schema": dg.MetadataValue.table_schema(column_schema(endpoint, result.table)),
        "dagster/table_name": dg.MetadataValue.text(f"{result.table.name.schema}.{result.table.name.table}"),
        "verdict": dg.MetadataValue.text(str(row.verdict)),
        "mode": dg.MetadataValue.text(str(row.mode)),
        "preview": dg.MetadataValue.md(_preview(result)),
    }
    for name, moment in (("changes_as_of", row.changes_as_of), ("complete_as_of", row.complete_as_of)):
        if moment is not None:
            metadata[name] = dg.MetadataValue.timestamp(moment)
    if row.reason:
        metadata["why"] = dg.MetadataValue.text(row.reason)
    if row.notes:
        metadata["notes"] = dg.MetadataValue.text("; ".join(row.notes))
    for name, number in numbers.items():
        if isinstance(number, int):
            metadata[name] = dg.MetadataValue.int(number)
        elif number is not None:
            metadata[name] = dg.MetadataValue.float(number)
    return metadata


def _preview(result: LoadResult) -> str:
    row, facts = result.row, result.facts
    return "\n".join(
        [
            "| lowest id | highest id | rows | live | inserted | updated | unchanged | deleted |",
            "|---|---|---|---|---|---|---|---|",
            f"| {facts.lowest_id or '-'} | {facts.highest_id or '-'} | {facts.rows:,} | {facts.live:,}"
            f" | {row.inserted:,} | {row.updated:,} | {row.unchanged:,} | {row.deleted:,} |",
        ]
    )
