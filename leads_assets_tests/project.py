"""The real project around a test's own server and files: real assets, real IO manager, real DuckDB."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from leads_assets.assets import endpoint_asset
from leads_assets.checks import check_specs, run_checks, skip_checks
from leads_assets.endpoints import ENDPOINTS, Column, ColumnType, Endpoint
from leads_assets.io_manager import DuckDBUpsertIOManager
from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource


@dataclass
class Project:
    """A project whose API is at `base_url` and whose warehouse lies in `folder`."""

    folder: Path
    base_url: str
    key: str = "demo-key"
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: ENDPOINTS)
    api: Mapping[str, Any] = field(default_factory=dict)
    warehouse: Mapping[str, Any] = field(default_factory=dict)
    sync: Mapping[str, Any] = field(default_factory=dict)
    more_assets: Iterable[dg.AssetsDefinition] = ()

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self.folder / "leads.duckdb"

    def materialize(self, *names: str, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
        """Materialize the named assets, or all; failures are in the result."""
        assets = [
            *(
                endpoint_asset(
                    endpoint,
                    storage=str(self.path),
                    check_specs=check_specs,
                    run_checks=run_checks,
                    skip_checks=skip_checks,
                )
                for endpoint in self.endpoints.values()
            ),
            *self.more_assets,
        ]
        warehouse = WarehouseResource(path=str(self.path), **self.warehouse)
        sync = SyncOptions(**self.sync)
        api = LeadsApiResource(
            base_url=self.base_url,
            api_key=self.key,
            budget_file=f"{self.path}.requests",
            **{"daily_requests": 0, **self.api},
        )
        return dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(*names) if names else None,
            resources={
                "leads_api": api,
                "warehouse": warehouse,
                "sync": sync,
                "io_manager": DuckDBUpsertIOManager(warehouse=warehouse, sync=sync),
            },
            instance=instance,
            raise_on_error=False,
        )

    def query(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(self.path, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql, list(params)).fetchall()

    def records(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """The live rows of a table as the server would send them, in order of id, without nulls."""
        names = ", ".join(f'"{column.name}"' for column in endpoint.columns)
        rows = self.query(f'SELECT {names} FROM main."{endpoint.name}" WHERE _deleted_at IS NULL ORDER BY id')
        return [
            {column.json_key: value for column, value in zip(endpoint.columns, row, strict=True) if value is not None}
            for row in rows
        ]


def expected(endpoint: Endpoint, records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The server's records in the form of `Project.records`."""
    columns = {column.json_key: column for column in endpoint.columns}
    return [
        {key: as_stored(columns[key], value) for key, value in record.items() if value is not None}
        for record in sorted(records, key=lambda record: record["id"])
    ]


def as_stored(column: Column, value: Any) -> Any:
    """A JSON value as DuckDB hands it to Python."""
    if column.type is ColumnType.TIMESTAMP:
        return datetime.fromisoformat(value)
    if column.type is ColumnType.DATE:
        return date.fromisoformat(value)
    if column.type is ColumnType.MONEY:
        return Decimal(str(value))
    if column.type is ColumnType.JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value
