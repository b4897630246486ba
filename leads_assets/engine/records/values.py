"""Which of the values that a server sends a column holds exactly: all rules, and no other module has one.

A column takes a value only if the value can be told from it: the same number, the same text, the same instant. The
rules come at two speeds. `ExactParser` reads many records in one typed parse, and accepts them only together and only
if nothing about them is unusual. `exact_json` takes one value, and also finds another way to write it.

Every fraction passes through `_in_double` or becomes a Decimal, so no digit is lost before a rule has seen it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from leads_assets.engine.declare import PRIMARY_KEY, ColumnType

BROKEN = (ValueError, ArithmeticError, RecursionError)
"""What the parsers raise for text that is not JSON, and for JSON with a value that they cannot hold or that is refused
here. The errors of msgspec, of UTF-8 and of dates are ValueErrors, those of Decimal are ArithmeticErrors."""

LARGE_RECORD = 1 << 20
"""Bytes. Larger records are never parsed together, so that memory does not grow with their number."""

LARGEST_JSON = 4 << 20
"""Bytes of a value in a column of JSON. The database takes up to eight times as many to read it; a text costs less."""

EXACT_IN_DOUBLE = 2**53
"""Doubles hold all integers up to this one."""
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_MONEY_PLACES = 4
_MONEY_STEP = Decimal("0.0001")
_MONEY_END = 10**14
_LONGEST_NUMBER = 64

Int64 = Annotated[int, Meta(ge=_LOWEST, le=_HIGHEST)]

_PARSED_AS: Mapping[ColumnType, Any] = {
    ColumnType.BIGINT: Int64 | None,
    ColumnType.DOUBLE: Raw,
    ColumnType.MONEY: Raw,
    ColumnType.BOOLEAN: bool | None,
    ColumnType.VARCHAR: str | None,
    ColumnType.TEXTS: list[str] | None,
    ColumnType.DATE: date | None,
    ColumnType.TIMESTAMP: str | None,
    ColumnType.JSON: Raw,
}
"""Raw where Python's object would not tell what was sent, or would take many times the memory."""
_NULL = Raw(b"null")

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
"""The text of a number, which a number column takes as that number."""
_ISO = re.compile(r"(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}-?[wW]\d\d-?\d)(?:[tT ]\d|$)", re.ASCII)
"""Python's parser of times takes more: any character for the T, and seconds since 1970 as a day of another century."""
_BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")
_AFTER_MICROSECONDS = len("2026-01-01T10:00:00.123456")
"""Where RFC 3339 has the digit that a time to the microsecond would lose."""


def _in_double(literal: str) -> float | Decimal:
    """The number that JSON writes with a fraction or an exponent, if a double can be told from all others by it.

    It is a float where no check is needed: all decimals of 15 digits come out of a double as they went in (IEEE 754).
    Else it is a Decimal. Raises ValueError, or InvalidOperation for an exponent of 19 digits.
    """
    if len(literal) <= 15 and "e" not in literal and "E" not in literal:
        return float(literal)
    number = Decimal(literal)
    if Decimal(repr(float(number))) != number:
        raise ValueError("no double is exactly this number")
    return number


_exact = msgspec.json.Decoder(Any, float_hook=_in_double)
"""Refuses JSON with a number that a double does not hold; integers may have up to 4,300 digits."""
_exact_list = msgspec.json.Decoder(list[Any], float_hook=_in_double)
_decimal = msgspec.json.Decoder(Any, float_hook=Decimal)


# Many records at once.


class ExactParser:
    """One typed parse of many records, which succeeds only if every column holds every value exactly.

    `columns` maps the keys of the server's records to the types of their columns; other keys are refused.
    """

    def __init__(self, columns: Mapping[str, ColumnType]) -> None:
        kinds = {PRIMARY_KEY: ColumnType.BIGINT, **columns}
        names = {key: f"f{number}" for number, key in enumerate(kinds)}
        members: list[Any] = [
            (names[key], _PARSED_AS[kind], msgspec.field(name=key, default=_NULL if _PARSED_AS[kind] is Raw else None))
            for key, kind in kinds.items()
        ]
        record = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
        self._records = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._id = attrgetter(names[PRIMARY_KEY])
        self._checked = [
            (fit, [attrgetter(names[key]) for key, kind in kinds.items() if kind is checked])
            for checked, fit in _ALL_FIT.items()
        ]

    def ids(self, records: Sequence[Raw]) -> list[int | None] | None:
        """The ids of these records, or None unless all columns hold all values exactly, in the words they were sent."""
        if max(map(len, records), default=0) > LARGE_RECORD:
            return None
        try:
            rows = self._records.decode(b"[" + b",".join(records) + b"]")
            if all(fit([value for column in columns for value in map(column, rows)]) for fit, columns in self._checked):
                return list(map(self._id, rows))
        except BROKEN:
            pass
        return None


