"""Probes: one request each that shows whether a list has changed, without reading it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Raw

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import BadRequest, Refused
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.instants import CLOCK_SLACK, parse_instant, utc_now
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.records.members import member
from leads_assets.engine.records.page import Page, parse_page
from leads_assets.engine.records.state import MOST_AHEAD


@dataclass(frozen=True, slots=True)
class NewestChange:
    """The row that the server says has changed last, when, and how many rows there are; None where it does not say.

    `ahead`: rows before it in the server's order, with times of change that are still to come: a clock was wrong.
    """

    id: int | None
    at: datetime | None
    total: int | None
    ahead: tuple[tuple[int | None, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a log: its id and name, never what it is about."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The newest events of a log, oldest first.

    `whole`: the server keeps no others. `plainly`: the log was asked for as a whole, because it does not heed a wish
    for its newest end. `is_newest`: unless that is so, and the answer may be its oldest end.
    """

    events: tuple[Event, ...]
    whole: bool
    plainly: bool
    is_newest: bool = True

    @property
    def oldest(self) -> int | None:
        """The lowest id."""
        return self.events[0].id if self.events else None


def newest_change(
    client: ApiClient, endpoint: Endpoint, stats: RequestStats, *, ahead: int = 0, now: Callable[[], datetime] = utc_now
) -> NewestChange:
    """Look at the row that changed last, behind `ahead` rows that are known to have changed in the future.

    Raises an ApiError, also where the API has no words for that order.
    """
    words = client.dialect.ordering
    if words is None or not words.by_change:
        raise Refused(f"{endpoint.name}: the API has no words to ask for the newest change")
    rows = str(1 + min(ahead, MOST_AHEAD))
    newest_first = {**words.params(words.by_change, descending=True), client.dialect.limit: rows}
    # The walk's own parameters come too: they decide which rows count.
    page = _ask(client, endpoint, {**endpoint.params, **newest_first}, stats)
    latest = now() + CLOCK_SLACK
    early: list[tuple[int | None, datetime]] = []
    for identity, record in zip(page.ids, page.records, strict=True):
        at = parse_instant(member(record, endpoint.cursor_key or ""))
        if at is None or at <= latest:
            return NewestChange(identity, at, page.total, tuple(early))
        early.append((identity, at))
    return NewestChange(None, None, page.total, tuple(early))


def events(client: ApiClient, endpoint: Endpoint, stats: RequestStats, *, plainly: bool = False) -> LogEnd:
    """The newest events of a log. Raises an ApiError.

    One request; one more where the log turns out not to heed a wish for its newest end, and not where that is known
    (`plainly`).
    """
    if not plainly and (page := _newest_page(client, endpoint, stats)) is not None:
        return LogEnd(_events_of(page, endpoint), whole=_is_all(page), plainly=False)
    page = _ask(client, endpoint, _first_page(client, endpoint), stats)
    if _is_all(page) or (page.total is None and not endpoint.paged):
        return LogEnd(_events_of(page, endpoint), whole=True, plainly=True)
    last = page
    if page.total is not None:
        rows = len(page.ids)
        window = {client.dialect.limit: str(rows), client.dialect.offset: str(max(0, page.total - rows))}
        last = _ask(client, endpoint, {**endpoint.params, **window}, stats)
    return LogEnd(_events_of(last, endpoint), whole=False, plainly=True, is_newest=last.ids != page.ids)


def _newest_page(client: ApiClient, endpoint: Endpoint, stats: RequestStats) -> Page | None:
    """The page of the highest ids, or the whole list; None where the log does not heed that wish."""
    words = client.dialect.ordering
    if words is None:
        return None
    wish = {**words.params(words.by_id, descending=True), client.dialect.limit: str(FULL_PAGE)}
    if endpoint.paged:
        wish[client.dialect.offset] = "0"
    try:
        page = _ask(client, endpoint, {**endpoint.params, **wish}, stats)
    except BadRequest:
        return None
    ids = page.usable_ids
    return page if _is_all(page) or (len(ids) > 1 and ids == sorted(ids, reverse=True)) else None


def _is_all(page: Page) -> bool:
    """Whether an answer to a request for a full page is the whole list; one of just that size may be cut."""
    rows = len(page.ids)
    return rows != FULL_PAGE and (page.total is None or rows >= page.total)


def _events_of(page: Page, endpoint: Endpoint) -> tuple[Event, ...]:
    key = endpoint.event_log.name_key if endpoint.event_log else ""
    rows = zip(page.ids, page.records, strict=True)
    found = [Event(identity, _text(record, key)) for identity, record in rows if identity is not None]
    return tuple(sorted(found, key=lambda event: event.id))


def fingerprint(client: ApiClient, endpoint: Endpoint, stats: RequestStats) -> str:
    """A hash of one response of a list, the same whatever the order of its records. Raises an ApiError."""
    page = _ask(client, endpoint, _first_page(client, endpoint), stats)
    digest = hashlib.blake2b(f"{page.total}".encode(), digest_size=16)
    for record in sorted(hashlib.blake2b(bytes(record), digest_size=16).digest() for record in page.records):
        digest.update(record)
    return digest.hexdigest()


def _first_page(client: ApiClient, endpoint: Endpoint) -> Mapping[str, str]:
    words = client.dialect
    window = {words.limit: str(FULL_PAGE), words.offset: "0"} if endpoint.paged else {}
    return {**endpoint.params, **window}


def _ask(client: ApiClient, endpoint: Endpoint, params: Mapping[str, str], stats: RequestStats) -> Page:
    def parse(body: bytes, headers: Mapping[str, str]) -> Page:
        stats.add(body_bytes=len(body))
        return parse_page(body, headers, endpoint.data_selector, client.dialect)

    return client.get(endpoint.name, endpoint.path, params, parse, stats)


def _text(record: Raw, key: str) -> str:
    text = member(record, key)
    return text if isinstance(text, str) else ""
