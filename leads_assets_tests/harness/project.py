"""The real project around a test's own server and files: real assets, real IO manager, real DuckDB."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.resources import api_resource
from leads_assets.engine.declare import Column, ColumnType, Endpoint
from leads_assets.engine.http.client import Limits

_BOUNDS = frozenset(field.name for field in fields(Limits))


@dataclass
class Project:
    """A project whose API is at `base_url` and whose warehouse lies in `folder`.

    `api` and `warehouse`: further settings, and bounds of a request; `sync`: the launchpad's options; `overrides`:
    resources.
    """

    folder: Path
    base_url: str
    key: str = "demo-key"
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: ENDPOINTS)
    api: Mapping[str, Any] = field(default_factory=dict)
    warehouse: Mapping[str, Any] = field(default_factory=dict)
    sync: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, object] = field(default_factory=dict)
    more_assets: Iterable[dg.AssetsDefinition] = ()

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self.folder / "leads.duckdb"

    @property
    def state(self) -> Path:
        """The folder of the request count."""
        return self.folder / "state"

    @property
    def settings(self) -> Settings:
        """What a user would have set."""
        places = {"warehouse": self.path, "state": self.state}
        account = {"base_url": self.base_url, "api_key": self.key, "daily_requests": 0, **places}
        more = {name: value for name, value in self.api.items() if name not in _BOUNDS}
        return Settings.model_validate({**account, **more, **self.warehouse})

    @property
    def definitions(self) -> dg.Definitions:
        """The project, wired as for users, with the test's own assets beside."""
        settings = self.settings
        bounds = {name: value for name, value in self.api.items() if name in _BOUNDS}
        limits = Limits(**{"deadline": settings.deadline_seconds, **bounds})
        overrides = {"leads_api": api_resource(settings, limits=limits), **self.overrides}
        ours = build_definitions(settings, endpoints=self.endpoints, overrides=overrides)
        return dg.Definitions.merge(ours, dg.Definitions(assets=list(self.more_assets)))

    def materialize(
        self, *names: str | dg.AssetKey, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        """Materialize the named assets, or all; failures are in the result."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            run_config={"resources": {"sync": {"config": dict(self.sync)}}},
            asset_selection=[dg.AssetKey(name) if isinstance(name, str) else name for name in names] or None,
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
