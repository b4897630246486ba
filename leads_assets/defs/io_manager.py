"""The IO manager: extracts and frames in, frames out.

Fourteen tables by one rule is what an IO manager is for: the assets say what to store, this says how, and another
environment can store it elsewhere.
"""

import sys
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from leads_assets.account.endpoints import CURSOR_FIELD, ENDPOINTS
from leads_assets.defs.metadata import load_metadata
from leads_assets.defs.pending_load import PendingLoad
from leads_assets.defs.resources import SyncOptions, WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.frames import read_table
from leads_assets.engine.warehouse.load import Loader
from leads_assets.engine.warehouse.schema import TableName
from leads_assets.marts.history import keeping_marts


class DuckDBUpsertIOManager(dg.ConfigurableIOManager):
    """Merges what an asset returns into the table of the asset's name, by `id`, in one transaction.

    Takes a PendingLoad (this project's assets), a pandas DataFrame or a pyarrow Table (any other asset with an `id`
    column). Hands tables to downstream assets as pandas DataFrames with nullable types.
    """

    warehouse: dg.ResourceDependency[WarehouseResource]
    sync: dg.ResourceDependency[SyncOptions]

    _loader: Loader | None = PrivateAttr(default=None)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Load. Raises Failure, which asks for no retry of the asset: a retry would read the API again for nothing."""
        name = context.asset_key.path[-1]
        try:
            if isinstance(obj, PendingLoad):
                result = obj.result = self._run_loader().load(obj.extract, context.run_id)
                endpoint = obj.extract.endpoint
            elif _is_frame(obj):
                result = self._run_loader().load_frame(TableName(name), obj, context.run_id, cursor=CURSOR_FIELD)
                endpoint = None
            else:
                raise failure(
                    f"{name}: a {type(obj).__module__}.{type(obj).__qualname__} cannot be stored;"
                    " return a pandas DataFrame or a pyarrow Table with an `id` column"
                )
        except WarehouseError as error:
            raise failure(error) from None
        finally:
            if isinstance(obj, PendingLoad):
                obj.release()
        self.warehouse.note_change(result)
        context.add_output_metadata(load_metadata(endpoint, result))

    def _run_loader(self) -> Loader:
        """One loader, and so one DuckDB in memory, per run."""
        if self._loader is None:
            options = self.sync.load_options(evolve=self.warehouse.evolve)
            keep = keeping_marts(ENDPOINTS, self.warehouse.time_zone)
            self._loader = Loader(self.warehouse.warehouse(), options, after_load=keep)
        return self._loader

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Release the loader's memory."""
        if self._loader is not None:
            self._loader.close()

    def load_input(self, context: dg.InputContext) -> Any:
        """The live rows of the upstream asset's table as a DataFrame."""
        try:
            return read_table(self.warehouse.warehouse(), TableName(context.asset_key.path[-1]))
        except WarehouseError as error:
            raise failure(error) from None


def _is_frame(obj: object) -> bool:
    """Whether it is a frame of pandas or pyarrow. Neither is imported for that: a frame's library is loaded already."""
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    return (pandas is not None and isinstance(obj, pandas.DataFrame)) or (
        pyarrow is not None and isinstance(obj, pyarrow.Table)
    )
