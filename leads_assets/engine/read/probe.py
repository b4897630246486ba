"""Probes: one request each that shows whether a list has changed, without reading it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Raw

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import Refused
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.instants import parse_instant
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.records.members import member
from leads_assets.engine.records.page import Page, parse_page


@dataclass(frozen=True, slots=True)
class NewestChange:
    """The row that the server says has changed last, when, and how many rows there are; None where it does not say."""

    id: int | None
    at: datetime | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a log: its id and name, never what it is about."""

    id: int
    name: str


def newest_change(client: ApiClient, endpoint: Endpoint, stats: RequestStats) -> NewestChange:
    """Look at the row that changed last. Raises an ApiError, also where the API has no words for that order."""
    words = client.dialect.ordering
    if words is None or not words.by_change:
        raise Refused(f"{endpoint.name}: the API has no words to ask for the newest change")
    newest_first = {**words.params(words.by_change, descending=True), client.dialect.limit: "1"}
    # The walk's own parameters come too: they decide which rows count.
    page = _ask(client, endpoint, {**endpoint.params, **newest_first}, stats)
    if not page.records:
        return NewestChange(None, None, page.total)
    return NewestChange(page.ids[0], parse_instant(member(page.records[0], endpoint.cursor_key or "")), page.total)


def events(client: ApiClient, endpoint: Endpoint, stats: RequestStats) -> tuple[Event, ...]:
    """The events that the server still keeps, oldest first. Raises an ApiError."""
    page = _ask(client, endpoint, _first_page(client, endpoint), stats)
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
        return parse_page(body, headers, endpoint.data_selector, client.dialect)

    return client.get(endpoint.name, endpoint.path, params, parse, stats)


def _text(record: Raw, key: str) -> str:
    text = member(record, key)
    return text if isinstance(text, str) else ""
