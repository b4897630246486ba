"""One response body, strictly: a list of records, or a fault that names its shape."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from leads_assets.endpoints import PRIMARY_KEY

BIGGEST_ID = 2**63 - 1
TOTAL_HEADER = "X-TOTAL-COUNT"


class Malformed(Exception):
    """A 200 whose body is not a list of records; the text is the shape, never the content."""


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one response in the server's order, as they were sent.

    `ids[i]` is the id of `records[i]`, or None where it is missing or is no 64-bit integer. `total` is the row count
    that the server states for the whole list, or None.
    """

    records: list[Raw]
    ids: list[int | None]
    total: int | None


class _Identified(msgspec.Struct, gc=False):
    id: Any = msgspec.field(name=PRIMARY_KEY, default=None)


_identities = msgspec.json.Decoder(list[_Identified])
_records = msgspec.json.Decoder(list[Raw])


@lru_cache
def _envelope(selector: str) -> msgspec.json.Decoder[Any]:
    fields: list[Any] = [("records", Raw, msgspec.field(name=selector)), ("total", Any, None)]
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields))


def parse_page(body: bytes, headers: Mapping[str, str], selector: str) -> Page:
    """The page in a body: records under `selector`, or a bare array. Raises Malformed for anything else."""
    try:
        body.decode()  # records are cut out unread, so nothing else would notice broken UTF-8
        listing: bytes | Raw = body
        stated: Any = None
        if not body.lstrip()[:1] == b"[":
            envelope = _envelope(selector).decode(body)
            listing, stated = envelope.records, envelope.total
        records, identified = _records.decode(listing), _identities.decode(listing)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed(shape(body, selector)) from None
    header = _count(headers.get(TOTAL_HEADER))
    total = _count(stated)
    if header is not None:
        # Where the two disagree the larger one is the safe one: it cannot end a walk early.
        total = max(header, total or 0)
    return Page(records, [_identity(record.id) for record in identified], total)


def _identity(value: Any) -> int | None:
    return value if type(value) is int and -BIGGEST_ID - 1 <= value <= BIGGEST_ID else None


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
    if isinstance(value, dict):
        if selector not in value:
            return (
                f"an error object under status 200, without `{selector}`"
                if "error" in value
                else (f"a JSON object without `{selector}`")
            )
        value = value[selector]
        if not isinstance(value, list):
            return f"`{selector}` is {_kind(value)} instead of a list"
    if isinstance(value, list):
        return "a list with something that is not a record"
    return f"{_kind(value)} instead of a list"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
