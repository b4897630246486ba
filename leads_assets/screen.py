"""What of a record its columns hold exactly.

The warehouse reads the spool with declared types, and that reading is fast and not careful: it rounds 1.5 into a
BIGINT, drops unknown keys, and takes long decimals through a double. So every record is screened before it is written.
Nearly all pass in one typed parse of the whole page; the others are taken apart here, value by value: what the column
holds exactly stays, everything else goes under `_extra` in the server's own words.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from leads_assets.endpoints import ColumnType, Endpoint
from leads_assets.fit import (
    BROKEN,
    EXACT_IN_DOUBLE,
    HIGHEST,
    LOWEST,
    MONEY_INTEGER,
    fit,
    json_object,
    one_line,
    readable,
)

EXTRA = "_extra"
RESERVED = frozenset({EXTRA, "_synced_at", "_run_id", "_deleted_at"})
"""Columns that every table has besides the declared ones."""

MOST_FIELDS = 200
"""Unknown keys beyond this number stay in `_extra`: a map with open keys is no set of columns."""

_Int = Annotated[int, Meta(ge=LOWEST, le=HIGHEST)]
_Number = Annotated[int, Meta(ge=-EXACT_IN_DOUBLE, le=EXACT_IN_DOUBLE)] | float
_Money = Annotated[int, Meta(ge=1 - MONEY_INTEGER, le=MONEY_INTEGER - 1)] | float
_MoneyText = Annotated[str, Meta(pattern=r"^-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,4})?$")]

_FAST: Mapping[ColumnType, Any] = {
    ColumnType.BIGINT: _Int | None,
    ColumnType.DOUBLE: _Number | None,
    ColumnType.MONEY: _Money | _MoneyText | None,
    ColumnType.BOOLEAN: bool | None,
    ColumnType.VARCHAR: str | None,
    ColumnType.TEXTS: list[str] | None,
    ColumnType.DATE: date | None,
    ColumnType.TIMESTAMP: datetime | None,
    ColumnType.JSON: Raw,
}

# Numbers that a double, four decimal places or microseconds may not hold (six digits after the seconds of a time are
# fine); each pattern begins with a fixed byte, which lets the scan skip from one to the next. They may say yes too
# often (inside a text), never too seldom.
_DELICATE = (
    re.compile(rb"\.(?:(?<![0-9]:[0-9]{2}\.)[0-9]{5}|[0-9]{7})"),
    re.compile(rb"\.(?<=[0-9]{10}\.)[0-9]"),
    # Not the é of "\u00e9 ", nor what looks like an exponent in the middle of a text of hexadecimal digits.
    re.compile(rb"e(?<=[0-9]e)(?<!\\u.e)(?<!\\u..e)(?<!\\u...e)[+-]?[0-9]+[\s,\]}]"),
    re.compile(rb"E(?<=[0-9]E)(?<!\\u.E)(?<!\\u..E)(?<!\\u...E)[+-]?[0-9]+[\s,\]}]"),
)


class Screen:
    """Sorts the records of one endpoint; remembers the unknown keys that it left in place, and the misfits."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.fields: list[str] = []
        self.misfits: dict[str, int] = {}
        self._columns = {column.json_key: column for column in endpoint.columns}
        self._taken = {name.casefold() for column in endpoint.columns for name in (column.name, column.json_key)}
        self._taken |= RESERVED | {"file_row_number"}  # what a staged file calls the order of its rows
        self._build()

    def _build(self) -> None:
        self._is_outdated = False
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
        self._is_outdated = True

    def lines(self, records: Sequence[Raw]) -> Sequence[bytes | Raw | None]:
        """The records as lines of JSON, all of whose declared values fit their columns.

        None stands for a record that cannot be taken apart: broken texts (lone surrogates), nesting without end.
        """
        if self._is_outdated:
            self._build()
        body = b"[" + b",".join(records) + b"]"
        if not _is_delicate(body) and _parses(self._many, body):
            return [one_line(bytes(record)) for record in records] if b"\n" in body or b"\r" in body else records
        return [self._line(record) for record in records]

    def _line(self, record: Raw) -> bytes | None:
        text = bytes(record)
        if not _is_delicate(text) and _parses(self._one, text):
            return one_line(text)
        try:
            return self._rebuilt(msgspec.json.decode(text, type=dict[str, Raw]), {})
        except BROKEN:
            return None

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
            if column is None and not self._is_expected(key):
                extra[key] = bytes(raw)
                continue
            fitted = fit(column.type if column else ColumnType.JSON, bytes(raw))
            if fitted is None:
                extra[key] = bytes(raw)
                name = column.name if column else key
                self.misfits[name] = self.misfits.get(name, 0) + 1
            else:
                kept[key] = fitted
        if extra:
            kept[EXTRA] = msgspec.json.encode(json_object({key: readable(raw) for key, raw in extra.items()}).decode())
        return json_object(kept)

    def _is_expected(self, key: str) -> bool:
        """Whether an unknown key is left in place, to become a column if it may."""
        if key not in self.fields:
            if len(self.fields) >= MOST_FIELDS or key.casefold() in self._taken or not _is_column_name(key):
                return False
            self.expect(key)
        return True


def _is_column_name(key: str) -> bool:
    # The parser of whole pages takes no name that JSON would have to escape.
    return 0 < len(key) <= 255 and key.isprintable() and key.strip() == key and not set(key) & {'"', "\\"}


def _is_delicate(body: bytes) -> bool:
    return any(pattern.search(body) for pattern in _DELICATE)


def _parses(decoder: msgspec.json.Decoder[Any], body: bytes) -> bool:
    try:
        decoder.decode(body)
    except BROKEN:
        return False
    return True
