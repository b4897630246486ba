"""Splits a record into what its columns hold exactly and what `_extra` keeps.

The warehouse reads the spool with declared types, and that reading loses values: it rounds 1.5 into a
BIGINT, drops unknown keys, and takes long decimals through a double. So only records whose values all fit their columns
are written as they were sent. The others are taken apart, value by value: what the column holds exactly stays,
everything else goes under `_extra` in the server's own words.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

import msgspec
from msgspec import Raw

from leads_assets.engine.declare import ColumnType, Endpoint
from leads_assets.engine.records.values import BROKEN, ExactParser, exact_json

EXTRA = "_extra"
RESERVED = frozenset({EXTRA, "_synced_at", "_run_id", "_deleted_at", "_first_seen_at"})
"""Columns that every table has besides the declared ones."""

MOST_FIELDS = 200
"""Unknown keys beyond this number stay in `_extra`: a map with open keys is no set of columns."""

UNREADABLE = "$unreadable"
"""Under `_extra`: a value that is JSON by its grammar and that no database can hold as such, quoted as a text."""

_PARTS = 10
_members = msgspec.json.Decoder(dict[str, Raw])


class RecordEncoder:
    """Turns the records of one endpoint into lines of JSON, all of whose declared values fit their columns exactly.

    `fields`: the unknown keys that were left in place, to become columns. `misfits`: column or field to the number of
    values that went to `_extra` because it does not hold them.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.fields: list[str] = []
        self.misfits: dict[str, int] = {}
        self._columns = {column.json_key: column for column in endpoint.columns}
        self._taken = {name.casefold() for column in endpoint.columns for name in (column.name, column.json_key)}
        self._taken |= RESERVED | {"file_row_number"}  # what a staged file calls the order of its rows
        self._parser: ExactParser | None = None

    def add_field(self, field: str) -> None:
        """Leave this unknown key in place from now on."""
        self._taken.add(field.casefold())
        self.fields.append(field)
        self._parser = None

    def encode(self, records: Sequence[Raw], *, exact: bool = False) -> Sequence[bytes | Raw | None]:
        """The records as lines; None stands for one with a broken text (lone surrogates) or endless nesting.

        `exact`: the declared columns are known to hold them exactly.
        """
        if exact or self._fit(records):
            text = b"".join(records)
            return [_one_line(bytes(record)) for record in records] if b"\n" in text or b"\r" in text else records
        if len(records) == 1:
            return [self._encode_odd(records[0])]
        # Most of them fit all the same: look for the others ever more closely.
        step = -(-len(records) // _PARTS)
        parts = (self.encode(records[start : start + step]) for start in range(0, len(records), step))
        return list(chain.from_iterable(parts))

    def reencode(self, line: bytes) -> bytes:
        """Encode again, value by value, a line that the database refused. May raise one of BROKEN."""
        values = _members.decode(line)
        written = values.pop(EXTRA, None)
        extra = _members.decode(msgspec.json.decode(written, type=str)) if written else {}
        return self._taken_apart(values, extra)

    def _fit(self, records: Sequence[Raw]) -> bool:
        if self._parser is None:
            kinds = {key: column.type for key, column in self._columns.items()}
            self._parser = ExactParser(kinds | dict.fromkeys(self.fields, ColumnType.JSON))
        return self._parser.ids(records) is not None

    def _encode_odd(self, record: Raw) -> bytes | None:
        try:
            return self._taken_apart(_members.decode(record), {})
        except BROKEN:
            return None

    def _taken_apart(self, values: Mapping[str, Raw], extra: dict[str, Raw]) -> bytes:
        kept: dict[str, bytes] = {}
        for key, value in values.items():
            column = self._columns.get(key)
            if column is None and not self._is_field(key):
                extra[key] = value
                continue
            exact = exact_json(column.type if column else ColumnType.JSON, _one_line(bytes(value)))
            if exact is None:
                extra[key] = value
                name = column.name if column else key
                self.misfits[name] = self.misfits.get(name, 0) + 1
            else:
                kept[key] = exact
        if extra:
            # As a text: the database would take the numbers in it through a double, and copy nested ones many times.
            kept[EXTRA] = msgspec.json.encode(
                _json_object({key: _readable(bytes(v)) for key, v in extra.items()}).decode()
            )
        return _json_object(kept)

    def _is_field(self, key: str) -> bool:
        """Whether an unknown key is left in place, to become a column if it may."""
        if key not in self.fields:
            if len(self.fields) >= MOST_FIELDS or key.casefold() in self._taken or not _is_column_name(key):
                return False
            self.add_field(key)
        return True


def _is_column_name(key: str) -> bool:
    # The parser of whole pages takes no name that JSON would have to escape.
    return 0 < len(key) <= 255 and key.isprintable() and key.strip() == key and not set(key) & {'"', "\\"}


def _one_line(json: bytes) -> bytes:
    """The same JSON on one line: a raw line break can only be white space between tokens."""
    return json.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in json or b"\r" in json else json


def _readable(json: bytes) -> bytes:
    """The same JSON, or, where a database would refuse it, an object that quotes it as a text."""
    try:
        msgspec.json.decode(json)
    except BROKEN:
        return _json_object({UNREADABLE: msgspec.json.encode(json.decode("utf-8", "backslashreplace"))})
    return _one_line(json)


def _json_object(members: Mapping[str, bytes]) -> bytes:
    """A JSON object of values that are JSON already."""
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in members.items()) + b"}"
