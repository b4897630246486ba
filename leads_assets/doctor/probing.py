"""Single requests that find out how a server answers; their rows are not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import MalformedResponse
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.instants import parse_instant
from leads_assets.engine.records.page import Page, parse_page, shape
from leads_assets.engine.records.values import BROKEN

NO_PARAMS: Mapping[str, str] = {}


class _Row(msgspec.Struct, gc=False):
    updated_at: Any = None
    user_id: Any = None


class _Pong(msgspec.Struct):
    status: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One page, and whether it came as a bare array."""

    page: Page
    bare: bool

    @property
    def ids(self) -> list[int]:
        """The usable ids in the server's order."""
        return [identity for identity in self.page.ids if identity is not None]

    @property
    def changed(self) -> list[datetime]:
        """The readable `updated_at` of the rows, in the server's order."""
        times = (parse_instant(row.updated_at) for row in self._rows())
        return [time for time in times if time is not None]

    @property
    def has_unowned(self) -> bool:
        """Whether a row has no owner."""
        return any(row.user_id is None for row in self._rows())

    def _rows(self) -> list[_Row]:
        rows = []
        for record in self.page.records:
            try:
                rows.append(msgspec.json.decode(record, type=_Row))
            except BROKEN:
                continue
        return rows


class Prober:
    """Sends the requests and counts them."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self._stats = RequestStats()

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._stats.requests

    def ping(self) -> None:
        """The connection test. Raises an ApiError."""
        self.client.get("ping", self.client.dialect.connection_path, {}, _pong, self._stats)

    def first_page(self, endpoint: Endpoint, limit: int, **params: str) -> Answer:
        """The first page as the project's walk asks for it; a param with an empty value is left out.

        Raises an ApiError.
        """
        return self.page(endpoint, limit, 0, params)

    def page(self, endpoint: Endpoint, limit: int, offset: int, params: Mapping[str, str] = NO_PARAMS) -> Answer:
        """The same at `offset`. Raises an ApiError."""
        dialect = self.client.dialect

        def parse(body: bytes, headers: Mapping[str, str]) -> Answer:
            return Answer(parse_page(body, headers, endpoint.data_selector, dialect), body.lstrip()[:1] == b"[")

        query = {**endpoint.params, **params}
        if endpoint.paged:
            query |= {dialect.limit: str(limit), dialect.offset: str(offset)}
        query = {name: value for name, value in query.items() if value}
        return self.client.get(endpoint.name, endpoint.path, query, parse, self._stats)


def _pong(body: bytes, _headers: Mapping[str, str]) -> None:
    try:
        msgspec.json.decode(body, type=_Pong)
    except BROKEN:
        raise MalformedResponse(shape(body, "status")) from None
