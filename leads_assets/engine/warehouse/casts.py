"""Unknown keys become columns, and values that their column refuses stay in `_extra`, all in SQL.

The type of a new column is taken over all its values in the load, never from a sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.records.encoder import EXTRA, MOST_FIELDS
from leads_assets.engine.records.values import EXACT_IN_DOUBLE
from leads_assets.engine.warehouse.schema import Table, add
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted
from leads_assets.engine.warehouse.staging import Staged, staged_sql

_KINDS = ("BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR")
"""The types of a new column, the first that holds all its values; JSON holds any."""


MOST_COLUMNS = 300
"""Undeclared columns of a table. More are no fields but a map with open keys, and a load gets slower with each."""
_KINDS_AT_ONCE = 50
"""Fields whose types are found by one statement: more take DuckDB's planner ever longer."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The staged rows in the shape of the table: a view named `incoming`, and what it did not take.

    `crowded_out`: about how many fields stay in `_extra` because the table, or the spool, has no room for them.
    """

    new_columns: dict[str, str]
    misfits: dict[str, int]
    crowded_out: int


def prepare_incoming(session: Session, table: Table, staged: Staged, *, evolve: bool) -> Incoming:
    """Make the temporary view `incoming`: the staged rows with exactly the table's columns.

    `evolve`: the table is widened for unknown keys, as long as it has room; otherwise those stay in `_extra`.
    """
    new, is_full = _new_columns(session, table, staged) if evolve else ({}, False)
    for column, kind in new.items():
        add(session, table, column, kind)
    fitted = {column: _fitted(staged, column, kind) for column, kind in table.columns.items()}
    sifted = _Sifted(staged, fitted)
    picked = ", ".join(map(quoted, table.columns))
    session.run(
        "preparing the rows",
        f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {picked}, CAST({sifted.extra()} AS JSON) AS {EXTRA}"
        f" FROM ({sifted.sql(_keep_latest(session, table, staged))})",
    )
    misfits = _misfits(session, staged, sifted)
    return Incoming(new, misfits, _count_crowded_out(session, table, staged) if is_full else 0)


def _new_columns(session: Session, table: Table, staged: Staged) -> tuple[dict[str, str], bool]:
    """Columns to add with their types, and whether there may be fields beyond those that have room."""
    new = {
        name: kind
        for name, kind in staged.columns.items()
        if name not in table.columns and not table.conflicts_by_case(name)
    }
    room = max(0, MOST_COLUMNS - sum(column not in staged.columns for column in table.columns))
    unknown = [field for field in staged.fields if field not in table.columns and not table.conflicts_by_case(field)]
    for start in range(0, len(unknown) if room else 0, _KINDS_AT_ONCE):
        kinds = _kinds(session, staged, unknown[start : start + _KINDS_AT_ONCE])
        new |= dict(list(kinds.items())[:room])
        room -= min(room, len(kinds))
    return new, room == 0 or len(staged.fields) >= MOST_FIELDS


def _kinds(session: Session, staged: Staged, fields: Sequence[str]) -> dict[str, str]:
    """The first type that holds every value of an unknown key, for those that have one; JSON holds any."""
    values = ", ".join(f"{{'field': {number}, 'value': {quoted(field)}}}" for number, field in enumerate(fields))
    # The other questions are for plain values: each of them would parse an object again, and keep what it found.
    plain = "json_type(value) NOT IN ('ARRAY', 'OBJECT')"
    holds = [
        f"bool_and(CASE WHEN {plain} THEN coalesce({_from_json('value', kind)[0]}, false) ELSE false END)"
        for kind in _KINDS
    ]
    found = session.run(
        "finding the types of new fields",
        f"SELECT field, {', '.join(holds)} FROM (SELECT unnest([{values}], recursive := true)"
        f" FROM {staged_sql(staged)}) WHERE {_is_present('value')} GROUP BY field ORDER BY field",
    )
    return {
        fields[number]: next((kind for kind, holds_all in zip(_KINDS, held, strict=True) if holds_all), "JSON")
        for number, *held in found
    }


def _count_crowded_out(session: Session, table: Table, staged: Staged) -> int:
    """About how many: an exact count takes memory for each name, and there may be millions."""
    columns = ", ".join(literal(column.lower()) for column in table.columns)
    names = f"SELECT unnest(json_keys({EXTRA})) AS name FROM {staged_sql(staged)}"
    in_spool = session.one(
        "counting fields without a column",
        f"SELECT approx_count_distinct(name) FROM ({names}) WHERE lower(name) NOT IN ({columns})",
    )[0]
    return int(in_spool) + sum(field not in table.columns for field in staged.fields)


def _fitted(staged: Staged, column: str, kind: str) -> str:
    """SQL for what a column of the table gets."""
    if column in staged.fields:
        fits, value = _from_json(quoted(column), kind)
        return f"CASE WHEN {fits} THEN {value} END"
    if column in staged.columns:
        return _from_typed(column, staged.columns[column], kind)
    return f"CAST(NULL AS {kind})"


def _is_present(value: str) -> str:
    """SQL for whether there is JSON, and no null."""
    return f"({value} IS NOT NULL AND json_type({value}) <> 'NULL')"


def _from_json(value: str, kind: str) -> tuple[str, str]:
    """SQL for whether a column of type `kind` holds the JSON `value` exactly, and for what it holds then."""
    text = f"({value} ->> '$')"
    sort = f"json_type({value})"
    whole = f"{sort} IN ('BIGINT', 'UBIGINT')"
    cases = {
        "BOOLEAN": (f"{sort} = 'BOOLEAN'", f"TRY_CAST({value} AS BOOLEAN)"),
        "BIGINT": (f"({whole} AND TRY_CAST({value} AS BIGINT) IS NOT NULL)", f"TRY_CAST({value} AS BIGINT)"),
        # An integer of thirty digits calls itself a double, too.
        "DOUBLE": (
            f"(({whole} AND abs(TRY_CAST({value} AS HUGEINT)) <= {EXACT_IN_DOUBLE})"
            f" OR ({sort} = 'DOUBLE' AND NOT regexp_full_match({text}, '-?[0-9]+')))",
            f"TRY_CAST({value} AS DOUBLE)",
        ),
        "VARCHAR": (f"{sort} = 'VARCHAR'", text),
        "JSON": (f"{sort} <> 'NULL'", f"CAST({value} AS JSON)"),
    }
    other = f"TRY_CAST({text} AS {kind})"
    return cases.get(kind, (f"CAST({other} AS VARCHAR) = {text}", other))


def _from_typed(column: str, kind: str, target: str) -> str:
    name = quoted(column)
    if kind == target:
        return name
    there = f"TRY_CAST({name} AS {target})"
    return f"CASE WHEN TRY_CAST({there} AS {kind}) IS NOT DISTINCT FROM {name} THEN {there} END"


class _Sifted:
    """The staged rows with what the table takes of them, and beside it what it may have refused.

    Two steps, so that each value is fitted once: with hundreds of columns DuckDB's planner takes seconds otherwise.
    `fitted`: column of the table to the SQL for what it gets. `doubtful`: the staged columns that are not simply passed
    through.
    """

    def __init__(self, staged: Staged, fitted: Mapping[str, str]) -> None:
        self.doubtful = [name for name in (*staged.columns, *staged.fields) if fitted.get(name) != quoted(name)]
        self._staged, self.fitted = staged, fitted
        # Longer than the name of any column, so that it is that of none.
        width = 1 + max(map(len, (*staged.columns, *staged.fields, *fitted)))
        self._raw = {name: f"{number:_>{width}}" for number, name in enumerate(self.doubtful)}

    def sql(self, only: str) -> str:
        """The first step; `only` comes after the staged rows and leaves some of them out."""
        fitted = [f"{sql} AS {quoted(column)}" for column, sql in self.fitted.items()]
        raw = [f"{self._value(name)} AS {quoted(alias)}" for name, alias in self._raw.items()]
        return f"SELECT {', '.join([*fitted, *raw, EXTRA])} FROM {staged_sql(self._staged)}{only}"

    def _value(self, name: str) -> str:
        """SQL for the value as JSON, null where there is none."""
        value = quoted(name)
        if name in self._staged.fields:
            return f"CASE WHEN {_is_present(value)} THEN {value} END"
        return f"to_json({value})"

    def refused(self, name: str) -> str:
        """SQL that is true in the second step where the row has a value and the table does not take it."""
        there = f"{quoted(self._raw[name])} IS NOT NULL"
        return f"({there} AND {quoted(name)} IS NULL)" if name in self.fitted else f"({there})"

    def extra(self) -> str:
        """SQL for `_extra` in the second step: the text of an object of what is there and of what the table refuses."""
        if not self.doubtful:
            return EXTRA
        refused = [self.refused(name) for name in self.doubtful]
        members = [
            f"CASE WHEN {condition} THEN {literal(f'{msgspec.json.encode(name).decode()}:')}"
            f" || CAST({quoted(self._raw[name])} AS VARCHAR) END"
            for name, condition in zip(self.doubtful, refused, strict=True)
        ]
        joined = f"concat_ws(',', left({EXTRA}, -1), {', '.join(members)})"
        # Most rows take the first way, which copies nothing.
        return (
            f"CASE WHEN NOT ({' OR '.join(refused)}) THEN {EXTRA}"
            f" WHEN {EXTRA} IS NULL THEN concat('{{', {joined}, '}}')"
            f" ELSE concat({joined}, '}}') END"
        )


def _misfits(session: Session, staged: Staged, sifted: _Sifted) -> dict[str, int]:
    names = [name for name in sifted.doubtful if name in sifted.fitted]
    misfits = dict(staged.misfits)
    if names:
        counts = ", ".join(f"count(*) FILTER ({sifted.refused(name)})" for name in names)
        found = session.one("counting misfits", f"SELECT {counts} FROM ({sifted.sql('')})")
        for name, count in zip(names, found, strict=True):
            if count:
                misfits[name] = misfits.get(name, 0) + count
    return misfits


def _keep_latest(session: Session, table: Table, staged: Staged) -> str:
    """SQL that keeps one row of each id: the newest, then the later one. Only positions are remembered, not rows."""
    if staged.rows == staged.distinct:
        return ""
    newest = f"{quoted(table.cursor)} DESC NULLS LAST, " if table.cursor in staged.columns else ""
    session.run(
        "settling duplicates",
        f"CREATE OR REPLACE TEMP TABLE latest AS SELECT file_row_number AS position FROM {staged_sql(staged)} QUALIFY"
        f" row_number() OVER (PARTITION BY {quoted(PRIMARY_KEY)} ORDER BY {newest}file_row_number DESC) = 1",
    )
    return " SEMI JOIN latest ON latest.position = file_row_number"
