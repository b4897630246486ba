"""Staging: an extract's rows with their types, in a Parquet file of their own.

It happens before the warehouse is opened, so that the parsing of a million rows blocks nobody, and in a memory that
does not grow with the rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from leads_assets.engine.declare import PRIMARY_KEY, Endpoint
from leads_assets.engine.records.encoder import EXTRA
from leads_assets.engine.records.extract import SpoolFiles
from leads_assets.engine.records.spool import reencoded
from leads_assets.engine.records.values import BROKEN
from leads_assets.engine.warehouse.errors import LoadFailed, failed
from leads_assets.engine.warehouse.schema import BOOKKEEPING, short
from leads_assets.engine.warehouse.sql import literal, quoted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_USUAL_RECORD, _LONGEST_RECORD = 16 << 20, 32 << 20
"""Bytes that the reader expects of the longest record; it takes twice as much memory."""
_GROUP_BYTES = 16 << 20
_GROUP_ROWS = 20480
"""Of a Parquet file, at most: a group of rows is held in memory, several times over, until it is complete."""
_LONG_ROW = 2 << 10
"""Bytes from which on rows are long: of a file's group, up to 2,048 are in memory together, several times over. Then
the rows that were read together are a group by themselves."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows ready to be merged. `fields`: columns that hold JSON text of unknown keys, still without a type.

    `rejected`: records, or rows of a frame, that have no usable id.
    """

    path: Path
    rows: int
    distinct: int
    columns: dict[str, str]
    fields: tuple[str, ...]
    misfits: dict[str, int]
    rejected: int


def stage_spool(staging: duckdb.DuckDBPyConnection, spooled: SpoolFiles, endpoint: Endpoint) -> Staged:
    """Stage a spool. Where the typed reading refuses a value, each row is encoded again, and read once more."""
    target = spooled.folder / "rows.parquet"
    try:
        rows, distinct = _copy(staging, spooled, endpoint, target, _USUAL_RECORD)
    except duckdb.Error as refused:
        if isinstance(refused, duckdb.IOException | duckdb.OutOfMemoryException):
            raise failed(endpoint.name, "staging rows", refused) from None
        try:
            spooled = reencoded(spooled, endpoint)
            rows, distinct = _copy(staging, spooled, endpoint, target, _LONGEST_RECORD)
        except duckdb.Error as error:
            raise failed(endpoint.name, "staging rows", error) from None
        except BROKEN:
            raise LoadFailed(f"{endpoint.name}: the spool is damaged; nothing was changed: run again") from None
    return Staged(
        path=target,
        rows=rows,
        distinct=distinct,
        columns={column.name: column.type.value for column in endpoint.columns},
        fields=spooled.fields,
        misfits=dict(spooled.misfits),
        rejected=spooled.rejected,
    )


def _copy(
    staging: duckdb.DuckDBPyConnection, spooled: SpoolFiles, endpoint: Endpoint, target: Path, longest: int
) -> tuple[int, int]:
    types = {column.json_key: column.type.value for column in endpoint.columns}
    types |= dict.fromkeys(spooled.fields, "JSON") | {EXTRA: "VARCHAR"}
    reading = ", ".join(f"{quoted(key)}: {literal(kind)}" for key, kind in types.items())
    picked = [f"{quoted(column.json_key)} AS {quoted(column.name)}" for column in endpoint.columns]
    picked += map(quoted, (*spooled.fields, EXTRA))
    # A dictionary sets a megabyte aside for each column of texts, however few rows there are.
    lean = ", DICTIONARY_SIZE_LIMIT 1, STRING_DICTIONARY_PAGE_SIZE_LIMIT 4096" if spooled.fields else ""
    group = 1 if spooled.row_bytes > _LONG_ROW else min(_GROUP_ROWS, _GROUP_BYTES // max(1, spooled.row_bytes))
    files = ", ".join(literal(str(path)) for path in spooled.rows)
    staging.execute(
        f"COPY (SELECT {', '.join(picked)} FROM read_json([{files}],"
        f" format = 'newline_delimited', maximum_object_size = {longest}, columns = {{{reading}}}))"
        f" TO {literal(str(target))} (FORMAT parquet, ROW_GROUP_SIZE {group}{lean})"
    )
    return _count(staging, target)


def _count(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, int]:
    key = quoted(PRIMARY_KEY)
    row = connection.execute(
        f"SELECT count(*), count(DISTINCT {key}) FROM read_parquet({literal(str(path))})"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def stage_frame(
    staging: duckdb.DuckDBPyConnection, name: str, frame: "pd.DataFrame | pa.Table", folder: Path
) -> Staged:
    """Stage a pandas DataFrame or a pyarrow Table. Raises LoadFailed if there is no `id` column."""
    target = folder / "rows.parquet"
    try:
        staging.register("frame", frame)
        kinds = {column: _usable(kind) for column, kind, *_ in staging.execute("DESCRIBE frame").fetchall()}
        _check_columns(name, kinds)
        key = quoted(PRIMARY_KEY)
        usable = f"TRY_CAST(TRY_CAST({key} AS BIGINT) AS {kinds[PRIMARY_KEY]}) = {key}"
        lost = staging.execute(f"SELECT count(*) FROM frame WHERE ({usable}) IS NOT TRUE").fetchall()
        kinds[PRIMARY_KEY] = "BIGINT"
        picked = ", ".join(f"CAST({quoted(c)} AS {kind}) AS {quoted(c)}" for c, kind in kinds.items())
        staging.execute(
            f"COPY (SELECT {picked}, CAST(NULL AS VARCHAR) AS {EXTRA} FROM frame WHERE {usable})"
            f" TO {literal(str(target))} (FORMAT parquet, ROW_GROUP_SIZE {_GROUP_ROWS})"
        )
        rows, distinct = _count(staging, target)
    except duckdb.Error as error:
        raise failed(name, "staging the frame", error) from None
    return Staged(target, rows, distinct, kinds, (), {}, int(lost[0][0]))


def _check_columns(name: str, columns: Mapping[str, str]) -> None:
    if PRIMARY_KEY not in columns:
        raise LoadFailed(
            f"{name}: the frame has no `{PRIMARY_KEY}` column ({_listed(list(columns))});"
            " rows are merged by it, so nothing was changed"
        )
    reserved = [column for column in columns if column.lower() in BOOKKEEPING]
    if reserved:
        raise LoadFailed(
            f"{name}: every table has {_listed(reserved)} of its own; rename them in the frame (nothing was changed)"
        )


def _usable(kind: str) -> str:
    """A column that is null throughout has no type of its own yet; categories are texts, lists have no fixed length."""
    if kind.strip('"') == "NULL" or kind.startswith("ENUM("):
        return "VARCHAR"
    return re.sub(r"\[\d+\]", "[]", short(kind))


def _listed(names: Sequence[str]) -> str:
    return "columns: " + ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "no columns"


def staged_sql(staged: Staged) -> str:
    """The staged rows as a table function, numbered in their order."""
    return f"read_parquet({literal(str(staged.path))}, file_row_number = true)"
