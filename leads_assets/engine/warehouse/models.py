"""Models: SELECT statements kept in files, described where they stand, and what they are made of.

A file begins with its description, then says a line for each column:

    -- One row a thing: what it is worth.
    -- dated by: things, orders
    -- thing_id: The thing.
    SELECT ...

`dated by` lists the endpoints whose rows the model counts. `kept by: thing_id of every.things` makes it a table that is
kept up to date key by key (see `kept.py`). The parameter `$zone` stands for the time zone of the reports.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import duckdb

from leads_assets.engine.warehouse.sql import literal

MARTS, KEPT, LIVE, EVERY = "marts", "kept", "live", "every"
_HEADER = re.compile(r"-- (?P<name>\w+|dated by|kept by): (?P<text>.+)")
_KEPT_BY = re.compile(r"(?P<key>\w+) of (?P<source>\w+\.\w+)")


class ModelError(ValueError):
    """A model's file is not what the project expects; says which, and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One SELECT statement and what is said about it.

    `columns`: name -> meaning, in the order of the file. `dated_by`: endpoints whose reads date its rows. `key`: the
    column by which a kept table is brought up to date, and `source`, the relation whose `id` it is; both empty for a
    view.
    """

    name: str
    sql: str
    description: str
    columns: Mapping[str, str] = field(default_factory=dict)
    dated_by: tuple[str, ...] = ()
    key: str = ""
    source: str = ""

    @property
    def relation(self) -> str:
        """Schema and name of what the model becomes in the warehouse."""
        return f"{KEPT if self.key else MARTS}.{self.name}"

    def bound(self, zone: str) -> str:
        """The statement with the reports' time zone written into it."""
        return self.sql.replace("$zone", literal(zone))


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a model reads: `models` directly, as relations; `endpoints` also through other models."""

    models: tuple[str, ...]
    endpoints: tuple[str, ...]


def parse_model(name: str, text: str) -> Model:
    """The model that a file holds. Raises ModelError where its head is not as described above."""
    lines = text.splitlines()
    head = list(_leading_comments(lines))
    if not head or _HEADER.fullmatch(head[0]):
        raise ModelError(f"{name}.sql: the first line must be a comment that says what one row is")
    said: dict[str, str] = {}
    for line in head[1:]:
        found = _HEADER.fullmatch(line)
        if found is None or found["name"] in said:
            raise ModelError(f"{name}.sql: {line!r} must be `-- column: meaning`, once a column")
        said[found["name"]] = found["text"]
    dated_by = tuple(filter(None, (part.strip() for part in said.pop("dated by", "").split(","))))
    kept_by = said.pop("kept by", "")
    kept = _KEPT_BY.fullmatch(kept_by)
    if kept_by and kept is None:
        raise ModelError(f"{name}.sql: `kept by` must name a column and a relation, as in `thing_id of every.things`")
    return Model(
        name=name,
        sql="\n".join(lines[len(head) :]).strip(),
        description=head[0].removeprefix("-- "),
        columns=said,
        dated_by=dated_by,
        key=kept["key"] if kept else "",
        source=kept["source"] if kept else "",
    )


def _leading_comments(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("-- "):
            return
        yield line


def relations_read(connection: duckdb.DuckDBPyConnection, sql: str) -> frozenset[str]:
    """The relations (`schema.name`) that a SELECT reads, by DuckDB's own parser; each is parsed once a process.

    Raises ModelError for anything that is not one SELECT statement.
    """
    if (found := _PARSED.get(sql)) is None:
        short = "skip_null := true, skip_empty := true, skip_default := true"
        answer = json.loads(connection.execute(f"SELECT json_serialize_sql({literal(sql)}, {short})").fetchall()[0][0])
        if answer.get("error") or len(answer["statements"]) != 1:
            raise ModelError(answer.get("error_message") or "not one SELECT statement")
        found = _PARSED[sql] = frozenset(_tables(answer["statements"]))
    return found


_PARSED: dict[str, frozenset[str]] = {}
"""Statement -> what it reads. A few dozen: the files' models, and one a set of custom fields."""


def _tables(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            yield f"{node['schema_name']}.{node['table_name']}"
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _tables(part)


def lineages(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> dict[str, Lineage]:
    """Relation -> lineage, in an order in which each model comes after those that it reads.

    Raises ModelError where a model reads one that is not there, or models read each other.
    """
    read = {model.relation: relations_read(connection, model.sql) for model in models}
    models_read = {name: sorted(other for other in others if _is_model(other)) for name, others in read.items()}
    for name, others in models_read.items():
        if missing := sorted(set(others) - set(read)):
            raise ModelError(f"{name} reads {', '.join(missing)}, which no file defines")
    try:
        order = list(TopologicalSorter(models_read).static_order())
    except CycleError as error:
        raise ModelError(f"models read each other: {' <- '.join(error.args[1])}") from None
    found: dict[str, Lineage] = {}
    dates = {model.relation: model.dated_by for model in models}
    for name in order:
        endpoints = {*dates[name]} | {
            other.partition(".")[2] for other in read[name] if other.startswith((f"{LIVE}.", f"{EVERY}."))
        }
        endpoints.update(*(found[other].endpoints for other in models_read[name]))
        found[name] = Lineage(tuple(models_read[name]), tuple(sorted(endpoints)))
    return found


def _is_model(relation: str) -> bool:
    return relation.startswith((f"{MARTS}.", f"{KEPT}."))
