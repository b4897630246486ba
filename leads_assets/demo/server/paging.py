"""Which rows a request asks for, and how faults bend that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

from leads_assets.demo.account.account import Account, descends
from leads_assets.demo.account.messages import Request
from leads_assets.demo.server.faults import Fault
from leads_assets.engine.declare import PRIMARY_KEY, Endpoint

_ORDERS = ("id", "last_update", "created_at")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The rows of one list that a request asks for; the fields are the arguments of `Account.page`."""

    endpoint: str
    offset: int = 0
    limit: int | None = None
    order: str | None = None
    direction: str | None = None
    updated_after: datetime | None = None
    include_unassigned: bool = False
    user_id: int | None = None
    lead_id: int | None = None

    @property
    def is_descending(self) -> bool:
        """Whether high ids come first."""
        return descends(self.endpoint, self.order, self.direction)

    def read(self, account: Account) -> tuple[list[bytes], int]:
        """The rows as JSON, and how many rows match in all."""
        return account.page(
            self.endpoint,
            self.offset,
            self.limit,
            order=self.order,
            direction=self.direction,
            updated_after=self.updated_after,
            include_unassigned=self.include_unassigned,
            user_id=self.user_id,
            lead_id=self.lead_id,
        )


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} is not a whole number") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("updated_after is not an ISO-8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def page_request(endpoint: Endpoint, request: Request, *, is_paged: bool, max_limit: int) -> PageRequest:
    """What the query asks for; parameters that the list does not know are ignored.

    Raises ValueError for a value that cannot be read.
    """
    query = request.query
    page = PageRequest(endpoint.name)
    if is_paged:
        limit = _whole(query, "limit")
        page = replace(
            page,
            offset=max(0, _whole(query, "offset") or 0),
            limit=max_limit if limit is None else min(max(1, limit), max_limit),
        )
    if endpoint.change_filter:
        order, direction, after = query.get("order"), query.get("direction"), query.get(endpoint.change_filter)
        page = replace(
            page,
            order=order if order in _ORDERS else None,
            direction=direction if direction in ("asc", "desc") else None,
            updated_after=_moment(after) if after else None,
            include_unassigned=query.get("include_unassigned", "").lower() in ("true", "1"),
        )
    if endpoint.change_filter or endpoint.fan_out:
        page = replace(page, user_id=_whole(query, "user_id"))
    if endpoint.fan_out:
        page = replace(page, lead_id=_whole(query, "lead_id"))
    return page


def bend(page: PageRequest, faults: Mapping[str, Fault], *, is_paged: bool) -> PageRequest:
    """The rows that the server gives in place of those asked for."""
    if "cut" in faults and not is_paged:
        page = replace(page, offset=0, limit=faults["cut"].whole)
    if "window" in faults:
        left = max(0, faults["window"].whole - page.offset)
        page = replace(page, limit=left if page.limit is None else min(page.limit, left))
    cap = faults.get("cap") or faults.get("cap_hard")
    if cap is not None:
        page = replace(page, limit=cap.whole if page.limit is None else min(page.limit, cap.whole))
        if "cap" not in faults and not is_paged:
            page = replace(page, offset=0)
    if "ignore_offset" in faults:
        page = replace(page, offset=0)
    if "ignore_direction" in faults and page.direction is not None:
        page = replace(page, direction="asc")
    if "ignore_order" in faults:
        page = replace(page, order=None, direction=None)
    if "ignore_updated_after" in faults:
        page = replace(page, updated_after=None)
    if "late_filter" in faults and page.updated_after is not None:
        page = replace(page, updated_after=page.updated_after + timedelta(hours=faults["late_filter"].number))
    if "shuffle" in faults:
        page = replace(page, order="shuffled", direction="asc")
    return page


def hidden_ids(account: Account, endpoint: str, fault: Fault) -> frozenset[int]:
    """The ids of the rows that the fault `hide` takes out of the pages of a list."""
    first, _, count = fault.text.partition(":")
    ids = (row[PRIMARY_KEY] for row in account.rows(endpoint))
    return frozenset(islice(ids, int(first), int(first) + int(count)))


def left_of_page(rows: list[bytes], account: Account, endpoint: str, faults: Mapping[str, Fault]) -> list[bytes]:
    """The rows of a page that the server sends in the end."""
    if "page_bytes" in faults:
        lengths = accumulate(len(row) for row in rows)
        fitting = sum(length <= faults["page_bytes"].whole for length in lengths)
        rows = rows[: max(1, fitting)]
    if "hide" in faults:
        hidden = hidden_ids(account, endpoint, faults["hide"])
        rows = [row for row in rows if json.loads(row)[PRIMARY_KEY] not in hidden]
    return rows
