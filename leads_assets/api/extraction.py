"""One endpoint, from the first request to an extract: the walk, its parameters, and the spool it fills."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from leads_assets.api.budget import utc_now
from leads_assets.api.client import ApiClient, Effort
from leads_assets.api.coverage import Order
from leads_assets.api.errors import BadRequest
from leads_assets.api.pages import Malformed, Page, parse_page
from leads_assets.api.verdict import Outcome
from leads_assets.api.walk import FULL_PAGE, Walk
from leads_assets.endpoints import PRIMARY_KEY, Endpoint
from leads_assets.extract import Extract, Mode, Verdict
from leads_assets.spool import SpoolWriter

PROGRESS_SECONDS = 10.0
FILTER_SLACK = timedelta(days=1)
"""A row this much older than what was asked for is a sign that the change filter is ignored, whatever the time zone."""
_DIRECTIONS = {"asc": Order.ASCENDING, "desc": Order.DESCENDING}


class _Dated(msgspec.Struct, gc=False):
    updated_at: Any = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk is. `seconds` is the time since it began, `seconds_left` an estimate, None without a total."""

    rows: int
    total: int | None
    requests: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """Seconds to go at the pace so far."""
        if not self.total or not self.rows:
            return None
        return max(0.0, self.seconds / self.rows * (self.total - self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How lists are read. `limit`: rows a page; `threads`: pages fetched at a time; `evolve`: see `Screen`."""

    limit: int = FULL_PAGE
    threads: int = 4
    evolve: bool = True
    params: Mapping[str, str] | None = None
    """Query parameters that replace the declaration's ones of the same name; an empty value drops one."""


class Extraction:
    """Reads one endpoint into a folder. One object, one walk (or one per user)."""

    def __init__(
        self,
        client: ApiClient,
        endpoint: Endpoint,
        folder: Path,
        *,
        users: Endpoint,
        options: ReadOptions | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._users = users
        self._options = options or ReadOptions()
        self._progress = progress
        self._clock = clock
        self._now = now
        self._effort = Effort()
        self._writer = SpoolWriter(folder, endpoint, evolve=self._options.evolve)
        self._began = self._told = clock()
        self._notes: list[str] = []
        self._filter_ignored = False
        self._total: int | None = None

    def run(self, changed_since: datetime | None = None) -> Extract:
        """Read the whole list, or what changed since a time (UTC) where the endpoint has a change filter.

        Raises a LeadsApiError; then the spool holds nothing that may be used.
        """
        began_at = self._now()
        since = changed_since if self._endpoint.change_filter else None
        try:
            outcome = self._read(since)
        finally:
            spooled = self._writer.close()
        if self._filter_ignored:
            self._notes.append(f"the server ignores `{self._endpoint.change_filter}`: all rows were read")
        return Extract(
            endpoint=self._endpoint,
            mode=Mode.FULL if since is None or self._filter_ignored else Mode.INCREMENTAL,
            verdict=outcome.verdict,
            reason=outcome.reason,
            spooled=spooled,
            total=outcome.total,
            duplicates=outcome.duplicates,
            pages=outcome.pages,
            requests=self._effort.requests,
            retries=self._effort.retries,
            seconds_waited=self._effort.seconds_waited,
            budget_left=self._client.budget.left(),
            began_at=began_at,
            ended_at=self._now(),
            notes=tuple(self._notes),
        )

    def _read(self, since: datetime | None) -> Outcome:
        params = {**self._endpoint.params, **(self._options.params or {})}
        params = {name: value for name, value in params.items() if value}
        try:
            return self._walk(self._endpoint, params, self._sink, since)
        except BadRequest as refused:
            if not (self._endpoint.per_user_fallback and refused.missing_parameter):
                raise
        return self._walk_per_user(params)

    def _walk(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        sink: Callable[[list[Raw], list[int | None]], None],
        since: datetime | None = None,
        *,
        is_part: bool = False,
    ) -> Outcome:
        """Read one list; `is_part`: it is one of several, and an empty one is nothing to wonder at."""
        self._effort.cancelled.clear()
        query = dict(params)
        window = {"limit": str(self._options.limit), "offset": "0"} if endpoint.paged else {}

        def at(offset: int, limit: int) -> Page:
            return self._page(endpoint, offset, {**query, "limit": str(limit), "offset": str(offset)})

        def first() -> Page:
            if since is None or endpoint.change_filter is None:
                page = self._page(endpoint, 0, {**query, **window})
                # Servers have been seen to send an empty page by mistake, and this one would empty the whole table.
                is_doubtful = not page.records and page.total is None and not is_part
                return self._page(endpoint, 0, {**query, **window}) if is_doubtful else page
            query[endpoint.change_filter] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            page = self._page(endpoint, 0, {**query, **window})
            if _has_older(page, since - FILTER_SLACK):
                plain = self._page(endpoint, 0, {**params, **window})
                # A filter by another notion of change also lets older rows through: only if it makes no difference is
                # it ignored. Then all rows are read anyway, and asking for them makes it a full read by right.
                if plain.ids == page.ids:
                    self._filter_ignored = True
                    del query[endpoint.change_filter]
                    return plain
            return page

        return Walk(
            endpoint.name,
            paged=endpoint.paged,
            first=first,
            at=at,
            sink=sink,
            fits=lambda pages, rows: self._client.budget.require(endpoint.name, pages, rows),
            cancel=self._effort.cancelled.set,
            limit=self._options.limit,
            threads=self._options.threads,
            order=_DIRECTIONS.get(params.get("direction", ""), Order.UNKNOWN)
            if params.get("order") == PRIMARY_KEY
            else Order.UNKNOWN,
        ).run()

    def _page(self, endpoint: Endpoint, offset: int, query: Mapping[str, str]) -> Page:
        def parse(body: bytes, headers: Mapping[str, str]) -> Page:
            page = parse_page(body, headers, endpoint.data_selector)
            if not page.records and page.total and offset < page.total:
                raise Malformed(f"an empty page at row {offset:,} of {page.total:,}")
            return page

        page = self._client.get(endpoint.name, endpoint.path, query, parse, self._effort)
        self._total = page.total if page.total is not None else self._total
        return page

    def _walk_per_user(self, params: Mapping[str, str]) -> Outcome:
        """One walk per known user, for a server that refuses the plain list."""
        users: list[int] = []
        walks = [
            self._walk(
                self._users, self._users.params, lambda _, ids: users.extend(id_ for id_ in ids if id_ is not None)
            )
        ]
        name = self._endpoint.name
        self._client.budget.require(name, len(users), len(users))
        self._notes.append(f"the server refuses the plain list (HTTP 400): read user by user, {len(users):,} users")
        walks += [
            self._walk(self._endpoint, {**params, "user_id": str(user)}, self._sink, is_part=True) for user in users
        ]
        unproven = [walk.reason for walk in walks if walk.verdict is Verdict.UNPROVEN]
        return Outcome(
            verdict=Verdict.UNPROVEN if unproven else Verdict.PROVEN,
            reason=f"{len(unproven):,} of {len(walks):,} lists, of them the first: {unproven[0]}" if unproven else "",
            pages=sum(walk.pages for walk in walks),
            distinct=sum(walk.distinct for walk in walks[1:]),
            duplicates=sum(walk.duplicates for walk in walks[1:]),
            total=None,
        )

    def _sink(self, records: list[Raw], ids: list[int | None]) -> None:
        self._writer.add(records, ids)
        now = self._clock()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            self._progress(Progress(self._writer.count, self._total, self._effort.requests, now - self._began))


def _has_older(page: Page, moment: datetime) -> bool:
    for record in page.records:
        try:
            stamp = datetime.fromisoformat(msgspec.json.decode(record, type=_Dated).updated_at)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError, ValueError):
            continue
        if (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) < moment:
            return True
    return False
