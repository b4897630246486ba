"""DuckDB's extensions: from packages of the Python index, which need no network, or as DuckDB itself finds them."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from leads_assets.engine.warehouse.errors import WarehouseUnusable
from leads_assets.engine.warehouse.sql import literal


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension, as `ducklake`. Raises WarehouseUnusable where neither a package nor DuckDB has it."""
    packaged = _packaged(name)
    try:
        connection.execute(f"LOAD {literal(str(packaged)) if packaged else name}")
    except duckdb.Error:
        raise WarehouseUnusable(
            f"DuckDB {duckdb.__version__} has no extension {name} here: install leads-assets with the extra `lake`, or"
            f" let DuckDB fetch it once by `INSTALL {name}`"
        ) from None


def _packaged(name: str) -> Path | None:
    """The file that the package `duckdb-extension-NAME` brings for this version of DuckDB."""
    spec = find_spec(f"duckdb_extension_{name}")
    for place in spec.submodule_search_locations or () if spec else ():
        file = Path(place) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.exists():
            return file
    return None
