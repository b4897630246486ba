"""One response body, strictly: a list of records, or a fault that names its shape."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from leads_assets.engine.declare import PRIMARY_KEY, Dialect
from leads_assets.engine.errors import MalformedResponse
from leads_assets.engine.records.nesting import DeepValuesCut
from leads_assets.engine.records.values import BROKEN, ExactParser, Int64

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one response in the server's order, as they were sent.

    `ids[i]` is the id of `records[i]`, or None where it is missing or is no 64-bit integer. `total` is the row count
    that the server states for the whole list, or None. `exact`: all columns are known to hold all values exactly.
    """

    records: list[Raw]
    ids: list[int | None]
    total: int | None
    exact: bool = False

    @property
    def usable_ids(self) -> list[int]:
        """The ids that there are, in the server's order."""
        return [identity for identity in self.ids if identity is not None]

    @property
    def width(self) -> int:
        """How many rows of the list the page spans: a row that is sent twice counts once."""
        usable = self.usable_ids
        return len(self.ids) - len(usable) + len(set(usable))


def parse_page(
    body: bytes, headers: Mapping[str, str], selector: str, dialect: Dialect, parser: ExactParser | None = None
) -> Page:
    """The page in a body: records under `selector`, or a bare array. Raises MalformedResponse for anything else.

    `dialect` tells where a total may be stated. `parser` tells whether the columns hold the records exactly, for those
    who will store them.
    """
    page = _read(body, selector, dialect, parser) or _read_repaired(body, selector, dialect)
    if page is None:
        # Raised here and not where decoding failed: that exception would hang on to the body.
        raise MalformedResponse(shape(body, selector))
    totals = [count for count in (_count(headers.get(dialect.total_header)), page.total) if count is not None]
    # Where the two disagree the larger one is the safe one: it cannot end a walk early.
    return replace(page, total=max(totals, default=None))


class _Identified(msgspec.Struct, gc=False):
    id: Raw = msgspec.field(name=PRIMARY_KEY, default=Raw(b"null"))


_bare = msgspec.json.Decoder(list[Raw])
_identified = msgspec.json.Decoder(list[_Identified])
_int64 = msgspec.json.Decoder(Int64)


@lru_cache
def _enveloped(selector: str, total_key: str) -> msgspec.json.Decoder[Any]:
    members: list[Any] = [("records", list[Raw], msgspec.field(name=selector))]
    if total_key:
        members.append(("total", Any, msgspec.field(name=total_key, default=None)))
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", members))


def _read(body: bytes, selector: str, dialect: Dialect, parser: ExactParser | None) -> Page | None:
    try:
        if _is_bare(body):
            records, total = _bare.decode(body), None
        else:
            envelope = _enveloped(selector, dialect.total_key).decode(body)
            records, total = envelope.records, _count(getattr(envelope, "total", None))
        ids = parser.ids(records) if parser else None
        if ids is not None:
            return Page(records, ids, total, exact=True)
        body.decode()  # the records were cut out unread, so nothing else would notice broken UTF-8
        return Page(records, _ids(records), total)
    except BROKEN:
        return None


def _read_repaired(body: bytes, selector: str, dialect: Dialect) -> Page | None:
    """The page, although some of its records are not fit for a database: one must not keep the others from being read.

    Half a surrogate pair (a text cut within an emoji) is no text: the six characters of its escape stay instead. A
    record that is nested too deeply for any parser stays as it is, and only its id is read.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    # Around the values of a record stand the record itself, the list and the envelope.
    cut = DeepValuesCut(_ESCAPE.sub(_spelled_out, text).encode(), level=2 if _is_bare(body) else 3)
    page = _read(cut.json, selector, dialect, None) if cut.json != body else None
    return page and replace(page, records=[Raw(cut.put_back(bytes(record))) for record in page.records])


def _spelled_out(escape: re.Match[str]) -> str:
    return "\\" + escape[0] if escape["half"] else escape[0]


def _is_bare(body: bytes) -> bool:
    return body.lstrip()[:1] == b"["


def _ids(records: Sequence[Raw]) -> list[int | None]:
    """The ids of records; raises one of BROKEN where one is no object or is broken."""
    return [_id(record.id) for record in _identified.decode(b"[" + b",".join(records) + b"]")]


def _id(raw: Raw) -> int | None:
    try:
        return _int64.decode(raw)
    except BROKEN:
        return None


def _count(value: Any) -> int | None:
    """A row count sent as a number or as text; None for anything else."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
        return int(value)
    return None


def shape(body: bytes, selector: str) -> str:
    """What a body that is not a page looks like, without saying what it holds."""
    text = body.strip()
    if not text:
        return "an empty body"
    if text.startswith(b"<"):
        return "a page of HTML or XML"
    try:
        text.decode()
        msgspec.json.decode(text, type=Raw)
        members = msgspec.json.decode(text, type=dict[str, Raw]) if text.startswith(b"{") else {selector: Raw(text)}
    except BROKEN:
        return f"broken or cut-off JSON of {len(body):,} bytes"
    if selector not in members:
        return f"{'an error object' if 'error' in members else 'an object'} without `{selector}`"
    found = bytes(members[selector])
    if found.startswith(b"["):
        return "a list with something that is not a record"
    return f"{f'`{selector}` is ' if text.startswith(b'{') else ''}{_kind(found)} instead of a list"


def _kind(json: bytes) -> str:
    names = {b"{": "an object", b'"': "a text", b"t": "a boolean", b"f": "a boolean", b"n": "null"}
    return names.get(json[:1], "a number")
