"""The views that people ask: `live` and `every` over the tables, `marts` over these.

`every.x` has all rows of an endpoint and says `is_deleted`; `live.x` leaves the deleted ones and the bookkeeping out.
Both stand for each declared endpoint, empty where its table is missing, so that no model fails for a list that an
account has no right to. Each mart carries as of when it speaks and what that rests on (`as_of`, `verdict`).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leads_assets.engine.declare import PRIMARY_KEY, Endpoint
from leads_assets.engine.warehouse import kept
from leads_assets.engine.warehouse.models import EVERY, KEPT, LIVE, MARTS, Lineage, Model, lineages
from leads_assets.engine.warehouse.schema import BOOKKEEPING, BOOKKEEPING_MEANINGS, short
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import literal, quoted

PROOF = f"{MARTS}.proof"
"""The model that knows as of when each mart speaks; one row a mart."""
_GONE = "is_deleted"
_SAID = {_GONE: "Whether the row is gone from the server.", **BOOKKEEPING_MEANINGS}
_CLASH = "is_deleted (sent)"
"""In `every`, a column of the server's that is called as ours is."""
PROVED = {
    "as_of": "Begin of the oldest read, of the lists that the mart counts, whose changes are all in.",
    "verdict": "The worst verdict of the lists behind the mart: unproven, current, or proven.",
}
"""Columns of each mart, with their meanings, that no file says."""
_FORMAT = "1"
"""Part of every hash: a new number makes all views anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What views are made from. `first`: columns that come first where an endpoint has them, in this order.

    `comments`: whether the engine keeps comments (a DuckDB file does).
    """

    endpoints: Mapping[str, Endpoint]
    models: Sequence[Model]
    zone: str = "UTC"
    first: tuple[str, ...] = (PRIMARY_KEY,)
    comments: bool = True


@dataclass(frozen=True, slots=True)
class Commented:
    """A relation whose comments are to be written: kind (TABLE or VIEW), name, description, and column -> meaning."""

    kind: str
    relation: str
    description: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there: the tables in `main`, each with the statement that would make it, and the others' full names."""

    tables: Mapping[str, str]
    relations: frozenset[str]


def build_views(session: Session, definitions: Definitions) -> frozenset[str]:
    """Make the views that are missing or out of date, inside the caller's transaction.

    Returns what was made anew: names of endpoints, `kept`, `marts`. Writes nothing where definitions, time zone and the
    tables' columns are as they were. Kept tables are made from all rows where their statement is new. Views of others
    are left alone. Needs the schema `ops` with its tables and the view `ops.freshness`.
    Raises ModelError for models that cannot be put in order, LoadFailed for a statement that fails.
    """
    standing = _standing(session)
    hashes = _hashes(definitions, standing.tables)
    wanted = hashes | {model.relation: "" for model in definitions.models}
    noted = _noted(session, standing)
    whole = {name: digest for name, digest in noted.items() if _relations(definitions, name) <= standing.relations}
    if whole == wanted:
        return frozenset()
    stale = {name for name, digest in hashes.items() if whole.get(name) != digest}
    _prepare(session)
    for name in sorted(stale & definitions.endpoints.keys()):
        table = _columns(session, f"main.{quoted(name)}") if name in standing.tables else None
        _make_endpoint(session, definitions, definitions.endpoints[name], table)
    _drop_undefined(session, noted.keys() - wanted.keys(), standing)
    if stale & {KEPT, MARTS}:
        _make_models(session, definitions, kept_too=KEPT in stale)
    _remember(session, wanted)
    return frozenset(stale)


def _standing(session: Session) -> Standing:
    # Not by their columns: to list those, DuckDB binds every view, which takes four times as long.
    rows = session.run(
        "looking up what is there",
        "SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE database_name = current_database() UNION ALL"
        " SELECT schema_name, view_name, '' FROM duckdb_views() WHERE database_name = current_database()",
    )
    tables = {name: sql for schema, name, sql in rows if schema == "main"}
    return Standing(tables, frozenset(f"{schema}.{name}" for schema, name, _ in rows if schema != "main"))


def _columns(session: Session, relation: str) -> dict[str, str]:
    """Column -> type, in order."""
    rows = session.run("looking up the columns", f"DESCRIBE {relation}")
    return {name: short(kind) for name, kind, *_ in rows}


