"""Single members of a record that stays as it was sent."""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from leads_assets.engine.records.values import BROKEN

_NULL = Raw(b"null")


@lru_cache
def _decoder(key: str) -> msgspec.json.Decoder[Any]:
    member: list[Any] = [("value", Raw, msgspec.field(name=key, default=_NULL))]
    return msgspec.json.Decoder(msgspec.defstruct("Member", member, gc=False))


def raw_member(record: Raw, key: str) -> Raw:
    """The value of `key` as it was sent; null where there is none, or the record is broken or nested too deeply."""
    try:
        return _decoder(key).decode(record).value  # type: ignore[no-any-return]
    except BROKEN:
        return _NULL


def member(record: Raw, key: str) -> object:
    """The value of `key`; None where there is none that can be read."""
    try:
        return msgspec.json.decode(raw_member(record, key))
    except BROKEN:
        return None
