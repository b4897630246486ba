"""Which values a column holds exactly.

The warehouse reads the spool with declared types, and that reading is fast and not careful: it rounds 1.5 into a
BIGINT, drops unknown keys, and takes long decimals through a double. So every record is screened before it is written.
Nearly all pass in one typed parse of the whole page; the others are taken apart here, value by value: what the column
holds exactly stays, everything else goes under `_extra` in the server's own words.

A column takes a value only if the value can be told from it: the same number, the same text, the same instant.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from leads_assets.endpoints import ColumnType, Endpoint

EXTRA = "_extra"
RESERVED = frozenset({EXTRA, "_synced_at", "_run_id", "_deleted_at"})
"""Columns that every table has besides the declared ones."""

UNREADABLE = "$unreadable"
"""Under `_extra`: a value that is JSON by its grammar but no text a database can hold, quoted (lone surrogates)."""

MOST_FIELDS = 200
"""Unknown keys beyond this number stay in `_extra`: a map with open keys is no set of columns."""

_LOW, _HIGH = -(2**63), 2**63 - 1
_EXACT_IN_DOUBLE = 2**53
_MONEY_INTEGER = 10**14
_MONEY_STEP = Decimal("0.0001")

_Int = Annotated[int, Meta(ge=_LOW, le=_HIGH)]
_Number = Annotated[int, Meta(ge=-_EXACT_IN_DOUBLE, le=_EXACT_IN_DOUBLE)] | float
_Money = Annotated[int, Meta(ge=1 - _MONEY_INTEGER, le=_MONEY_INTEGER - 1)] | float
# The length is that of an ISO time with seconds and zone: shorter and longer forms are parsed in `_timestamp`.
_Time = Annotated[str, Meta(min_length=20, max_length=29)]

_FAST: Mapping[ColumnType, Any] = {
    ColumnType.BIGINT: _Int | None,
    ColumnType.DOUBLE: _Number | None,
    ColumnType.MONEY: _Money | None,
    ColumnType.BOOLEAN: bool | None,
    ColumnType.VARCHAR: str | None,
    ColumnType.TEXTS: list[str] | None,
    ColumnType.DATE: date | None,
    ColumnType.TIMESTAMP: _Time | None,
    ColumnType.JSON: Raw,
}

# Numbers that a double, four decimal places or microseconds may not hold; each pattern begins with a fixed byte, which
# lets the scan skip from one to the next. They may say yes too often (inside a text), never too seldom.
_DELICATE = (
    re.compile(rb"\.[0-9]{5}"),
    re.compile(rb"\.(?<=[0-9]{10}\.)[0-9]"),
    re.compile(rb"e(?<=[0-9]e)[+-]?[0-9]"),
    re.compile(rb"E(?<=[0-9]E)[+-]?[0-9]"),
)


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_FRACTION = re.compile(rb"-?[0-9]+(?:\.[0-9]+|(?=[eE]))(?:[eE][+-]?[0-9]+)?")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')


class Screen:
    """Sorts the records of one endpoint; remembers the unknown keys that it left in place, and the misfits.

    `evolve`: unknown keys stay in place, to become columns; otherwise they go under `_extra`.
    """

    def __init__(self, endpoint: Endpoint, *, evolve: bool) -> None:
        self.fields: list[str] = []
        self.misfits: dict[str, int] = {}
        self._columns = {column.json_key: column for column in endpoint.columns}
        self._taken = {name.casefold() for column in endpoint.columns for name in (column.name, column.json_key)}
        self._taken |= RESERVED
        self._evolve = evolve
        self._build()

    def _build(self) -> None:
        keys: list[tuple[str, Any]] = [(key, _FAST[column.type]) for key, column in self._columns.items()]
        keys += [(field, Raw) for field in self.fields]
        members: list[Any] = [
            (f"f{number}", kind, msgspec.field(name=key, default=None)) for number, (key, kind) in enumerate(keys)
        ]
        record = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
        self._one = msgspec.json.Decoder(record)
        self._many = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def expect(self, field: str) -> None:
        """Leave this unknown key in place from now on."""
        self._taken.add(field.casefold())
        self.fields.append(field)
        self._build()

    def lines(self, records: list[Raw]) -> list[bytes | Raw]:
        """The records as lines of JSON, all of whose declared values fit their columns."""
        body = b"[" + b",".join(records) + b"]"
        if not _is_delicate(body) and _parses(self._many, body):
            return [_one_line(record) for record in records] if b"\n" in body or b"\r" in body else list(records)
        return [self.line(record) for record in records]

    def line(self, record: Raw) -> bytes | Raw:
        """One record as a line."""
        if not _is_delicate(record) and _parses(self._one, record):
            return _one_line(record)
        return self._rebuilt(msgspec.json.decode(record, type=dict[str, Raw]), {})

    def again(self, line: bytes) -> bytes:
        """A line that the database refused all the same, now taken apart value by value."""
        values = msgspec.json.decode(line, type=dict[str, Raw])
        written = values.pop(EXTRA, None)
        before = msgspec.json.decode(msgspec.json.decode(written), type=dict[str, Raw]) if written else {}
        return self._rebuilt(values, {key: bytes(raw) for key, raw in before.items()})

    def _rebuilt(self, values: dict[str, Raw], extra: dict[str, bytes]) -> bytes:
        kept: dict[str, bytes] = {}
        for key, raw in values.items():
            column = self._columns.get(key)
            if column is None:
                (kept if self._stays(key, raw) else extra)[key] = bytes(raw)
                continue
            fitted = fit(column.type, bytes(raw))
            if fitted is None:
                extra[key] = bytes(raw)
                self.misfits[column.name] = self.misfits.get(column.name, 0) + 1
            else:
                kept[key] = fitted
        if extra:
            kept[EXTRA] = msgspec.json.encode(_object({key: _readable(raw) for key, raw in extra.items()}).decode())
        return _object(kept)

    def _stays(self, key: str, raw: Raw) -> bool:
        """Whether an unknown key's value is left in place, to become a column."""
        if key not in self.fields:
            name = key.casefold()
            if not self._evolve or len(self.fields) >= MOST_FIELDS or name in self._taken or not _is_column_name(key):
                return False
            if bytes(raw).strip() == b"null":
                return False
            self.expect(key)
        return fit(ColumnType.JSON, bytes(raw)) is not None


