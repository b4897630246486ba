"""The IO manager: extracts and frames in, frames out.

Fourteen tables by one rule is what an IO manager is for: the assets say what to store, this says how, and another
environment can store it elsewhere.
"""

import sys
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from leads_assets.account.endpoints import CURSOR_FIELD, ENDPOINTS
from leads_assets.defs.metadata import TABLE, load_metadata
from leads_assets.defs.pending_load import PendingLoad
from leads_assets.defs.resources import SyncOptions, WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.file import RESERVED_SCHEMAS
from leads_assets.engine.warehouse.frames import read_table
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.schema import TableName


class DuckDBUpsertIOManager(dg.ConfigurableIOManager):
    """Merges what an asset returns into the table of the asset's name, by `id`, in one transaction.

    Takes a PendingLoad (this project's assets), a pandas DataFrame or a pyarrow Table (any other asset with an `id`
    column). Hands tables to downstream assets as pandas DataFrames with nullable types.

    An endpoint's asset has its declared table, whatever its key's prefix. For any other asset the last part of the
    prefix names the schema.
    """

    warehouse: dg.ResourceDependency[WarehouseResource]
    sync: dg.ResourceDependency[SyncOptions]

    _loader: Loader | None = PrivateAttr(default=None)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Load. Raises Failure, which asks for no retry of the asset: a retry would read the API again for nothing."""
        try:
            if isinstance(obj, PendingLoad):
                result = obj.result = self._run_loader().load(obj.extract, context.run_id)
                endpoint = obj.extract.endpoint
            elif _is_frame(obj):
                name = _table_of_frame(context.asset_key)
                result = self._run_loader().load_frame(name, obj, context.run_id, cursor=CURSOR_FIELD)
                endpoint = None
            else:
                raise failure(
                    f"{context.asset_key.path[-1]}: a {type(obj).__module__}.{type(obj).__qualname__} cannot be stored;"
                    " return a pandas DataFrame or a pyarrow Table with an `id` column"
                )
        except WarehouseError as error:
            raise failure(error) from None
        finally:
            if isinstance(obj, PendingLoad):
                obj.release()
        context.add_output_metadata(load_metadata(endpoint, result))

    def _run_loader(self) -> Loader:
        """One loader, and so one DuckDB in memory, per run."""
        if self._loader is None:
            self._loader = self.warehouse.loader(self.sync)
        return self._loader

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Release the loader's memory."""
        if self._loader is not None:
            self._loader.close()

    def load_input(self, context: dg.InputContext) -> Any:
        """The live rows of the upstream asset's table as a DataFrame."""
        try:
            return read_table(self.warehouse.warehouse(), _table_of_input(context))
        except WarehouseError as error:
            raise failure(error) from None


def _table_of_frame(key: dg.AssetKey) -> TableName:
    """The table of an asset that returns a frame. Raises Failure where it would be one of this project's own."""
    name = _table_of(key)
    given = len(key.path) > 1
    if given and name.schema.lower() in RESERVED_SCHEMAS:
        raise failure(
            f"{key.to_user_string()}: the schema {name.schema} belongs to leads_assets or DuckDB itself; give the"
            " asset another prefix (nothing was changed)"
        )
    if not given and name.table.lower() in ENDPOINTS:
        raise failure(
            f"{name}: this table is read from the API; give the asset another name, or a prefix for a schema of its own"
            " (nothing was changed)"
        )
    return name


def _table_of_input(context: dg.InputContext) -> TableName:
    """The table of an upstream asset."""
    upstream = context.upstream_output
    told = upstream.definition_metadata.get(TABLE) if upstream is not None else None
    return TableName(str(getattr(told, "value", told))) if told else _table_of(context.asset_key)


def _table_of(key: dg.AssetKey) -> TableName:
    return TableName(*key.path[:-3:-1])


def _is_frame(obj: object) -> bool:
    """Whether it is a frame of pandas or pyarrow. Neither is imported for that: a frame's library is loaded already."""
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    return (pandas is not None and isinstance(obj, pandas.DataFrame)) or (
        pyarrow is not None and isinstance(obj, pyarrow.Table)
    )
