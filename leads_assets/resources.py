"""Dagster configuration, turned into plain objects."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from leads_assets.api.address import account_of
from leads_assets.api.budget import RequestBudget, utc_now
from leads_assets.api.client import ApiClient, Limits
from leads_assets.api.errors import ConfigurationError, StopAll
from leads_assets.api.extraction import Extraction, Progress, ReadOptions
from leads_assets.api.transport import CONNECTIONS
from leads_assets.endpoints import ENDPOINTS, Endpoint
from leads_assets.extract import Extract
from leads_assets.spool import SpoolFolder
from leads_assets.warehouse.account import why_another
from leads_assets.warehouse.connection import Stamp, Warehouse
from leads_assets.warehouse.deletions import DeletionGuard
from leads_assets.warehouse.errors import WarehouseUnusable
from leads_assets.warehouse.failures import note_failure
from leads_assets.warehouse.load import LoadOptions
from leads_assets.warehouse.result import LoadResult
from leads_assets.warehouse.runs import SyncState, bound_account, sync_states
from leads_assets.warehouse.snapshot import publish


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
    reconcile_hours: float = Field(default=24.0, description="Hours after which a list is read in full again.")
    mass_delete_share: float = Field(default=0.2, description="Share of a table that one run may mark as deleted.")
    mass_delete_rows: int = Field(default=50, description="Rows that one run may mark as deleted whatever their share.")

    @property
    def reconcile_every(self) -> timedelta:
        """The reconcile interval."""
        return timedelta(hours=self.reconcile_hours)

    def load_options(self, *, evolve: bool) -> LoadOptions:
        """The part that the load needs."""
        guard = DeletionGuard(share=self.mass_delete_share, rows=self.mass_delete_rows, allow=self.allow_mass_delete)
        return LoadOptions(evolve=evolve, server_wins=self.full_refresh, new_account=self.new_account, guard=guard)


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The DuckDB file, and the read copy that is published after a run that changed something."""

    path: str = Field(description="The DuckDB file; folders are made as needed.")
    lock_seconds: float = Field(default=120.0, description="Longest wait for other writers, in seconds.")
    snapshot: str = Field(default="", description="Where to publish a read copy; empty for none.")
    evolve: bool = Field(default=True, description="Whether unknown fields become columns.")

    _states: dict[str, SyncState] | None = PrivateAttr(default=None)
    _stamp: Stamp = PrivateAttr(default=())
    _loaded: set[str] = PrivateAttr(default_factory=set)
    _changed: bool = PrivateAttr(default=False)

    def warehouse(self) -> Warehouse:
        """The plain object."""
        return Warehouse(Path(self.path).absolute(), lock_seconds=self.lock_seconds)

    def state(self, endpoint: str) -> SyncState:
        """What the warehouse knows of an endpoint; read anew only after others, or a load of it, have changed that."""
        return self._known(endpoint).get(endpoint, SyncState())

    def account(self) -> str | None:
        """The account whose rows the warehouse holds; None where none is remembered."""
        return bound_account(self._known(""))

    def _known(self, endpoint: str) -> dict[str, SyncState]:
        stamp = self.warehouse().stamp()
        if self._states is None or stamp != self._stamp or endpoint in self._loaded:
            self._states, self._stamp = sync_states(self.warehouse(), utc_now()), stamp
            self._loaded.clear()
        return self._states

    def spool(self) -> SpoolFolder:
        """A folder for one extract, beside the warehouse. Raises WarehouseUnusable."""
        root = self.warehouse().spool_root
        try:
            return SpoolFolder(root)
        except OSError as error:
            raise WarehouseUnusable(
                f"the folder {root} beside the warehouse cannot be written ({error.strerror});"
                " set LEADS_WAREHOUSE to a file in a folder that can"
            ) from None

    def note_failure(self, endpoint: str, run_id: str, error: str) -> None:
        """Keep why an endpoint could not be read, for SQL and `leads-assets status`. Raises a WarehouseError."""
        note_failure(self.warehouse(), endpoint, run_id, error, utc_now())

    def note_load(self, result: LoadResult) -> None:
        """Remember what this run has loaded: the state of that endpoint is new, that of the others is not."""
        self._changed = self._changed or result.wrote
        self._loaded.add(result.row.endpoint)
        self._stamp = self.warehouse().stamp()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Publish the read copy."""
        if self.snapshot and self._changed:
            publish(self.warehouse(), Path(self.snapshot).absolute())


class LeadsApiResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The lead-management API of one account: pages, retries, quota."""

    base_url: str = Field(description="Address of the API, such as https://api.example.com/v2.")
    api_key: str = Field(repr=False, description="The account's key; sent in a header only.")
    budget_file: str = Field(description="Where the day's requests are counted, for all processes.")
    header_name: str = Field(default="X-API-KEY", description="The header that carries the key.")
    page_size: int = Field(default=100, description="Rows a page (`limit`).")
    concurrency: int = Field(default=CONNECTIONS, description="Pages fetched at a time.")
    attempts: int = Field(default=6, description="Attempts per request.")
    deadline_seconds: float = Field(default=120.0, description="Bound of a request with all its attempts and waits.")
    connect_timeout_seconds: float = Field(default=10.0, description="Longest wait for a connection.")
    read_timeout_seconds: float = Field(default=60.0, description="Longest wait for the next bytes.")
    daily_requests: int = Field(default=2000, description="Requests per UTC day; 0 for no limit.")
    requests_per_second: float = Field(default=0.0, description="Pace of requests; 0 for no limit.")

    _client: ApiClient | None = PrivateAttr(default=None)
    _stopped: StopAll | None = PrivateAttr(default=None)

    @property
    def stopped(self) -> StopAll | None:
        """What ended all reading in this run, if anything did."""
        return self._stopped

    def client(self) -> ApiClient:
        """One client, and so one pool of connections, per run. Raises ConfigurationError."""
        if not (self.base_url and self.api_key):
            raise ConfigurationError(
                "no account is set: put LEADS_API_BASE_URL and LEADS_API_KEY into the environment or into .env,"
                " or try it without an account by `make demo`"
            )
        if self._client is None:
            budget = RequestBudget(Path(self.budget_file), self.daily_requests, self.requests_per_second or None)
            limits = Limits(
                connect_timeout=self.connect_timeout_seconds,
                read_timeout=self.read_timeout_seconds,
                attempts=self.attempts,
                deadline=self.deadline_seconds,
            )
            self._client = ApiClient(
                self.base_url,
                self.api_key,
                budget,
                header=self.header_name,
                limits=limits,
                connections=self.concurrency,
            )
        return self._client

    def extract(
        self,
        endpoint: Endpoint,
        folder: Path,
        *,
        changed_since: datetime | None = None,
        bound_to: str | None = None,
        after: int = 0,
        progress: Callable[[Progress], None],
    ) -> Extract:
        """Read one endpoint into `folder`, from the account `bound_to` only where that is given.

        `after`: the number of the newest load of the endpoint that is known when the read begins.

        Raises a LeadsApiError; after a StopAll every later call raises it again.
        """
        if self._stopped is not None:
            raise self._stopped
        try:
            account = account_of(self.client().base_url)
            if why := why_another(bound_to, account):
                raise ConfigurationError(why)
            reading = Extraction(
                self.client(),
                endpoint,
                folder,
                users=ENDPOINTS["users"],
                options=ReadOptions(limit=self.page_size, threads=self.concurrency),
                progress=progress,
            )
            return replace(reading.run(changed_since), account=account, after=after, changed_since=changed_since)
        except StopAll as stop:
            self._stopped = stop
            raise

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client.budget.close()
