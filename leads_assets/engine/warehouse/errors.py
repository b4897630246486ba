"""What can go wrong with the warehouse, by what to do next.

    WarehouseError
    ├── WarehouseUnusable   the file cannot be opened: change a setting or the file
    ├── WarehouseBusy       another process holds it, or its connection was lost: run again
    │   └── WriteConflict       another writer's commit came first: the load can be done once more at once
    └── LoadFailed          a statement failed; the transaction left everything as it was
        └── MemoryUsedUp        it takes more memory than it may

DuckDB's own messages are never passed on, because they quote values.
"""

from pathlib import Path

import duckdb


class WarehouseError(Exception):
    """Anything that kept the warehouse from being read or written."""


class WarehouseUnusable(WarehouseError):
    """The file cannot be opened or written; the text says which and what to do."""


class WarehouseBusy(WarehouseError):
    """Another process held it for longer than the allowed wait, or its catalog cannot be reached."""


class WriteConflict(WarehouseBusy):
    """Another writer committed to the same tables in the meantime; nothing was changed."""


class LoadFailed(WarehouseError):
    """A statement failed and nothing was changed."""


class MemoryUsedUp(LoadFailed):
    """A statement takes more memory than it may; nothing was changed."""


_MAGIC, _MAGIC_ENDS = b"DUCK", 12
"""Every DuckDB file holds these bytes behind a checksum of eight."""
_FULL = ("No space left", "Disk quota", "File too large", "could not write all")
_DAMAGED = ("not a valid DuckDB database", "Corrupt", "checksum", "erialization", "Could not read enough bytes")


_LOST = (
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "could not connect",
    "Unable to connect",
    "no connection to the server",
    "connection has been closed",
    "connection not open",
    "SSL SYSCALL",
    "shutting down",
    "starting up",
)
_CONFLICT = ("Transaction conflict", "Failed to commit DuckLake", "database is locked")


def is_lost(text: str) -> bool:
    """Whether the text of an error says that the connection to a lake's catalog is gone."""
    return any(sign in text for sign in _LOST)


def is_full(error: Exception) -> bool:
    """Whether the error says that a disk is full."""
    return any(sign in str(error) for sign in _FULL)


def failed(what: str, step: str, error: duckdb.Error) -> LoadFailed | WarehouseBusy:
    """What to raise for a failed statement; its sentence quotes nothing of it."""
    if is_lost(str(error)):
        # Of a commit nobody knows then whether it was done: a second load finds out, and writes nothing twice.
        return WarehouseBusy(
            f"{what}: the connection to the catalog was lost while {step}; run again, nothing is loaded twice"
        )
    if any(sign in str(error) for sign in _CONFLICT):
        return WriteConflict(f"{what}: another writer came first while {step}; nothing was changed: run again")
    if is_full(error):
        hint = "the disk is full: free some space and run again"
    elif isinstance(error, duckdb.OutOfMemoryException):
        hint = "the memory limit is used up: its longest rows do not fit together; please report their number and size"
    elif any(sign in str(error) for sign in _DAMAGED):
        hint = "the file is damaged: move it away, or restore a copy"
    elif isinstance(error, duckdb.ConstraintException):
        hint = "a rule that was added to the table, as NOT NULL, UNIQUE, CHECK or a key, refuses its rows: drop it"
    elif isinstance(error, duckdb.HTTPException):
        hint = "the object store cannot be reached, or refuses: check its address and the credentials"
    elif isinstance(error, duckdb.IOException | duckdb.FatalException):
        hint = "check the disk and the rights on the file and its folder"
    else:
        hint = "please report it with the statement's name"
    text = f"{what}: {type(error).__name__} while {step}; nothing was changed ({hint})"
    out_of_memory = isinstance(error, duckdb.OutOfMemoryException) and not is_full(error)
    return MemoryUsedUp(text) if out_of_memory else LoadFailed(text)


def why_no_database(path: Path) -> str:
    """A sentence about what is no DuckDB file by its first bytes; empty if it is one, or cannot be looked at."""
    try:
        with path.open("rb") as file:
            head = file.read(_MAGIC_ENDS)
    except IsADirectoryError:
        return f"the warehouse {path} is a folder; set the setting `warehouse` to a file"
    except OSError:
        return ""
    return "" if head.endswith(_MAGIC) and len(head) == _MAGIC_ENDS else _no_database(f"the warehouse {path}")


def _no_database(name: str) -> str:
    return f"{name} is no DuckDB file, or a damaged one; it was left alone: move it away, or restore a copy"


def why_unusable(path: Path, error: duckdb.Error) -> str:
    """A sentence about a file that could not be opened."""
    text, name = str(error), f"the warehouse {path}"
    if is_full(error):
        return f"{name} cannot be opened: the disk is full; free some space and run again"
    if "version number" in text or "newer version" in text:
        return (
            f"{name} was written by a newer DuckDB than {duckdb.__version__}; it was left alone: upgrade duckdb, or"
            " move the file away"
        )
    if any(sign in text for sign in _DAMAGED):
        return _no_database(name)
    if "Is a directory" in text:
        return f"{name} is a folder; set the setting `warehouse` to a file"
    if "Unique file handle conflict" in text:
        return f"{name} is open in this process already; close that connection first"
    return f"{name} cannot be opened; check the rights on the file and its folder (setting `warehouse`)"
