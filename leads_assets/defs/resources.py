"""The settings as Dagster resources. Address and key are no configuration of any of them, so Dagster stores neither."""

from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr

from leads_assets.account.connect import LeadsApi, Watch, warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.sentences import failure
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.http.client import Limits
from leads_assets.engine.instants import utc_now
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.state import LiveRows, SyncState
from leads_assets.engine.warehouse.deletions import DeletionGuard
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.failures import note_failure
from leads_assets.engine.warehouse.live_rows import live_rows
from leads_assets.engine.warehouse.load import Loader, LoadOptions
from leads_assets.engine.warehouse.read_copy import publish_if_due
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.engine.warehouse.runs import bound_account, sync_states
from leads_assets.engine.warehouse.session import Warehouse
from leads_assets.marts.history import keeping_marts


class SyncOptions(dg.ConfigurableResource):  # type: ignore[type-arg]
    """How this run reads and loads; one place in the launchpad for all endpoints."""

    full_refresh: bool = Field(
        default=False, description="Read every list in full, and take the server's version of each row even if older."
    )
    allow_mass_delete: bool = Field(
        default=False, description="Mark rows that are gone as deleted however many they are, in this run."
    )
    new_account: bool = Field(
        default=False,
        description="The settings name another account than the one whose rows are here, and it is to take its place.",
    )
    reconcile_hours: float | None = Field(
        default=None,
        description="Hours after which a list is read in full again; by default 24, above 200 requests 168.",
    )
    mass_delete_share: float = Field(
        default=0.2,
        description="Share of a table's live rows that may be marked as deleted within 24 hours, and three rows always;"
        " a tenth of it in tables of 1,000 live rows or more.",
    )
    mass_delete_rows: int = Field(
        default=50,
        description="Rows that may be marked as deleted within 24 hours in a table of 1,000 live rows or more,"
        " whatever their share.",
    )

    @property
    def reconcile_every(self) -> timedelta | None:
        """The reconcile interval, None for the one that goes by a list's size."""
        return None if self.reconcile_hours is None else timedelta(hours=self.reconcile_hours)

    def load_options(self, *, evolve: bool) -> LoadOptions:
        """The part that the load needs."""
        guard = DeletionGuard(share=self.mass_delete_share, rows=self.mass_delete_rows, allow=self.allow_mass_delete)
        return LoadOptions(evolve=evolve, server_wins=self.full_refresh, new_account=self.new_account, guard=guard)


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse, and the read copy of a file that is published after a run that changed something."""

    place: ClassVar[Settings]
    path: str = Field(description="Where the tables are, without its secrets.")
    lock_seconds: float = Field(description="Longest wait for other writers, in seconds.")
    snapshot: str = Field(description="Where to publish a read copy; empty for none.")
    evolve: bool = Field(description="Whether unknown fields become columns.")
    time_zone: str = Field(default="UTC", description="Time zone in which the marts count days and months.")

    _states: dict[str, SyncState] | None = PrivateAttr(default=None)
    _stamp: Hashable = PrivateAttr(default=())
    _loaded: set[str] = PrivateAttr(default_factory=set)

    @classmethod
    def of(cls, settings: Settings) -> "WarehouseResource":
        """The warehouse of the settings."""

        class Bound(WarehouseResource):
            """The address is no configuration either: it may hold a password."""

            place: ClassVar[Settings] = settings

        return Bound(
            path=warehouse_of(settings).label,
            lock_seconds=settings.lock_seconds,
            snapshot=str(settings.snapshot or ""),
            evolve=settings.schema_policy == "evolve",
            time_zone=settings.time_zone,
        )

    def warehouse(self, most_seconds: float = inf) -> Warehouse:
        """The plain object; `most_seconds` bounds the wait for others further."""
        return warehouse_of(self.place, min(self.lock_seconds, most_seconds))

    def state(self, endpoint: str) -> SyncState:
        """What the warehouse knows of an endpoint; looked up again only after others, or a load of it, changed that."""
        return self._known(endpoint).get(endpoint, SyncState())

    def live_rows(self, endpoint: Endpoint, since: datetime, *, with_refused: bool) -> LiveRows:
        """The live rows, and those that have changed since a time (UTC). Raises a WarehouseError."""
        return live_rows(self.warehouse(), endpoint, changed_since=since, now=utc_now(), with_refused=with_refused)

    def account(self) -> str | None:
        """The account whose rows the warehouse holds; None where none is remembered."""
        return bound_account(self._known(""))

    def _known(self, endpoint: str) -> dict[str, SyncState]:
        stamp = self.warehouse().stamp()
        if self._states is None or stamp != self._stamp or endpoint in self._loaded:
            self._states, self._stamp = sync_states(self.warehouse(), utc_now(), ENDPOINTS), stamp
            self._loaded.clear()
        return self._states

    def note_failure(self, endpoint: str, run_id: str, error: str) -> None:
        """Keep why an endpoint could not be read, for SQL and `leads-assets status`. Raises a WarehouseError."""
        note_failure(self.warehouse(), endpoint, run_id, error, utc_now())

    def loader(self, sync: SyncOptions) -> Loader:
        """What loads into the warehouse, and keeps the marts. Close it at the end."""
        keep = keeping_marts(ENDPOINTS, self.time_zone)
        return Loader(self.warehouse(), sync.load_options(evolve=self.evolve), after_load=keep)

    def load_part(self, part: Extract, run_id: str, sync: SyncOptions) -> LoadResult:
        """Merge a part of a long list, which an asset cannot hand to the IO manager. Raises a WarehouseError."""
        with closing(self.loader(sync)) as loader:
            result = loader.load(part, run_id)
        self.note_load(part.endpoint.name)
        return result

    def note_load(self, endpoint: str) -> None:
        """Remember what this run has loaded: the state of that endpoint is new, that of the others is not.

        For whoever asks for states: Dagster hands the IO manager another copy of this resource.
        """
        self._loaded.add(endpoint)
        self._stamp = self.warehouse().stamp()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Publish the read copy, if a load is not in it yet. Raises Failure."""
        if self.snapshot:
            try:
                publish_if_due(self.warehouse(), Path(self.snapshot))
            except WarehouseError as error:
                raise failure(error) from None


