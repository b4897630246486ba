"""Unknown keys become columns, and values that their column refuses stay in `_extra`, all in SQL.

The type of a new column is taken over all its values in the load, never from a sample.
"""

from dataclasses import dataclass

from leads_assets.engine.declare import PRIMARY_KEY
from leads_assets.engine.records.encoder import EXTRA
from leads_assets.engine.records.values import EXACT_IN_DOUBLE
from leads_assets.engine.warehouse.file import Session
from leads_assets.engine.warehouse.schema import Table, add
from leads_assets.engine.warehouse.sql import literal, quoted
from leads_assets.engine.warehouse.staging import Staged, staged_sql

_KINDS = ("BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR")
"""The types of a new column, the first that holds all its values; JSON holds any."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The staged rows in the shape of the table: a view named `incoming`, and what it did not take."""

    new_columns: dict[str, str]
    misfits: dict[str, int]


def prepare_incoming(session: Session, table: Table, staged: Staged, *, evolve: bool) -> Incoming:
    """Make the temporary view `incoming`: the staged rows with exactly the table's columns.

    `evolve`: the table is widened for unknown keys; otherwise those stay in `_extra`.
    """
    new = _new_columns(session, table, staged) if evolve else {}
    for column, kind in new.items():
        add(session, table, column, kind)
    fitted: dict[str, str] = {}
    for column, kind in table.columns.items():
        if column in staged.fields:
            fits, value = _from_json(column, kind)
            fitted[column] = f"CASE WHEN {fits} THEN {value} END"
        elif column in staged.columns:
            fitted[column] = _from_typed(column, staged.columns[column], kind)
        else:
            fitted[column] = f"CAST(NULL AS {kind})"
    extra = _extra(staged, fitted)
    picked = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in fitted.items())
    session.run(
        "preparing the rows",
        f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {picked}, CAST({extra} AS JSON) AS {EXTRA}"
        f" FROM {staged_sql(staged)}{_keep_latest(session, table, staged)}",
    )
    return Incoming(new, _misfits(session, staged, fitted))


def _new_columns(session: Session, table: Table, staged: Staged) -> dict[str, str]:
    typed = {
        name: kind
        for name, kind in staged.columns.items()
        if name not in table.columns and not table.conflicts_by_case(name)
    }
    for field in staged.fields:
        if field not in table.columns and not table.conflicts_by_case(field):
            kind = _kind_of_all(session, staged, field)
            if kind:
                typed[field] = kind
    return typed


def _kind_of_all(session: Session, staged: Staged, field: str) -> str:
    """The first type that holds every value of an unknown key; empty if it has none.

    One statement a key: all in one takes DuckDB's planner seconds where there are hundreds.
    """
    # The other questions are for plain values: each of them would parse an object again, and keep what it found.
    nested = f"json_type({quoted(field)}) IN ('ARRAY', 'OBJECT')"
    holds = [
        f"bool_and(CASE WHEN {nested} THEN false ELSE coalesce({_from_json(field, kind)[0]}, false) END)"
        for kind in _KINDS
    ]
    count, *held = session.one(
        "finding the type of a new field",
        f"SELECT count(*), {', '.join(holds)} FROM {staged_sql(staged)} WHERE {_is_present(field)}",
    )
    return next((kind for kind, holds_all in zip(_KINDS, held, strict=True) if holds_all), "JSON") if count else ""


def _is_present(field: str) -> str:
    return f"({quoted(field)} IS NOT NULL AND json_type({quoted(field)}) <> 'NULL')"


def _from_json(field: str, kind: str) -> tuple[str, str]:
    """SQL for whether a column of type `kind` holds an unknown key's value exactly, and for what it holds then."""
    name = quoted(field)
    text = f"({name} ->> '$')"
    sort = f"json_type({name})"
    whole = f"{sort} IN ('BIGINT', 'UBIGINT')"
    cases = {
        "BOOLEAN": (f"{sort} = 'BOOLEAN'", f"TRY_CAST({name} AS BOOLEAN)"),
        "BIGINT": (f"({whole} AND TRY_CAST({name} AS BIGINT) IS NOT NULL)", f"TRY_CAST({name} AS BIGINT)"),
        # An integer of thirty digits calls itself a double, too.
        "DOUBLE": (
            f"(({whole} AND abs(TRY_CAST({name} AS HUGEINT)) <= {EXACT_IN_DOUBLE})"
            f" OR ({sort} = 'DOUBLE' AND NOT regexp_full_match({text}, '-?[0-9]+')))",
            f"TRY_CAST({name} AS DOUBLE)",
        ),
        "VARCHAR": (f"{sort} = 'VARCHAR'", text),
        "JSON": (f"{sort} <> 'NULL'", f"CAST({name} AS JSON)"),
    }
    other = f"TRY_CAST({text} AS {kind})"
    return cases.get(kind, (f"CAST({other} AS VARCHAR) = {text}", other))


def _from_typed(column: str, kind: str, target: str) -> str:
    name = quoted(column)
    if kind == target:
        return name
    there = f"TRY_CAST({name} AS {target})"
    return f"CASE WHEN TRY_CAST({there} AS {kind}) IS NOT DISTINCT FROM {name} THEN {there} END"


def _refused(staged: Staged, column: str, fitted: dict[str, str]) -> str:
    """SQL that is true where the row has a value for `column` and the table does not take it."""
    name = quoted(column)
    there = _is_present(column) if column in staged.fields else f"{name} IS NOT NULL"
    return f"({there} AND ({fitted[column]}) IS NULL)" if column in fitted else f"({there})"


def _may_be_refused(staged: Staged, fitted: dict[str, str]) -> list[str]:
    """The staged columns that are not simply passed through."""
    names = [*staged.columns, *staged.fields]
    return [name for name in names if fitted.get(name) != quoted(name)]


def _extra(staged: Staged, fitted: dict[str, str]) -> str:
    """SQL for `_extra`: an object of what the screen put there and of the values that the table refuses."""
    refused, members = [], []
    for name in _may_be_refused(staged, fitted):
        value = f"to_json({quoted(name)})" if name not in staged.fields else quoted(name)
        refused.append(_refused(staged, name, fitted))
        pair = f"{{'key': {literal(name)}, 'value': CAST({value} AS VARCHAR)}}"
        members.append(f"CASE WHEN {refused[-1]} THEN {pair} END")
    entries = f"coalesce(map_entries({EXTRA}), [])"
    if members:
        entries = f"list_concat({entries}, list_filter([{', '.join(members)}], lambda m: m IS NOT NULL))"
    texts = f"list_transform({entries}, lambda m: CAST(to_json(m.key) AS VARCHAR) || ':' || m.value)"
    nothing = " AND ".join([f"{EXTRA} IS NULL", *(f"NOT {condition}" for condition in refused)])
    return f"CASE WHEN {nothing} THEN NULL ELSE '{{' || array_to_string({texts}, ',') || '}}' END"


def _misfits(session: Session, staged: Staged, fitted: dict[str, str]) -> dict[str, int]:
    names = [name for name in _may_be_refused(staged, fitted) if name in fitted]
    misfits = dict(staged.misfits)
    if names:
        counts = ", ".join(f"count(*) FILTER ({_refused(staged, name, fitted)})" for name in names)
        for name, count in zip(
            names, session.one("counting misfits", f"SELECT {counts} FROM {staged_sql(staged)}"), strict=True
        ):
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