def _numbers(values: Sequence[Raw]) -> list[Any]:
    """What was sent for columns of numbers, without nulls; the text of a number as that number."""
    if max(map(len, values), default=0) > _LONGEST_NUMBER:
        raise ValueError("this is no usual number")
    found = _exact_list.decode(b"[" + b",".join(values) + b"]")
    return [
        _in_double(value) if type(value) is str and _NUMBER.fullmatch(value) else value
        for value in found
        if value is not None
    ]


def _doubles_fit(values: Sequence[Raw]) -> bool:
    numbers = _numbers(values)
    return not numbers or (
        {int, float, Decimal}.issuperset(map(type, numbers))
        and min(numbers) >= -EXACT_IN_DOUBLE
        and max(numbers) <= EXACT_IN_DOUBLE
    )


def _money_fits(values: Sequence[Raw]) -> bool:
    """Amounts of at most 9 digits and the column's places: the database's way to a DECIMAL is through a double."""
    numbers = _numbers(values)
    return not numbers or (
        {int, float}.issuperset(map(type, numbers))
        and min(numbers) > -(10**9)
        and max(numbers) < 10**9
        and list(map(round, numbers, repeat(_MONEY_PLACES))) == numbers
    )


def _instants_fit(values: Sequence[str | None]) -> bool:
    """Times as RFC 3339 writes them, to the microsecond, and not so early or late that another zone has no year."""
    texts = [text for text in values if text is not None]
    if not texts:
        return True
    msgspec.convert(texts, list[datetime])
    too_fine = any(text[_AFTER_MICROSECONDS : _AFTER_MICROSECONDS + 1].isdigit() for text in texts)
    return min(texts) >= "0002" and max(texts) < "9999" and not too_fine


def _json_fits(values: Sequence[Raw]) -> bool:
    for value in values:
        _exact.decode(value)
    return True


_ALL_FIT: Mapping[ColumnType, Callable[[list[Any]], bool]] = {
    ColumnType.DOUBLE: _doubles_fit,
    ColumnType.MONEY: _money_fits,
    ColumnType.TIMESTAMP: _instants_fit,
    ColumnType.JSON: _json_fits,
}
"""What the typed parse leaves to be checked. Each may also raise one of BROKEN."""


# One value.


def exact_json(kind: ColumnType, raw: bytes) -> bytes | None:
    """The JSON in which a column of type `kind` holds exactly the value `raw`, or None if it cannot."""
    try:
        value = _decimal.decode(raw)
        return b"null" if value is None else _EXACT_JSON[kind](value, raw)
    except BROKEN:
        return None


def _as_number(value: object) -> Decimal | None:
    """The number in a JSON number or in the text of one."""
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    return Decimal(value) if type(value) in (int, Decimal) else None  # type: ignore[arg-type]


def _bigint(value: object, _raw: bytes) -> bytes | None:
    number = _as_number(value)
    if number is None or not _LOWEST <= number <= _HIGHEST or number != number.to_integral_value():
        return None
    return str(int(number)).encode()


def _double(value: object, _raw: bytes) -> bytes | None:
    number = _as_number(value)
    return None if number is None else repr(float(_in_double(str(number)))).encode()


def _money(value: object, _raw: bytes) -> bytes | None:
    number = _as_number(value)
    if number is None or abs(number) >= _MONEY_END:
        return None
    rounded = number.quantize(_MONEY_STEP)
    # As a text: the database would read a JSON number through a double, which has too few digits.
    return f'"{rounded:f}"'.encode() if rounded == number else None


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
    _exact.decode(raw)
    return raw if len(raw) <= LARGEST_JSON else None


_EXACT_JSON: Mapping[ColumnType, Callable[[Any, bytes], bytes | None]] = {
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
"""A rule gets the parsed value, its fractions as Decimals, and what was sent. Each may also raise one of BROKEN."""