def _hashes(definitions: Definitions, tables: Mapping[str, str]) -> dict[str, str]:
    """Unit of work (an endpoint, the kept tables, the marts) -> a hash of all that it is made from."""
    common = (_FORMAT, definitions.comments)
    found = {
        name: _hash(common, definitions.first, *_declared(endpoint), tables.get(name))
        for name, endpoint in definitions.endpoints.items()
    }
    kept_models = [(model.name, model.sql) for model in definitions.models if model.key]
    uses = sorted((name, *_use(endpoint)) for name, endpoint in definitions.endpoints.items())
    found[KEPT] = _hash(_FORMAT, definitions.zone, sorted(kept_models))
    found[MARTS] = _hash(common, definitions.zone, sorted(map(repr, definitions.models)), uses)
    return found


def _declared(endpoint: Endpoint) -> tuple[object, ...]:
    columns = [(column.name, column.type.value, column.description) for column in endpoint.columns]
    return endpoint.name, endpoint.description, columns


def _use(endpoint: Endpoint) -> tuple[bool, bool]:
    """What an endpoint is for in a proof: whether an account may lack it, and whether it is a log."""
    return endpoint.edition_gated, not endpoint.marks_deleted


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _noted(session: Session, standing: Standing) -> dict[str, str]:
    """What was made before: unit of work -> its hash, and the models by their full names."""
    if "ops.views" not in standing.relations:
        return {}
    return dict(session.run("looking up the views", "SELECT name, hash FROM ops.views"))


def _relations(definitions: Definitions, name: str) -> set[str]:
    """The relations that must stand for a unit of work to be whole."""
    if name in definitions.endpoints:
        return {f"{LIVE}.{name}", f"{EVERY}.{name}"}
    if name in (KEPT, MARTS):
        made = {model.relation for model in definitions.models if bool(model.key) == (name == KEPT)}
        return made | ({"ops.lineage"} if name == MARTS else set())
    return set()


def _prepare(session: Session) -> None:
    for schema in (LIVE, EVERY, MARTS, KEPT):
        session.run("making a schema", f"CREATE SCHEMA IF NOT EXISTS {schema}")
    session.run("making the list of views", "CREATE TABLE IF NOT EXISTS ops.views (name VARCHAR, hash VARCHAR)")


def _remember(session: Session, wanted: Mapping[str, str]) -> None:
    session.run("noting the views", "DELETE FROM ops.views")
    rows = ", ".join(f"({literal(name)}, {literal(digest)})" for name, digest in wanted.items())
    session.run("noting the views", f"INSERT INTO ops.views VALUES {rows}")


def _make_endpoint(
    session: Session, definitions: Definitions, endpoint: Endpoint, table: Mapping[str, str] | None
) -> None:
    declared = {column.name: column.type.value for column in endpoint.columns}
    columns = _ordered(declared, table or {}, definitions.first)
    source = f"main.{quoted(endpoint.name)}" if table else "(SELECT 1) nothing"
    held = [_held(name, kind, table) for name, kind in columns.items()]
    all_held = [
        f"{sql} AS {quoted(_CLASH)}" if name.lower() == _GONE else sql for name, sql in zip(columns, held, strict=True)
    ]
    books = [_held(name, kind, table) for name, kind in BOOKKEEPING.items()]
    gone = f"_deleted_at IS NOT NULL AS {_GONE}" if table else f"false AS {_GONE}"
    # Qualified by nothing but the schema, so that a file keeps its views under whatever name it is attached.
    every = f"SELECT {', '.join((*all_held, gone, *books))} FROM {source} WHERE {'true' if table else 'false'}"
    live = f"SELECT {', '.join(held)} FROM {source} WHERE {'_deleted_at IS NULL' if table else 'false'}"
    said = {column.name: column.description for column in endpoint.columns}
    said = {name: said.get(name, "Sent by the server, not declared.") for name in columns}
    all_said = {_CLASH if name.lower() == _GONE else name: meaning for name, meaning in said.items()}
    views = (
        (EVERY, every, f"{endpoint.description} All rows, also those that are gone.", all_said | _SAID),
        (LIVE, live, endpoint.description, said),
    )
    for schema, sql, description, meanings in views:
        relation = f"{schema}.{quoted(endpoint.name)}"
        session.run(f"making {schema}.{endpoint.name}", f"CREATE OR REPLACE VIEW {relation} AS {sql}")
        if definitions.comments:
            _comment(session, Commented("VIEW", relation, description, meanings))
    if definitions.comments and table:
        meanings = {name: meaning for name, meaning in (said | _SAID).items() if name in table}
        _comment(session, Commented("TABLE", f"main.{quoted(endpoint.name)}", endpoint.description, meanings))


