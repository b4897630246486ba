"""A true copy of a lead-management (CRM) account in DuckDB, kept by Dagster.

The names below are public; `docs/second-api.md` shows them at work on another API. Each is loaded when it is first
used, so that `import leads_assets` and the command line do not wait for Dagster and DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leads_assets.account.settings import Settings
    from leads_assets.defs.build import build_definitions
    from leads_assets.engine.declare import Column, ColumnType, Dialect, Endpoint, Ordering
    from leads_assets.engine.errors import ApiError
    from leads_assets.engine.library import load, read
    from leads_assets.engine.warehouse.address import open_warehouse
    from leads_assets.engine.warehouse.errors import WarehouseError
    from leads_assets.engine.warehouse.session import Warehouse

__all__ = [
    "ApiError",
    "Column",
    "ColumnType",
    "Dialect",
    "Endpoint",
    "Ordering",
    "Settings",
    "Warehouse",
    "WarehouseError",
    "build_definitions",
    "load",
    "open_warehouse",
    "read",
]

_MODULES = {
    "ApiError": "engine.errors",
    "Column": "engine.declare",
    "ColumnType": "engine.declare",
    "Dialect": "engine.declare",
    "Endpoint": "engine.declare",
    "Ordering": "engine.declare",
    "Settings": "account.settings",
    "Warehouse": "engine.warehouse.session",
    "WarehouseError": "engine.warehouse.errors",
    "build_definitions": "defs.build",
    "load": "engine.library",
    "open_warehouse": "engine.warehouse.address",
    "read": "engine.library",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
