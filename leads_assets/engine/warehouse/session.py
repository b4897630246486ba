"""Statements whose failures name the step, and what every warehouse can do, wherever its tables are."""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from leads_assets.engine.records.spool import SpoolDir
from leads_assets.engine.warehouse.errors import failed


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine behind a session can do.

    `comments`: keeps one for each column of a view. `retypes`: gives a column that holds values another type in place.
    `has_snapshots`: every commit is a snapshot with a message, and small inserts can be kept in its catalog.
    """

    comments: bool
    retypes: bool
    has_snapshots: bool


FILE = Engine(comments=True, retypes=True, has_snapshots=False)
LAKE = Engine(comments=False, retypes=False, has_snapshots=True)


def _nothing() -> None:
    """Whoever holds a file's lock holds it until it lets go."""


class Session:
    """An open connection whose failures name the step, never a value.

    Values are written into the SQL (`literal`, `moment`): given beside it, DuckDB 1.5 imports pandas to look at them.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        what: str,
        engine: Engine = FILE,
        *,
        before_commit: Callable[[], None] = _nothing,
    ) -> None:
        """`before_commit` raises WarehouseBusy where the session is not the only writer any more."""
        self.connection = connection
        self.engine = engine
        self.before_commit = before_commit
        self._what = what

    def execute(self, step: str, sql: str) -> duckdb.DuckDBPyConnection:
        """Execute one statement and leave its result on the connection. Raises what `failed` makes of it."""
        try:
            return self.connection.execute(sql)
        except duckdb.Error as error:
            raise failed(self._what, step, error) from None

    def run(self, step: str, sql: str) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows. Raises what `failed` makes of it."""
        result = self.execute(step, sql)
        try:
            return result.fetchall()
        except duckdb.Error as error:
            raise failed(self._what, step, error) from None

    def has_table(self, relation: str) -> bool:
        """Whether there is such a table; a view is none. `relation` is quoted where it has to be."""
        try:
            # Binds only that table; a list of all tables walks every database that is attached, a lake's catalog too.
            self.connection.execute(f"DESCRIBE SELECT rowid FROM {relation}")
        except (duckdb.CatalogException, duckdb.BinderException):
            return False
        except duckdb.Error as error:
            raise failed(self._what, "looking up the table", error) from None
        return True

    def one(self, step: str, sql: str) -> tuple[Any, ...]:
        """The only row of a statement."""
        return self.run(step, sql)[0]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What upkeep found and left: the name of a figure -> its number before and after. `bytes` is among them."""

    before: Mapping[str, int]
    after: Mapping[str, int]


class Warehouse(Protocol):
    """Where the tables are: how they are reached, who may write, and what keeps them small.

    `open_warehouse` makes one from an address; nothing is opened before it is asked for. All of it raises
    WarehouseBusy or WarehouseUnusable.
    """

    @property
    def label(self) -> str:
        """The address without its secrets, for people to read."""

    @property
    def page(self) -> Path:
        """The local file for the page about this warehouse."""

    @property
    def stays_attached(self) -> bool:
        """Whether a load may leave it attached for the next one."""

    @property
    def spool_root(self) -> Path:
        """The local folder where extracts wait to be loaded."""

    def beside(self, ending: str) -> Path:
        """The path of a local helper file of the warehouse."""

    def spool(self) -> SpoolDir:
        """A folder for one extract."""

    def exists(self) -> bool:
        """Whether it was ever written."""

    def stamp(self) -> Hashable:
        """What changes with every commit of anybody; equal stamps mean that nothing was committed in between."""

    def read(self, what: str) -> AbstractContextManager[Session | None]:
        """A read-only session, or None where there is no warehouse yet."""

    def write(self, what: str, staging: duckdb.DuckDBPyConnection | None = None) -> AbstractContextManager[Session]:
        """A read-write session, the only one of all processes. `staging`: where rows are staged already."""

    def compact(self) -> Upkeep:
        """Free the space of replaced rows. Raises LoadFailed too; then everything stands as it was."""

    def publish(self, target: Path) -> None:
        """Write a read copy to `target`; a reader that has the old one open keeps it."""

    def about(self, session: Session) -> str:
        """A sentence about its size and format."""

    def not_writable(self) -> str:
        """The local places that this user may not write and would have to; empty if all is well."""
