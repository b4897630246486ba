"""What can go wrong with the warehouse, by what to do next.

    WarehouseError
    ├── WarehouseUnusable   the file cannot be opened: change a setting or the file
    ├── WarehouseBusy       another process holds it: run again
    └── LoadFailed          a statement failed; the transaction left everything as it was

DuckDB's own messages are never passed on, because they quote values.
"""


class WarehouseError(Exception):
    """Anything that kept the warehouse from being read or written."""


class WarehouseUnusable(WarehouseError):
    """The file cannot be opened or written; the text says which and what to do."""


class WarehouseBusy(WarehouseError):
    """Another process held the file for longer than the allowed wait."""


class LoadFailed(WarehouseError):
    """A statement failed and nothing was changed."""