class ReadOnlyDuckDB(DuckDBResource):
    """`dagster-duckdb`'s resource on the tables, for assets that read them: the read copy where one is published.

    On a file itself a reader keeps syncs waiting while its connection is open; on a lake nobody waits.
    """

    place: ClassVar[Settings]

    @classmethod
    def of(cls, settings: Settings) -> "ReadOnlyDuckDB":
        """What the settings give to readers."""

        class Bound(ReadOnlyDuckDB):
            """The address is no configuration: it may hold a password."""

            place: ClassVar[Settings] = settings

        path = settings.snapshot or settings.warehouse
        return Bound(database=str(path), connection_config={"access_mode": "READ_ONLY"})

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, closed at the end also of a block that fails. Raises Failure for a lake not there."""
        if not isinstance(self.place.warehouse, Path):
            with self._lake() as connection:
                yield connection
            return
        with super().get_connection() as connection:
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def _lake(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with warehouse_of(self.place).read("the resource duckdb") as session:
                if session is None:
                    raise failure(f"there is no warehouse yet at {self.database}; sync first")
                session.connection.execute("RESET threads; RESET memory_limit")
                yield session.connection
        except WarehouseError as error:
            raise failure(error) from None


def api_resource(settings: Settings, *, limits: Limits | None = None, watch: Watch | None = None) -> Any:
    """The resource that gives each run a LeadsApi of its own."""

    @dg.resource(description="The account of LEADS_API_BASE_URL and LEADS_API_KEY: pages, retries, quota.")
    def _leads_api(_context: dg.InitResourceContext) -> Iterator[LeadsApi]:
        with closing(LeadsApi(settings, limits=limits, watch=watch)) as api:
            yield api

    return _leads_api
