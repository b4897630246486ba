"""What can go wrong on purpose: one kind of fault per way in which live servers have misled their clients."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from leads_assets.account.endpoints import ENDPOINTS

EVERYWHERE = "*"
PING = "ping"

KINDS: Mapping[str, str] = {
    "status": "Answers with this HTTP status and an error body.",
    "retry_after": "Answers 429 with this Retry-After header; `date:SECONDS` becomes an HTTP date from now.",
    "api_retry_after": "Answers 429 with this API-RETRY-AFTER header.",
    "limit_reset": "Answers 429 with this API-LIMIT-RESET header; `epoch:SECONDS` and `iso:SECONDS` count from now.",
    "redirect": "Answers 302 to this address.",
    "disconnect": "Closes the connection without an answer.",
    "cut_body": "Announces the whole body, sends half of it and closes the connection.",
    "slow_body": "Sends the body in ten chunks with this many seconds before each.",
    "slow_head": "Sends one header after the other, this many seconds apart, and never comes to the body.",
    "latency": "Waits this many seconds before it answers.",
    "rate_limit": "Answers 429 with Retry-After: 1 beyond this many requests in any one second.",
    "echo_key": "Answers this status with an error body that repeats the received key and a record.",
    "missing_parameter": "Answers 400 missing_parameter unless user_id= or lead_id= is given.",
    "html": "Answers an HTML page under this status.",
    "empty_body": "Answers 200 with no body.",
    "cut_json": "Answers the first half of the JSON as if it were all.",
    "data_null": 'Answers {"data": null}.',
    "data_object": 'Answers {"data": {}}.',
    "no_selector": "Answers an object without `data`; the rows stand under `items`.",
    "error_200": "Answers an error object under status 200.",
    "nan": "Puts NaN into a number column of the first record of each page.",
    "non_object_record": "Puts a text in the place of the first record of each page.",
    "bare": "Answers a bare array.",
    "envelope": "Answers an envelope with `data`.",
    "oversized": "Adds this many bytes of blanks to the end of the body.",
    "record_without_id": "Leaves the id out of the first record of each page.",
    "text_id": "Sends every id as text.",
    "unknown_field": "Adds a field of this name to each record.",
    "fields": "Adds this many unknown fields to each record.",
    "deep": "Adds a field to the first record of each page whose value is nested this deep.",
    "misfit": "Puts a text into a number column (else a time column) of the first record of each page.",
    "cap": "Gives at most this many rows a page; unpaged lists then honour limit and offset too.",
    "cap_hard": "Gives at most this many rows a page; unpaged lists give their first rows whatever the offset.",
    "cut": "Gives the first this many rows of an unpaged list, and no others whatever is asked.",
    "window": "Gives no row from this place of a list on.",
    "page_bytes": "Ends a page before this many bytes of records, but not before its first row.",
    "hide": "Takes the rows from place A on, B of them (`A:B`, in order of id), out of each page after it was cut.",
    "ignore_offset": "Gives the first page whatever the offset.",
    "empty_page": "Gives no rows while the stated total stays.",
    "no_total": "States no total.",
    "body_total": "States the total in the body, as a number, instead of the header.",
    "text_total": "States the total in the body, as a text, instead of the header.",
    "wrong_total": "States the total with this number added.",
    "page_total": "States the number of rows of the page as the total.",
    "most_total": "States this number as the total where it is more.",
    "ignore_direction": "Gives the ascending order whatever direction is asked.",
    "ignore_order": "Gives the default order whatever is asked.",
    "ignore_updated_after": "Gives unchanged rows too whatever is asked.",
    "late_filter": "Takes the time after which rows must have changed for one that is this many hours later.",
    "duplicate_row": "Gives the first row of each page twice, as one row more.",
    "shuffle": "Gives the rows in a fixed order that is not the order of ids.",
    "drift": "Changes the list after each page: insert, delete, update or restore, at front, read, random or back.",
}
"""Kind of fault -> what the server does while it is on."""

DEFAULTS: Mapping[str, str | float] = {
    "status": 500,
    "retry_after": "1",
    "api_retry_after": "1",
    "limit_reset": "epoch:1",
    "redirect": "http://127.0.0.1:9/v2/elsewhere",
    "slow_body": 0.2,
    "slow_head": 0.05,
    "latency": 0.2,
    "rate_limit": 5,
    "echo_key": 403,
    "html": 200,
    "oversized": 10_000_000,
    "unknown_field": "added_field",
    "fields": 300,
    "deep": 2_000,
    "cap": 50,
    "cap_hard": 50,
    "cut": 50,
    "window": 200,
    "page_bytes": 64_000,
    "hide": "100:120",
    "most_total": 200,
    "wrong_total": 1,
    "late_filter": 100,
    "drift": "delete:read",
}
"""The value of a fault that is given without one; kinds that are not listed take no value."""

DRIFT_OPERATIONS = ("insert", "delete", "update", "restore")
DRIFT_PLACES = ("front", "read", "random", "back")

_TEXT = re.compile(
    r"(?P<kind>[a-z_0-9]+?)(?:=(?P<value>.+?))?(?:@(?P<endpoint>[a-z_*]+))?(?:\+(?P<after>\d+))?(?:x(?P<times>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, where, and at which of the matching requests.

    It skips the first `after` requests of `endpoint` ("*": any, `ping` among them), then strikes `times` times
    (None: always). Raises ValueError for an unknown kind or endpoint and for a value that does not fit the kind.
    """

    kind: str
    endpoint: str = EVERYWHERE
    value: str | float | None = None
    after: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known are: {', '.join(KINDS)}")
        if self.endpoint not in (EVERYWHERE, PING) and self.endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {self.endpoint!r}; known are: *, ping, {', '.join(ENDPOINTS)}")
        if self.after < 0 or (self.times is not None and self.times < 1):
            raise ValueError(f"{self.kind}: after is 0 or more, times 1 or more")
        if self.value is not None and self.kind not in DEFAULTS:
            raise ValueError(f"{self.kind} takes no value")
        if isinstance(DEFAULTS.get(self.kind), (int, float)):
            self._check_number()
        if self.kind == "drift":
            self._check_drift()
        if self.kind == "hide" and not re.fullmatch(r"\d+:\d+", self.text):
            raise ValueError(f"hide takes A:B, two whole numbers, not {self.text!r}")

    def _check_number(self) -> None:
        try:
            number = self.number
        except ValueError:
            raise ValueError(f"{self.kind} takes a number, not {self.value!r}") from None
        if number < 0 and self.kind != "wrong_total":
            raise ValueError(f"{self.kind} takes a number that is not negative")

    def _check_drift(self) -> None:
        operation, _, place = self.text.partition(":")
        if operation not in DRIFT_OPERATIONS or place not in DRIFT_PLACES:
            raise ValueError(
                f"drift takes OPERATION:PLACE with {'|'.join(DRIFT_OPERATIONS)} and {'|'.join(DRIFT_PLACES)}, "
                f"not {self.text!r}"
            )

    @property
    def text(self) -> str:
        """The value as text, the kind's own where none is given."""
        return str(DEFAULTS[self.kind] if self.value is None else self.value)

    @property
    def number(self) -> float:
        """The value as a number; raises ValueError where it is none."""
        return float(self.text)

    @property
    def whole(self) -> int:
        """The value as a whole number."""
        return int(self.number)

    def __str__(self) -> str:
        return "".join(
            (
                self.kind,
                "" if self.value is None else f"={self.value}",
                "" if self.endpoint == EVERYWHERE else f"@{self.endpoint}",
                f"+{self.after}" if self.after else "",
                "" if self.times is None else f"x{self.times}",
            )
        )

    def to_json(self) -> dict[str, Any]:
        """The fault as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: object) -> "Fault":
        """The fault of a JSON object, or of a text as on the command line; raises ValueError for anything else."""
        if isinstance(fields, str):
            return parse_fault(fields)
        if not isinstance(fields, dict):
            raise ValueError("a fault is an object or a text")
        types: Mapping[str, tuple[type, ...]] = {
            "kind": (str,),
            "endpoint": (str,),
            "value": (str, int, float, type(None)),
            "after": (int,),
            "times": (int, type(None)),
        }
        if "kind" not in fields or any(not isinstance(value, types.get(key, ())) for key, value in fields.items()):
            raise ValueError("a fault has a kind and may have endpoint, value, after and times")
        return cls(**fields)


def parse_fault(text: str) -> Fault:
    """The fault that `kind[=value][@endpoint][+after][xtimes]` describes; raises ValueError where it does not."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a fault: {text!r}; write kind[=value][@endpoint][+after][xtimes]")
    parts = match.groupdict()
    return Fault(
        kind=parts["kind"],
        endpoint=parts["endpoint"] or EVERYWHERE,
        value=parts["value"],
        after=int(parts["after"] or 0),
        times=None if parts["times"] is None else int(parts["times"]),
    )
