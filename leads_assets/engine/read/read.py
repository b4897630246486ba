"""One endpoint, from the first request to an extract: the walk, its parameters, and the spool it fills."""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from leads_assets.engine.declare import Endpoint, FanOut
from leads_assets.engine.errors import ApiError, BadRequest, ConfigurationError, QuotaExhausted, Refused
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.http.transport import CONNECTIONS
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.closing import ChangesCloser
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.read.lap_source import LapSource
from leads_assets.engine.read.objections import WalkResult
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.read.parts import LoadPart, Parts
from leads_assets.engine.read.plan import LOOKBACK, MARGIN
from leads_assets.engine.read.walk import OverlapWalk
from leads_assets.engine.records.extract import Closing, Extract, ReadMode, Verdict
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.spool import SpoolWriter
from leads_assets.engine.records.state import Held, LiveRows

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

    `held` tells by an endpoint's name what the warehouse knows of its list; `live` the live rows of this one, by
    the time from which on a change should have brought them; `calibration` is that of its last full read, as an Extract
    has it. `load_part` loads the parts of a long full read as it goes on, None where they are not wanted; `lap` is how
    far an earlier one has gone, with which this one goes on.
    """

    def __init__(
        self,
        client: ApiClient,
        endpoint: Endpoint,
        folder: Path,
        *,
        held: Callable[[str], Held] = lambda _: _NOTHING,
        live: Callable[[datetime], LiveRows] | None = None,
        calibration: str = "",
        lap: Lap | None = None,
        load_part: LoadPart | None = None,
        options: ReadOptions | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._held = held
        self._live = live
        self._calibration = calibration
        self._options = options or ReadOptions()
        self._progress = progress
        self._clock = clock
        self._now = now
        self._stats = RequestStats()
        self._folder = folder
        self._writer = SpoolWriter(folder, endpoint)
        self._lap = lap
        self._load = load_part
        self._parts: Parts | None = None
        self._loaded = self._written = RequestStats()
        self._part_began = self._began_at = now()
        self._after: int | None = None
        self._began = self._told = clock()
        self._notes: list[str] = []
        self._source: PageSource | None = None
        self._read_ids: set[int] | None = None
        self._closing: Closing | None = None

    def run(self, changed_since: datetime | None = None) -> Extract:
        """Read the whole list, or what changed since a time (UTC) where the endpoint has a change filter.

        A part, where the day's requests did not suffice for a list that may be read in parts. Raises an ApiError; then
        the spool holds nothing that may be used.
        """
        since = changed_since if self._endpoint.change_filter else None
        try:
            outcome = self._read(since)
            if self._parts is not None and self._parts.resumes:
                return self._end_lap(self._parts, outcome)
            return self._extract(outcome, since)
        except ApiError as error:
            if (part := self._kept(error)) is None:
                raise
            return part
        finally:
            self._writer.close()

    def _extract(self, outcome: WalkResult, since: datetime | None) -> Extract:
        filter_ignored = self._source is not None and self._source.filter_ignored
        if filter_ignored:
            self._notes.append(f"the server ignores `{self._endpoint.change_filter}`: all rows were read")
        is_full = since is None or filter_ignored
        extract = self._spooled(outcome, ReadMode.FULL if is_full else ReadMode.INCREMENTAL)
        extract = replace(extract, closing=self._closing, calibration=self._calibrated(outcome) if is_full else None)
        if self._parts is None or self._parts.lap is None:
            return extract
        lap = self._parts.mark(requests=extract.requests - extract.retries, rejected=extract.spooled.rejected)
        return replace(
            extract,
            lap=lap,
            earlier_ids=None if self._parts.resumes else self._parts.ids,
            began_at=self._parts.lap.began,
        )

    def _spooled(self, outcome: WalkResult, mode: ReadMode) -> Extract:
        """What was read since the last part."""
        before = self._loaded
        # Pages are fetched ahead meanwhile: what they cost belongs to the next part.
        self._written = stats = self._stats.copy()
        return Extract(
            endpoint=self._endpoint,
            mode=mode,
            verdict=outcome.verdict,
            reason=outcome.reason,
            spooled=self._writer.close(),
            total=outcome.total,
            duplicates=outcome.duplicates,
            pages=outcome.pages,
            requests=stats.requests - before.requests,
            retries=stats.retries - before.retries,
            seconds_waited=stats.seconds_waited - before.seconds_waited,
            budget_left=self._client.budget.left(),
            began_at=self._part_began,
            ended_at=self._now(),
            notes=tuple(self._notes),
            after=self._after,
        )

    def _part(self, parts: Parts, *, pauses: bool = False) -> Extract | None:
        """What was read since the last part, as one; None where nothing was read."""
        extract = self._spooled(WalkResult(pages=parts.pages, distinct=0, total=parts.total), ReadMode.PART)
        lap = parts.mark(requests=extract.requests - extract.retries, rejected=extract.spooled.rejected)
        if lap is None:
            return None
        lap = parts.pause(lap) if pauses else lap
        reason = lap.sentence(self._endpoint.name)
        return replace(extract, verdict=Verdict.UNPROVEN, reason=reason, lap=lap)

    def _load_part(self, parts: Parts, part: Extract) -> None:
        if self._load is None or part.lap is None:
            return
        self._after = self._load(part)
        parts.loaded(part.lap)
        self._loaded = self._written
        self._part_began = self._now()
        folder = self._folder / f"part-{self._after}"
        folder.mkdir()
        self._writer = SpoolWriter(folder, self._endpoint)

    def _kept(self, error: ApiError) -> Extract | None:
        """Keep what was read before a fault: loaded as a part, or to be loaded where only the day's requests ended."""
        parts = self._parts
        if parts is None or not parts.is_long or isinstance(error, ConfigurationError):
            return None
        is_spent = isinstance(error, QuotaExhausted)
        part = self._part(parts, pauses=is_spent)
        if part is None or is_spent:
            return part
        if part.spooled.count or part.spooled.rejected:
            self._load_part(parts, part)
        return None

    def _end_lap(self, parts: Parts, outcome: WalkResult) -> Extract:
        """The end of a full read that other processes have begun: what has changed since, and a look at the whole list.

        They say too which rows are gone: no process has seen all rows.
        """
        part = self._part(parts)
        if part is None or part.lap is None:
            raise AssertionError("a read that goes on has a place")
        doubt = outcome.reason or self._doubt(parts, part.lap)
        if doubt:
            closed = Closing(reason=doubt, is_broken=True)
            return replace(part, mode=ReadMode.INCREMENTAL, reason=doubt, closing=closed, began_at=part.lap.began)
        self._load_part(parts, part)
        self._calibration = part.lap.params if part.lap.calibrated else ""
        since = part.lap.began - LOOKBACK
        return replace(self._extract(self._read(since), since), calibration=self._calibration)

    def _doubt(self, parts: Parts, lap: Lap) -> str:
        if lap.rejected:
            return f"{lap.rejected:,} records could not become rows"
        return "" if parts.shows_end else "the list asked backwards does not show its end"

    def _params(self) -> dict[str, str]:
        params = {**self._endpoint.params, **(self._options.params or {})}
        return {name: value for name, value in params.items() if value}

    def _calibrated(self, outcome: WalkResult) -> str | None:
        if outcome.calibrates is None:
            return None
        return _digest(self._params()) if outcome.calibrates else ""

    def _read(self, since: datetime | None) -> WalkResult:
        params = self._params()
        held = self._held(self._endpoint.name) if since is None else _NOTHING
        self._read_ids = set() if since is not None else None
        try:
            walk = self._walk(self._endpoint, params, since=since, held=held)
            self._write(walk, self._parts if since is None else None)
        except BadRequest as refused:
            if self._endpoint.fan_out is None or not refused.missing_parameter:
                raise
        else:
            result = self._compared(walk, self._endpoint, held)
            return result if since is None else self._closed(result, since)
        return self._read_in_parts(self._endpoint.fan_out, params)

    def _walk(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        *,
        since: datetime | None = None,
        held: Held = _NOTHING,
        is_part: bool = False,
    ) -> OverlapWalk:
        limit, threads = self._options.limit, self._options.threads
        self._stats.cancelled.clear()
        self._source = PageSource(self._client, endpoint, params, self._stats, limit=limit, since=since)
        may_part = self._load is not None and since is None and endpoint.change_filter is not None and endpoint.paged
        lap = self._lap if may_part and self._lap and self._lap.params == _digest(params) else None
        plain = self._source
        source = LapSource(self._source, lap, limit=limit) if may_part else self._source
        walk = OverlapWalk(
            source,
            limit=limit,
            threads=threads,
            is_part=is_part,
            had_rows=held.highest is not None,
            cursor=endpoint.cursor_key,
            trusts_total=lambda: self._live is not None and plain.is_filtered,
        )
        if isinstance(source, LapSource):
            self._parts = Parts(
                self._client.budget,
                source,
                walk,
                lap=lap,
                began=self._began_at,
                params=_digest(params),
                held=held.longest,
                limit=limit,
                ids=self._folder / "earlier-ids",
            )
        return walk

    def _closed(self, result: WalkResult, since: datetime) -> WalkResult:
        """The outcome of a read of changes, after the whole list was asked what they cannot tell."""
        if result.verdict is Verdict.UNPROVEN or self._source is None or self._source.filter_ignored:
            return result
        if self._live is None:
            return _doubted(result) if result.is_blank else result
        params = self._params()
        closer = ChangesCloser(
            PageSource(self._client, self._endpoint, params, self._stats, limit=self._options.limit),
            self._live(since + MARGIN),
            self._read_ids or (),
            limit=self._options.limit,
            calibrated=self._calibration == _digest(params),
            ends_lap=self._parts is not None,
        )
        self._stats.cancelled.clear()
        self._closing = closer.close()
        if self._parts is not None and closer.interrupted is not None:
            raise closer.interrupted
        if closer.found:
            self._writer.add(list(closer.found.values()), list(closer.found))
        return result if closer.is_settled else replace(result, doubts=(self._closing.reason,))

    def _write(self, walk: OverlapWalk, parts: Parts | None) -> None:
        """The loop: each page's new rows go to the spool, and from there into the warehouse when a part is due."""
        if parts is not None:
            parts.check_budget()
        with closing(iter(walk)) as pages:
            for rows in pages:
                if self._read_ids is not None:
                    self._read_ids.update(identity for identity in rows.ids if identity is not None)
                self._writer.add(rows.records, rows.ids, exact=rows.exact)
                self._tell()
                if parts is not None:
                    self._part_if_due(parts, rows.ids)

    def _part_if_due(self, parts: Parts, ids: Sequence[int | None]) -> None:
        parts.note(ids, self._source.total if self._source else None)
        parts.check_budget()
        if parts.is_due and (part := self._part(parts)):
            self._load_part(parts, part)

    def _compared(self, walk: OverlapWalk, endpoint: Endpoint, held: Held) -> WalkResult:
        """The result, whose size is no sign of a cut where the user vouches for the list or it was longer before."""
        if endpoint.name in self._options.whole_lists:
            return replace(walk.result(), suspect=0)
        return walk.result().compared(held, held.longest if endpoint.paged else held.longest_response)

    def _read_in_parts(self, fan_out: FanOut, params: Mapping[str, str]) -> WalkResult:
        """One walk for each known row of the list that this one fans out over.

        It trusts that every row belongs to a part that is listed or has rows here, and that none passes from one part
        to another in the seconds between their reads.
        """
        over = fan_out.over
        held, held_over = self._held(self._endpoint.name), self._held(over.name)
        walk = self._walk(over, over.params, held=held_over)
        listed = dict.fromkeys(part for rows in walk for part in rows.ids if part is not None)
        of_parts = self._compared(walk, over, held_over)
        parts = [*listed, *sorted(held.parts - listed.keys())]
        self._client.budget.require(self._endpoint.name, len(parts), len(parts))
        self._notes.append(
            f"the server refuses the plain list (HTTP 400): read in parts, one for each of {len(parts):,} {over.name}"
        )
        walks, refused = [], 0
        for part in parts:
            try:
                walk = self._walk(self._endpoint, {**params, fan_out.parameter: str(part)}, is_part=True)
                self._write(walk, None)
                walks.append(self._compared(walk, self._endpoint, _NOTHING))
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

    def _tell(self) -> None:
        now = self._clock()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            total = self._source.total if self._source else None
            rows = self._parts.rows if self._parts else self._writer.count
            self._progress(Progress(rows, total, self._stats.requests, now - self._began))


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


def _digest(params: Mapping[str, str]) -> str:
    """A short name of the query parameters: offsets count other rows where these differ."""
    return hashlib.blake2b(repr(sorted(params.items())).encode(), digest_size=8).hexdigest()
