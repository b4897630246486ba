"""One response body, strictly: a list of records, or a fault that names its shape."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from leads_assets.engine.declare import PRIMARY_KEY, Dialect
from leads_assets.engine.errors import MalformedResponse

BIGGEST_ID = 2**63 - 1
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one response in the server's order, as they were sent.

    `ids[i]` is the id of `records[i]`, or None where it is missing or is no 64-bit integer. `total` is the row count
    that the server states for the whole list, or None.
    """

    records: list[Raw]
    ids: list[int | None]
    total: int | None

    @property
    def usable_ids(self) -> list[int]:
        """The ids that there are, in the server's order."""
        return [identity for identity in self.ids if identity is not None]

    @property
    def width(self) -> int:
        """How many rows of the list the page spans: a row that is sent twice counts once."""
        usable = self.usable_ids
        return len(self.ids) - len(usable) + len(set(usable))


class _Identified(msgspec.Struct, gc=False):
    id: Any = msgspec.field(name=PRIMARY_KEY, default=None)


_Decoders = tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]
"""For the records as they were sent, and for their ids."""

_bare: _Decoders = (msgspec.json.Decoder(list[Raw]), msgspec.json.Decoder(list[_Identified]))


@lru_cache
def _enveloped(selector: str, total_key: str) -> _Decoders:
    """The same for an envelope; a total in it comes with the records."""
    records: list[Any] = [("records", list[Raw], msgspec.field(name=selector))]
    if total_key:
        records.append(("total", Any, msgspec.field(name=total_key, default=None)))
    identified: list[Any] = [("records", list[_Identified], msgspec.field(name=selector))]
    return (
        msgspec.json.Decoder(msgspec.defstruct("Envelope", records)),
        msgspec.json.Decoder(msgspec.defstruct("Identities", identified)),
    )


def parse_page(body: bytes, headers: Mapping[str, str], selector: str, dialect: Dialect) -> Page:
    """The page in a body: records under `selector`, or a bare array. Raises MalformedResponse for anything else.

    `dialect` tells where a total may be stated.
    """
    page = _parsed(body, headers, selector, dialect) or _parsed(_ESCAPE.sub(_mended, body), headers, selector, dialect)
    if page is None:
        # Raised here and not where decoding failed: that exception would hang on to the body.
        raise MalformedResponse(shape(body, selector))
    return page


def _parsed(body: bytes, headers: Mapping[str, str], selector: str, dialect: Dialect) -> Page | None:
    try:
        body.decode()  # records are cut out unread, so nothing else would notice broken UTF-8
        if body.lstrip()[:1] == b"[":
            as_sent, only_ids = _bare
            records, identified, stated = as_sent.decode(body), only_ids.decode(body), None
        else:
            as_sent, only_ids = _enveloped(selector, dialect.total_key)
            envelope = as_sent.decode(body)
            records, identified = envelope.records, only_ids.decode(body).records
            stated = getattr(envelope, "total", None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    totals = [count for count in (_count(headers.get(dialect.total_header)), _count(stated)) if count is not None]
    # Where the two disagree the larger one is the safe one: it cannot end a walk early.
    values = [record.id for record in identified]
    ids = [value if type(value) is int and -BIGGEST_ID - 1 <= value <= BIGGEST_ID else None for value in values]
    return Page(records, ids, max(totals, default=None))


def _mended(escape: re.Match[bytes]) -> bytes:
    """Half a surrogate pair (a text cut within an emoji) is no text: the six characters of its escape stay instead.

    One such record must not keep a whole list from being read.
    """
    return b"\\" + escape[0] if escape["half"] else escape[0]


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
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"broken or cut-off JSON of {len(body):,} bytes"
    if isinstance(value, dict) and selector not in value:
        return f"{'an error object' if 'error' in value else 'an object'} without `{selector}`"
    where = ""
    if isinstance(value, dict):
        where, value = f"`{selector}` is ", value[selector]
    if isinstance(value, list):
        return "a list with something that is not a record"
    return f"{where}{_kind(value)} instead of a list"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
