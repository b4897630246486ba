"""What of a record its columns hold exactly.

The warehouse reads the spool with declared types, and that reading is fast and not careful: it rounds 1.5 into a
BIGINT, drops unknown keys, and takes long decimals through a double. So every record is screened before it is written.
Nearly all pass in one typed parse of the whole page; the others are taken apart here, value by value: what the column
holds exactly stays, everything else goes under `_extra` in the server's own words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from leads_assets.engine.declare import ColumnType, Endpoint
from leads_assets.engine.records.values import (
    BROKEN,
    HIGHEST,
    LOWEST,
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

_FAST: Mapping[ColumnType, Any] = {
    ColumnType.BIGINT: _Int | None,
    ColumnType.DOUBLE: Raw,
    ColumnType.MONEY: Raw,
    ColumnType.BOOLEAN: bool | None,
    ColumnType.VARCHAR: str | None,
    ColumnType.TEXTS: list[str] | None,
    ColumnType.DATE: date | None,
    ColumnType.TIMESTAMP: datetime | None,
    ColumnType.JSON: Raw,
}
_NULL = Raw(b"null")
_NUMBERS = frozenset({ColumnType.DOUBLE, ColumnType.MONEY})

# A parsed number has forgotten how it was sent, so numbers are looked at in the server's words: these, a line each, are
# exact in a double and in money. Others may be too; they are looked at one by one.
_PLAIN = rb"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,4})?"
_PLAIN_NUMBERS = re.compile(rb'(?:(?:null|%b|"%b")(?:\n|\Z))*+' % (_PLAIN, _PLAIN))

# Numbers inside JSON that a double may not hold; each pattern begins with a fixed byte, which lets the scan skip from
# one to the next. They may say yes too often (inside a text), never too seldom.
_DELICATE = (
    re.compile(rb"\.(?:(?<![0-9]:[0-9]{2}\.)[0-9]{5}|[0-9]{7})"),
    re.compile(rb"\.(?<=[0-9]{10}\.)[0-9]"),
    # Not the é of "\u00e9 ", nor what looks like an exponent in the middle of a text of hexadecimal digits.
    re.compile(rb"e(?<=[0-9]e)(?<!\\u.e)(?<!\\u..e)(?<!\\u...e)[+-]?[0-9]+[\s,\]}]"),
    re.compile(rb"E(?<=[0-9]E)(?<!\\u.E)(?<!\\u..E)(?<!\\u...E)[+-]?[0-9]+[\s,\]}]"),
)
_BEYOND_MICROSECONDS = re.compile(rb"\.[0-9]{7}")
"""In a time; the typed parse would round it. It may be found in a text too."""


class RecordEncoder:
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
        kinds = {key: column.type for key, column in self._columns.items()} | dict.fromkeys(
            self.fields, ColumnType.JSON
        )
        names = {key: f"f{number}" for number, key in enumerate(kinds)}
        members: list[Any] = [
            (names[key], _FAST[kind], msgspec.field(name=key, default=_NULL if _FAST[kind] is Raw else None))
            for key, kind in kinds.items()
        ]
        record = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
        self._records = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._numbers = [attrgetter(names[key]) for key, kind in kinds.items() if kind in _NUMBERS]
        self._nested = [attrgetter(names[key]) for key, kind in kinds.items() if kind is ColumnType.JSON]

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
        if self._fits(body):
            return [one_line(bytes(record)) for record in records] if b"\n" in body or b"\r" in body else records
        return [self._line(record) for record in records]

    def _fits(self, body: bytes) -> bool:
        """Whether all columns hold all values of these records exactly, by one parse of the whole."""
        if _BEYOND_MICROSECONDS.search(body):
            return False
        try:
            records = self._records.decode(body)
        except BROKEN:
            return False
        if not _PLAIN_NUMBERS.fullmatch(_texts(records, self._numbers)):
            return False
        nested = _texts(records, self._nested)
        return not any(pattern.search(nested) for pattern in _DELICATE)

    def _line(self, record: Raw) -> bytes | None:
        text = bytes(record)
        if self._fits(b"[" + text + b"]"):
            return one_line(text)
        try:
            return self._rebuilt(msgspec.json.decode(text, type=dict[str, Raw]), {})
        except BROKEN:
            return None

    def again(self, line: bytes) -> bytes:
        """A line that the database refused all the same, now taken apart value by value."""
        values = msgspec.json.decode(line, type=dict[str, Raw])
        written = values.pop(EXTRA, None)
        before = msgspec.json.decode(written, type=dict[str, str]) if written else {}
        return self._rebuilt(values, {key: text.encode() for key, text in before.items()})

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
            # As texts: the database would take the numbers in them through a double.
            texts = {key: msgspec.json.encode(readable(raw).decode()) for key, raw in extra.items()}
            kept[EXTRA] = json_object(texts)
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


def _texts(records: Sequence[object], columns: Sequence[Callable[[object], Raw]]) -> bytes:
    """What the server sent in these columns, a line each."""
    return b"\n".join(chain.from_iterable(map(column, records) for column in columns))
