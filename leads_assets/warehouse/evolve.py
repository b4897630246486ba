"""Unknown keys become columns, and values that their column refuses stay in `_extra`, all in SQL.

The type of a new column is taken over all its values in the load, never from a sample.
"""

from dataclasses import dataclass

import msgspec

from leads_assets.endpoints import PRIMARY_KEY
from leads_assets.screen import EXTRA
from leads_assets.warehouse.connection import Session, literal, quoted
from leads_assets.warehouse.stage import Staged, staged_sql
from leads_assets.warehouse.tables import Table, add

_EXACT_IN_DOUBLE = 2**53


@dataclass(frozen=True, slots=True)
class Incoming:
    """The staged rows in the shape of the table: a view named `incoming`, and what it did not take."""

    new_columns: dict[str, str]
    misfits: dict[str, int]


def prepare_incoming(session: Session, table: Table, staged: Staged) -> Incoming:
    """Widen the table for the staged columns, and make the temporary view `incoming` with exactly its columns."""
    new = _new_columns(session, table, staged)
    for column, kind in new.items():
        add(session, table, column, kind)
    fitted: dict[str, str] = {}
    for column, kind in table.columns.items():
        if column in staged.fields:
            fitted[column] = _from_json(column, kind)
        elif column in staged.columns:
            fitted[column] = _from_typed(column, staged.columns[column], kind)
        else:
            fitted[column] = f"CAST(NULL AS {kind})"
    extra = _extra(staged, fitted)
    picked = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in fitted.items())
    session.run(
        "preparing the rows",
        f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {picked}, CAST({extra} AS JSON) AS {EXTRA}"
        f" FROM {staged_sql(staged)}{_latest(staged)}",
    )
    return Incoming(new, _misfits(session, staged, fitted))


def _new_columns(session: Session, table: Table, staged: Staged) -> dict[str, str]:
    typed = {name: kind for name, kind in staged.columns.items() if name not in table.columns and not table.clash(name)}
    unknown = [field for field in staged.fields if field not in table.columns and not table.clash(field)]
    if not unknown:
        return typed
    questions = []
    for field in unknown:
        name = quoted(field)
        present = f"FILTER ({name} IS NOT NULL AND json_type({name}) <> 'NULL')"
        whole = f"(json_type({name}) IN ('BIGINT', 'UBIGINT') AND TRY_CAST({name} AS BIGINT) IS NOT NULL)"
        questions += [
            f"count(*) {present}",
            f"bool_and(json_type({name}) = 'BOOLEAN') {present}",
            f"bool_and({whole}) {present}",
            f"bool_and({whole} OR json_type({name}) = 'DOUBLE') {present}",
            f"bool_and(json_type({name}) = 'VARCHAR') {present}",
        ]
    answers = session.one("finding the types of new fields", f"SELECT {', '.join(questions)} FROM {staged_sql(staged)}")
    for position, field in enumerate(unknown):
        count, *holds = answers[position * 5 : position * 5 + 5]
        if count:
            kinds = [kind for kind, held in zip(("BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR"), holds, strict=True) if held]
            typed[field] = kinds[0] if kinds else "JSON"
    return typed


def _from_json(field: str, kind: str) -> str:
    """SQL for the value of an unknown key in a column of type `kind`: null where the column cannot hold it exactly."""
    name = quoted(field)
    text = f"({name} ->> '$')"
    sort = f"json_type({name})"
    cases = {
        "BOOLEAN": (f"{sort} = 'BOOLEAN'", f"TRY_CAST({name} AS BOOLEAN)"),
        "BIGINT": (f"{sort} IN ('BIGINT', 'UBIGINT')", f"TRY_CAST({name} AS BIGINT)"),
        "DOUBLE": (
            f"{sort} = 'DOUBLE' OR abs(TRY_CAST({name} AS HUGEINT)) <= {_EXACT_IN_DOUBLE}",
            f"TRY_CAST({name} AS DOUBLE)",
        ),
        "VARCHAR": (f"{sort} = 'VARCHAR'", text),
        "JSON": (f"{sort} <> 'NULL'", f"CAST({name} AS JSON)"),
    }
    fits, value = cases.get(
        kind, (f"CAST(TRY_CAST({text} AS {kind}) AS VARCHAR) = {text}", f"TRY_CAST({text} AS {kind})")
    )
    return f"CASE WHEN {fits} THEN {value} END"


def _from_typed(column: str, kind: str, target: str) -> str:
    name = quoted(column)
    if kind == target:
        return name
    there = f"TRY_CAST({name} AS {target})"
    return f"CASE WHEN TRY_CAST({there} AS {kind}) IS NOT DISTINCT FROM {name} THEN {there} END"


def _refused(staged: Staged, column: str, fitted: dict[str, str]) -> str:
    """SQL that is true where the row has a value for `column` and the table does not take it."""
    name = quoted(column)
    there = f"{name} IS NOT NULL AND json_type({name}) <> 'NULL'" if column in staged.fields else f"{name} IS NOT NULL"
    return f"({there} AND ({fitted[column]}) IS NULL)" if column in fitted else f"({there})"


def _may_be_refused(staged: Staged, fitted: dict[str, str]) -> list[str]:
    """The staged columns that are not simply passed through."""
    names = [*staged.columns, *staged.fields]
    return [name for name in names if fitted.get(name) != quoted(name)]


def _extra(staged: Staged, fitted: dict[str, str]) -> str:
    """SQL for `_extra`: what the screen put there, and the values that the table refuses."""
    parts = [f"{EXTRA}[2:-2]"]
    for name in _may_be_refused(staged, fitted):
        value = f"to_json({quoted(name)})" if name not in staged.fields else quoted(name)
        key = literal(msgspec.json.encode(name).decode())
        parts.append(f"CASE WHEN {_refused(staged, name, fitted)} THEN {key} || ':' || CAST({value} AS VARCHAR) END")
    if len(parts) == 1:
        return EXTRA
    joined = f"nullif(concat_ws(',', {', '.join(parts)}), '')"
    return f"'{{' || {joined} || '}}'"


def _misfits(session: Session, staged: Staged, fitted: dict[str, str]) -> dict[str, int]:
    names = _may_be_refused(staged, fitted)
    misfits = dict(staged.misfits)
    if names:
        counts = ", ".join(f"count(*) FILTER ({_refused(staged, name, fitted)})" for name in names)
        for name, count in zip(
            names, session.one("counting misfits", f"SELECT {counts} FROM {staged_sql(staged)}"), strict=True
        ):
            if count:
                misfits[name] = misfits.get(name, 0) + count
    return misfits


def _latest(staged: Staged) -> str:
    """Of several rows with one id the newest counts, then the later one."""
    if staged.rows == staged.distinct:
        return ""
    newest = "updated_at DESC NULLS LAST, " if "updated_at" in staged.columns else ""
    return f" QUALIFY row_number() OVER (PARTITION BY {quoted(PRIMARY_KEY)} ORDER BY {newest}file_row_number DESC) = 1"
