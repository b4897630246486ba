"""The requests of one list: its parameters, its pages, and whether its change filter is heeded."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import MalformedResponse, Refused
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.instants import format_instant, parse_instant
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.records.members import member
from leads_assets.engine.records.page import Page, parse_page
from leads_assets.engine.records.values import ExactParser

FILTER_LOOKBACK = timedelta(days=1)
"""A row this much older than what was asked for is a sign that the change filter is ignored, whatever the time zone."""


class PageSource:
    """Asks for the pages of one list; every method that asks raises an ApiError.

    `since`: only what changed since then, where the endpoint has a change filter.
    """

    def __init__(
        self,
        client: ApiClient,
        endpoint: Endpoint,
        params: Mapping[str, str],
        stats: RequestStats,
        *,
        limit: int,
        since: datetime | None = None,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._plain = dict(params)
        self._params = dict(params)
        self._stats = stats
        self._parser = ExactParser({column.json_key: column.type for column in endpoint.columns})
        self._dialect = client.dialect
        self._front_window = self._window(0, limit) if endpoint.paged else {}
        self._since = since if endpoint.change_filter else None
        self.total: int | None = None
        """The row count that the server stated last."""
        self.filter_ignored = False
        """Whether the first page showed that the server sends all rows, changed or not."""

    @property
    def order(self) -> Order:
        """The order of ids that the requests ask for."""
        words = self._dialect.ordering
        if words is None or self._params.get(words.order) != words.by_id:
            return Order.UNKNOWN
        directions = {words.ascending: Order.ASCENDING, words.descending: Order.DESCENDING}
        return directions.get(self._params.get(words.direction, ""), Order.UNKNOWN)

    @property
    def name(self) -> str:
        """The endpoint."""
        return self._endpoint.name

    @property
    def is_filtered(self) -> bool:
        """Whether it is asked, and answered, for changes only."""
        return self._since is not None and not self.filter_ignored

    @property
    def paged(self) -> bool:
        """Whether the contract reads the list page by page."""
        return self._endpoint.paged

    def ensure(self, pages: int, rows: int) -> None:
        """Raise QuotaExhausted if the budget cannot carry so many more pages of a list of `rows`."""
        self._client.budget.require(self._endpoint.name, pages, rows)

    def cancel(self) -> None:
        """End the waits of all threads that ask for this list."""
        self._stats.cancelled.set()

    def first(self) -> Page:
        """The first page, or the only one of an unpaged list."""
        if self._since is None or self._endpoint.change_filter is None:
            return self._front()
        self._params[self._endpoint.change_filter] = format_instant(self._since, self._dialect.instant)
        page = self._front()
        if not self._has_older(page, self._since - FILTER_LOOKBACK):
            return page
        plain = self._ask(0, {**self._plain, **self._front_window})
        # A filter that defines change otherwise lets older rows through too. The server ignores the filter only if the
        # page is the same without it; all rows come then anyway, so the read becomes a full read.
        if plain.ids != page.ids:
            return page
        self.filter_ignored = True
        self._params = self._plain
        return plain

    def at(self, offset: int, limit: int, *, may_be_empty: bool = False) -> Page:
        """At most `limit` rows from row `offset` on; a page without any where the total says more is a fault, unless
        it `may_be_empty`."""
        return self._ask(offset, {**self._params, **self._window(offset, limit)}, may_be_empty=may_be_empty)

    def backwards(self, limit: int, order: Order) -> Page:
        """The first `limit` rows of the list when it is asked for in the order opposite to `order`.

        Raises Refused also where the API has no words for that.
        """
        words = self._dialect.ordering
        if words is None:
            raise Refused(f"{self._endpoint.name}: the API has no words to ask for a list backwards")
        direction = words.ascending if order is Order.DESCENDING else words.descending
        query = {**self._params, words.direction: direction, **self._window(0, limit)}
        return self._ask(0, query, may_be_empty=True)

    def _window(self, offset: int, limit: int) -> dict[str, str]:
        return {self._dialect.limit: str(limit), self._dialect.offset: str(offset)}

    def _front(self) -> Page:
        return self._ask(0, {**self._params, **self._front_window})

    def _ask(self, offset: int, query: Mapping[str, str], *, may_be_empty: bool = False) -> Page:
        def parse(body: bytes, headers: Mapping[str, str]) -> Page:
            page = parse_page(body, headers, self._endpoint.data_selector, self._dialect, self._parser)
            if not page.records and page.total and offset < page.total and not may_be_empty:
                raise MalformedResponse(f"an empty page at row {offset:,} of {page.total:,}")
            return page

        page = self._client.get(self._endpoint.name, self._endpoint.path, query, parse, self._stats)
        self.total = page.total if page.total is not None else self.total
        return page

    def _has_older(self, page: Page, moment: datetime) -> bool:
        stamps = (parse_instant(member(record, self._endpoint.cursor_key or "")) for record in page.records)
        return any(stamp is not None and stamp < moment for stamp in stamps)
