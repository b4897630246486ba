"""Which values a column holds exactly, value by value.

A column takes a value only if the value can be told from it: the same number, the same text, the same instant.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from leads_assets.engine.declare import ColumnType

UNREADABLE = "$unreadable"
"""Under `_extra`: a value that is JSON by its grammar and that no database can hold as such, quoted as a text."""

LOWEST, HIGHEST = -(2**63), 2**63 - 1
EXACT_IN_DOUBLE = 2**53
_MONEY_INTEGER = 10**14
_MONEY_STEP = Decimal("0.0001")

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_FRACTION = re.compile(rb"-?[0-9]+(?:\.[0-9]+|(?=[eE]))(?:[eE][+-]?[0-9]+)?")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
# Python's parser takes more: with any character for the T, seconds since 1970 may look like a time of another century.
_ISO = re.compile(r"(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}-?[wW]\d\d-?\d)(?:[tT ]\d|$)", re.ASCII)
_BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises that is none, or none that a database can hold."""


def fit(kind: ColumnType, raw: bytes) -> bytes | None:
    """The JSON in which a column of type `kind` holds exactly the value `raw`, or None if it cannot."""
    try:
        value = msgspec.json.decode(raw)
        return b"null" if value is None else _FIT[kind](value, one_line(raw))
    except (*BROKEN, InvalidOperation, ValueError, OverflowError):
        return None


def one_line(raw: bytes) -> bytes:
    """The same JSON without line breaks: raw ones can only be white space between tokens."""
    return raw.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in raw or b"\r" in raw else raw


def readable(raw: bytes) -> bytes:
    """The same JSON, or, where a database would refuse it, an object that quotes it as a text."""
    try:
        msgspec.json.decode(raw)
    except BROKEN:
        return json_object({UNREADABLE: msgspec.json.encode(raw.decode("utf-8", "backslashreplace"))})
    return one_line(raw)


def json_object(members: Mapping[str, bytes]) -> bytes:
    """A JSON object of values that are JSON already."""
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + raw for key, raw in members.items()) + b"}"


def _decimal(value: object, raw: bytes) -> Decimal | None:
    """The number in a JSON number or in a text that is one."""
    text = value if isinstance(value, str) else raw.decode().strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _bigint(value: object, raw: bytes) -> bytes | None:
    number = _decimal(value, raw)
    if number is None or not LOWEST <= number <= HIGHEST or number != number.to_integral_value():
        return None
    return str(int(number)).encode()


def _double(value: object, raw: bytes) -> bytes | None:
    number = _decimal(value, raw)
    if number is None:
        return None
    nearest = float(number)
    if not math.isfinite(nearest) or Decimal(repr(nearest)) != number:
        return None
    return repr(nearest).encode()


def _money(value: object, raw: bytes) -> bytes | None:
    number = _decimal(value, raw)
    if number is None or abs(number) >= _MONEY_INTEGER or number != number.quantize(_MONEY_STEP):
        return None
    # As a text: a JSON number would be read through a double, which has too few digits.
    return f'"{number:f}"'.encode()


def _boolean(value: object, raw: bytes) -> bytes | None:
    return raw if isinstance(value, bool) else None


def _varchar(value: object, raw: bytes) -> bytes | None:
    return raw if isinstance(value, str) else None


def _texts(value: object, raw: bytes) -> bytes | None:
    return raw if isinstance(value, list) and all(isinstance(item, str | None) for item in value) else None


def _date(value: object, raw: bytes) -> bytes | None:
    return raw if isinstance(value, str) and date.fromisoformat(value).isoformat() == value else None


def _timestamp(value: object, _raw: bytes) -> bytes | None:
    """ISO-8601 in any form and zone, to the microsecond; a time without a zone is UTC, as the contract's are."""
    if not isinstance(value, str) or not _ISO.match(value) or _BEYOND_MICROSECONDS.search(value):
        return None
    moment = datetime.fromisoformat(value.upper())
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f'"{aware.isoformat()}"'.encode()


def _json(_value: object, raw: bytes) -> bytes | None:
    """Any value whose numbers survive: the database takes fractions through a double."""
    for number in _FRACTION.findall(_TEXT.sub(b'""', raw)):
        nearest = float(number)
        if not math.isfinite(nearest) or Decimal(repr(nearest)) != Decimal(number.decode()):
            return None
    return raw


_FIT: Mapping[ColumnType, Callable[[object, bytes], bytes | None]] = {
    ColumnType.BIGINT: _bigint,
    ColumnType.DOUBLE: _double,
    ColumnType.MONEY: _money,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.VARCHAR: _varchar,
    ColumnType.TEXTS: _texts,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.JSON: _json,
}
