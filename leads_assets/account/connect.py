"""The account's API and the warehouse, as the settings describe them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from math import inf
from pathlib import Path

from leads_assets.account.dialect import DIALECT
from leads_assets.account.settings import NO_ACCOUNT, Settings, in_variables
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import ConfigurationError, RunError
from leads_assets.engine.http.address import account_of
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient, Limits
from leads_assets.engine.http.count_file import BUSY_SECONDS
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.parts import LoadPart
from leads_assets.engine.read.read import Extraction, Progress, ReadOptions
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.state import Held, LiveRows
from leads_assets.engine.warehouse.account import why_another
from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.engine.warehouse.session import Warehouse

Watch = Callable[[str, Progress], None]
"""Gets the name of an endpoint and how far its walk is."""


def warehouse_of(settings: Settings, most_seconds: float = inf) -> Warehouse:
    """The warehouse; nothing is opened yet. `most_seconds` bounds the wait for others further.

    Raises ConfigurationError for a lake where the user has no folder for states.
    """
    lock_seconds = min(settings.lock_seconds, most_seconds)
    if isinstance(settings.warehouse, Path):
        return open_warehouse(settings.warehouse, lock_seconds=lock_seconds)
    return open_warehouse(
        settings.warehouse,
        data=settings.warehouse_data,
        endpoint=settings.object_store,
        scratch=settings.state_folder,
        keep_days=settings.keep_days,
        lock_seconds=lock_seconds,
    )


def count_file(settings: Settings) -> Path:
    """The file that counts the requests to the account, for all its warehouses. Raises ConfigurationError."""
    return settings.state_folder / f"{account_of(settings.base_url)}.requests"


def budget_of(
    settings: Settings, now: Callable[[], datetime] = utc_now, busy_seconds: float = BUSY_SECONDS
) -> RequestBudget:
    """The budget of the account. Raises ConfigurationError where its count cannot be kept.

    `busy_seconds` bounds the wait for another process that holds the count.
    """
    beside = Path(f"{settings.warehouse}.requests") if isinstance(settings.warehouse, Path) else None
    pace = settings.requests_per_second or None
    try:
        return RequestBudget(
            count_file(settings), settings.daily_requests, pace, now, former=beside, busy_seconds=busy_seconds
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; LEADS_STATE names another folder for it") from None


class LeadsApi:
    """One client, and so one pool of connections, for a run or a command; after a RunError nothing more is sent.

    `limits` replaces the bounds of a request, deadline included. Close it at the end: `contextlib.closing`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        limits: Limits | None = None,
        watch: Watch | None = None,
        now: Callable[[], datetime] = utc_now,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.settings = settings
        self.stopped: RunError | None = None
        self._limits = limits or Limits(deadline=settings.deadline_seconds)
        self._watch = watch
        self._now = now
        self._busy_seconds = busy_seconds
        self._client: ApiClient | None = None

    def client(self) -> ApiClient:
        """The client. Raises ConfigurationError where no account is set, or its count of requests cannot be kept."""
        settings = self.settings
        if not settings.has_account:
            raise ConfigurationError(NO_ACCOUNT)
        if self._client is None:
            key = settings.api_key.get_secret_value()
            budget = budget_of(settings, self._now, self._busy_seconds)
            self._client = ApiClient(settings.base_url, key, budget, DIALECT, limits=self._limits, now=self._now)
        return self._client

    def affords_part(self) -> bool:
        """Whether a list that is too long for a day may go on today. Raises ConfigurationError."""
        try:
            return self.client().budget.affords_part()
        except RunError as stop:
            self.stopped = stop
            raise

    def extract(
        self,
        endpoint: Endpoint,
        folder: Path,
        *,
        changed_since: datetime | None = None,
        held: Callable[[str], Held] = lambda _: Held(),
        live: Callable[[datetime], LiveRows] | None = None,
        calibration: str = "",
        lap: Lap | None = None,
        load_part: LoadPart | None = None,
        bound_to: str | None = None,
        after: int = 0,
        progress: Callable[[Progress], None],
    ) -> Extract:
        """Read one endpoint into `folder`, from the account `bound_to` only where that is given.

        `held`, `live`, `calibration`, `lap`: what the warehouse knows, as Extraction takes it; `load_part` loads what
        is read of a long list before its end; `after` is the number of the endpoint's newest load when the read begins.

        Raises an ApiError; after a RunError every later call raises it again.
        """
        if self.stopped is not None:
            raise self.stopped

        def tell(at: Progress) -> None:
            progress(at)
            if self._watch is not None:
                self._watch(endpoint.name, at)

        try:
            account = account_of(self.client().base_url)
            if why := why_another(bound_to, account):
                raise ConfigurationError(why)

            def finish(extract: Extract) -> Extract:
                return replace(
                    extract,
                    reason=in_variables(extract.reason),  # the warehouse keeps it
                    account=account,
                    after=after if extract.after is None else extract.after,
                )

            reading = Extraction(
                self.client(),
                endpoint,
                folder,
                held=held,
                live=live,
                calibration=calibration,
                lap=lap,
                load_part=None if load_part is None else lambda part: load_part(finish(part)),
                options=ReadOptions(limit=self.settings.page_size, whole_lists=self.settings.whole_lists),
                progress=tell,
                now=self._now,
            )
            return replace(finish(reading.run(changed_since)), changed_since=changed_since)
        except RunError as stop:
            self.stopped = stop
            raise

    def close(self) -> None:
        """Close the connections and the count of requests."""
        if self._client is not None:
            self._client.close()
            self._client.budget.close()