def _is_column_name(key: str) -> bool:
    return 0 < len(key) <= 255 and key.isprintable() and key.strip() == key


def _is_delicate(body: bytes | Raw) -> bool:
    return any(pattern.search(body) for pattern in _DELICATE)


def _parses(decoder: msgspec.json.Decoder[Any], body: bytes | Raw) -> bool:
    try:
        decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _one_line(record: Raw | bytes) -> bytes | Raw:
    text = bytes(record)
    # In valid JSON a raw line break can only be white space between tokens.
    return text.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in text or b"\r" in text else record


def _object(members: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + raw for key, raw in members.items()) + b"}"


def _readable(raw: bytes) -> bytes:
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _object({UNREADABLE: msgspec.json.encode(raw.decode("utf-8", "backslashreplace"))})
    return bytes(_one_line(raw))


def fit(kind: ColumnType, raw: bytes) -> bytes | None:
    """The JSON in which a column of type `kind` holds exactly the value `raw`, or None if it cannot."""
    try:
        value = msgspec.json.decode(raw)
        return b"null" if value is None else _FIT[kind](value, bytes(_one_line(raw)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation, ValueError, OverflowError):
        return None


def _decimal(value: object, raw: bytes) -> Decimal | None:
    """The number in a JSON number or in a text that is one."""
    text = value if isinstance(value, str) else raw.decode().strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _bigint(value: object, raw: bytes) -> bytes | None:
    number = _decimal(value, raw)
    if number is None or not _LOW <= number <= _HIGH or number != number.to_integral_value():
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
    return raw if isinstance(value, str) and len(value) == 10 and date.fromisoformat(value) else None


def _timestamp(value: object, raw: bytes) -> bytes | None:
    """ISO-8601 in any form and zone, to the microsecond; a time without a zone is UTC, as the contract's are."""
    if not isinstance(value, str) or re.search(r"[.,]\d{6}\d*[1-9]", value):
        return None
    moment = datetime.fromisoformat(value)
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f'"{aware.isoformat()}"'.encode()


def _json(value: object, raw: bytes) -> bytes | None:
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