def _ordered(declared: Mapping[str, str], table: Mapping[str, str], first: Iterable[str]) -> dict[str, str]:
    """The view's columns and their types: those that people look for first, the declared ones, then what came later."""
    later = {name: kind for name, kind in table.items() if name not in declared and name not in BOOKKEEPING}
    kinds = {**declared, **later}
    return {name: kinds[name] for name in (*(name for name in first if name in kinds), *kinds)}


def _held(name: str, kind: str, table: Mapping[str, str] | None) -> str:
    if not table or name not in table:
        return f"CAST(NULL AS {kind}) AS {quoted(name)}"
    # A table that an older version made has its older type until its next load.
    return quoted(name) if table[name] == kind else f"TRY_CAST({quoted(name)} AS {kind}) AS {quoted(name)}"


def _make_models(session: Session, definitions: Definitions, *, kept_too: bool) -> None:
    models = {model.relation: model for model in definitions.models}
    order = lineages(session.connection, definitions.models)
    if kept_too:
        kept.rebuild(session, [models[name] for name in order if models[name].key], definitions.zone)
    _make_lineage(session, definitions, order)
    views = [models[name] for name in order if not models[name].key]
    # Every wrapped mart reads the proof, which no file says.
    for model in sorted(views, key=lambda model: model.relation != PROOF):
        session.run(
            f"making {model.relation}", f"CREATE OR REPLACE VIEW {_named(model)} AS {_wrapped(model, definitions)}"
        )
    if definitions.comments:
        for name in order:
            _comment_model(session, models, order, models[name])


def _named(model: Model) -> str:
    return f"{KEPT if model.key else MARTS}.{quoted(model.name)}"


def _is_wrapped(model: Model) -> bool:
    return not model.key and not PROVED.keys() <= model.columns.keys()


def _wrapped(model: Model, definitions: Definitions) -> str:
    """The statement, each row with as of when it speaks and what that rests on."""
    sql = model.bound(definitions.zone)
    if not _is_wrapped(model):
        return sql
    proof = f"SELECT as_of, verdict FROM {PROOF} WHERE model = {literal(model.name)}"
    return f"SELECT m.*, p.as_of, p.verdict FROM (\n{sql}\n) m CROSS JOIN ({proof}) p"


def _make_lineage(session: Session, definitions: Definitions, order: Mapping[str, Lineage]) -> None:
    """The view `ops.lineage`: one row a mart and an endpoint behind it."""
    rows = [
        f"({literal(model.name)}, {literal(name)}, {name in model.dated_by},"
        f" {name in model.dated_by and not gated}, {is_log})"
        for model in definitions.models
        if not model.key
        for name in order[model.relation].endpoints
        if name in definitions.endpoints
        for gated, is_log in (_use(definitions.endpoints[name]),)
    ]
    columns = "model, endpoint, dates, is_required, is_log"
    session.run(
        "making ops.lineage",
        f"CREATE OR REPLACE VIEW ops.lineage AS SELECT * FROM (VALUES {', '.join(sorted(rows))}) l({columns})",
    )


def _drop_undefined(session: Session, names: Iterable[str], standing: Standing) -> None:
    """Drop what an older version made and no file defines any more: its columns may be gone."""
    for name in sorted(set(names) & standing.relations):
        schema, _, model = name.partition(".")
        kind = "TABLE" if schema == KEPT else "VIEW"
        session.run("dropping a model", f"DROP {kind} {schema}.{quoted(model)}")


def _comment_model(session: Session, models: Mapping[str, Model], order: Mapping[str, Lineage], model: Model) -> None:
    meanings = dict(model.columns)
    for other in order[model.relation].models:  # of columns that come by `*` from a model below
        meanings = {**models[other].columns, **meanings}
    if _is_wrapped(model):
        meanings |= PROVED
    described = _columns(session, _named(model))
    meanings = {name: meaning for name, meaning in meanings.items() if name in described}
    _comment(session, Commented("TABLE" if model.key else "VIEW", _named(model), model.description, meanings))


def _comment(session: Session, commented: Commented) -> None:
    statements = [f"COMMENT ON {commented.kind} {commented.relation} IS {literal(commented.description)}"]
    statements += [
        f"COMMENT ON COLUMN {commented.relation}.{quoted(column)} IS {literal(meaning)}"
        for column, meaning in commented.columns.items()
    ]
    session.run("writing comments", ";\n".join(statements))
