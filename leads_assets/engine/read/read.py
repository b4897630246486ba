"""One endpoint, from the first request to an extract: the walk, its parameters, and the spool it fills."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from msgspec import Raw

from leads_assets.engine.declare import Endpoint, FanOut
from leads_assets.engine.errors import BadRequest, Refused
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.http.transport import CONNECTIONS
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.read.objections import WalkResult
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.read.walk import OverlapWalk, Sink
from leads_assets.engine.records.extract import Extract, ReadMode, Verdict
from leads_assets.engine.records.spool import SpoolWriter
from leads_assets.engine.records.state import Held

PROGRESS_SECONDS = 10.0
_NOTHING = Held()


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

    def line(self, name: str) -> str:
        """`things: 41,300 of 145,719 rows, 413 requests, 2:10 left`."""
        total = f" of {self.total:,}" if self.total else ""
        left = self.seconds_left
        remaining = f", {int(left // 60)}:{int(left % 60):02d} left" if left is not None else ""
        return f"{name}: {self.rows:,}{total} rows, {self.requests:,} requests{remaining}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How lists are read. `limit`: rows a page; `threads`: pages fetched at a time.

    `whole_lists`: names of endpoints whose lists the server is known not to cut, whatever their size.
    """

    limit: int = FULL_PAGE
    threads: int = CONNECTIONS
    whole_lists: Collection[str] = ()
    params: Mapping[str, str] | None = None
    """Query parameters that replace the declaration's ones of the same name; an empty value drops one."""


class Extraction:
    """Reads one endpoint into a folder. One object, one walk, or one for each part of a list that fans out.

    `held` tells by an endpoint's name what the warehouse knows of its list.
    """

    def __init__(
        self,
        client: ApiClient,
        endpoint: Endpoint,
        folder: Path,
        *,
        held: Callable[[str], Held] = lambda _: _NOTHING,
        options: ReadOptions | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._held = held
        self._options = options or ReadOptions()
        self._progress = progress
        self._clock = clock
        self._now = now
        self._stats = RequestStats()
        self._writer = SpoolWriter(folder, endpoint)
        self._began = self._told = clock()
        self._notes: list[str] = []
        self._listing: PageSource | None = None

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
        filter_ignored = self._listing is not None and self._listing.filter_ignored
        if filter_ignored:
            self._notes.append(f"the server ignores `{self._endpoint.change_filter}`: all rows were read")
        return Extract(
            endpoint=self._endpoint,
            mode=ReadMode.FULL if since is None or filter_ignored else ReadMode.INCREMENTAL,
            verdict=outcome.verdict,
            reason=outcome.reason,
            spooled=spooled,
            total=outcome.total,
            duplicates=outcome.duplicates,
            pages=outcome.pages,
            requests=self._stats.requests,
            retries=self._stats.retries,
            seconds_waited=self._stats.seconds_waited,
            budget_left=self._client.budget.left(),
            began_at=began_at,
            ended_at=self._now(),
            notes=tuple(self._notes),
        )

    def _read(self, since: datetime | None) -> WalkResult:
        params = {**self._endpoint.params, **(self._options.params or {})}
        params = {name: value for name, value in params.items() if value}
        try:
            held = self._held(self._endpoint.name) if since is None else _NOTHING
            outcome = self._walk(self._endpoint, params, self._sink, since=since, held=held)
            return _doubted(outcome) if since is not None and outcome.is_blank else outcome
        except BadRequest as refused:
            if self._endpoint.fan_out is None or not refused.missing_parameter:
                raise
        return self._walk_in_parts(self._endpoint.fan_out, params)

    def _walk(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        sink: Sink,
        *,
        since: datetime | None = None,
        held: Held = _NOTHING,
        is_part: bool = False,
    ) -> WalkResult:
        self._stats.cancelled.clear()
        listing = self._listing = PageSource(
            self._client, endpoint, params, self._stats, limit=self._options.limit, since=since
        )
        outcome = OverlapWalk(
            endpoint.name,
            paged=endpoint.paged,
            first=listing.first,
            at=listing.at,
            backwards=listing.backwards,
            sink=sink,
            fits=lambda pages, rows: self._client.budget.require(endpoint.name, pages, rows),
            cancel=self._stats.cancelled.set,
            limit=self._options.limit,
            threads=self._options.threads,
            order=listing.order,
            is_part=is_part,
            had_rows=held.highest is not None,
            cursor=endpoint.cursor_key,
        ).run()
        if endpoint.name in self._options.whole_lists:
            return replace(outcome, suspect=0)
        return outcome.compared(held, held.longest if endpoint.paged else held.longest_response)

    def _walk_in_parts(self, fan_out: FanOut, params: Mapping[str, str]) -> WalkResult:
        """One walk for each known row of the list that this one fans out over.

        It trusts that every row belongs to a part that is listed or has rows here, and that none passes from one part
        to another in the seconds between their reads.
        """
        over = fan_out.over
        listed: dict[int, None] = {}
        held = self._held(self._endpoint.name)
        of_parts = self._walk(
            over,
            over.params,
            lambda _, ids, _exact: listed.update((part, None) for part in ids if part is not None),
            held=self._held(over.name),
        )
        parts = [*listed, *sorted(held.parts - listed.keys())]
        self._client.budget.require(self._endpoint.name, len(parts), len(parts))
        self._notes.append(
            f"the server refuses the plain list (HTTP 400): read in parts, one for each of {len(parts):,} {over.name}"
        )
        walks, refused = [], 0
        for part in parts:
            try:
                walks.append(
                    self._walk(self._endpoint, {**params, fan_out.parameter: str(part)}, self._sink, is_part=True)
                )
            except Refused:
                if part in listed:
                    raise
                refused += 1
        outcome = _joined(of_parts, walks)
        doubts = list(outcome.doubts)
        if refused:
            doubts.append(f"the parts of {refused:,} {over.name} that are not listed any more were refused")
        if held.without_part:
            doubts.append(f"{held.without_part:,} rows that are held have no {fan_out.column}, so no part shows them")
        return replace(outcome, doubts=tuple(doubts))

    def _sink(self, records: list[Raw], ids: list[int | None], exact: bool) -> None:
        self._writer.add(records, ids, exact=exact)
        now = self._clock()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            total = self._listing.total if self._listing else None
            self._progress(Progress(self._writer.count, total, self._stats.requests, now - self._began))


def _joined(of_parts: WalkResult, walks: Sequence[WalkResult]) -> WalkResult:
    """The outcome of a list that was read in parts; a size that one of them exceeds is no limit."""
    longest = max((walk.distinct for walk in walks), default=0)
    lists = [of_parts, *(replace(walk, suspect=0) if walk.suspect < longest else walk for walk in walks)]
    unproven = [walk.reason for walk in lists if walk.verdict is Verdict.UNPROVEN]
    doubts = [f"{len(unproven):,} of {len(lists):,} lists, of them the first: {unproven[0]}"] if unproven else []
    return WalkResult(
        pages=sum(walk.pages for walk in lists),
        distinct=sum(walk.distinct for walk in walks),
        duplicates=sum(walk.duplicates for walk in walks),
        doubts=tuple(doubts),
    )


def _doubted(outcome: WalkResult) -> WalkResult:
    """The filter is inclusive and looks back: the changes that were known before should have come again."""
    reason = "no row was sent, not even those that are known to have changed"
    return replace(outcome, doubts=(reason,))
