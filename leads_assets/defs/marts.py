"""The marts as assets: views that the loads keep, so that a run of them only looks, counts and checks."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.defs.assets import OWNERS
from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.warehouse import bookkeeping
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.models import EVERY, LIVE, MARTS, Model, lineages, relations_read
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.transaction import transaction
from leads_assets.engine.warehouse.views import PROVED
from leads_assets.marts.catalogue import field_columns, file_models
from leads_assets.marts.history import build_views
from leads_assets.marts.invariants import INVARIANTS, Invariant

GROUP = "marts"
_LAST = "-1000"
"""Priority of the step: after the lists of the same run."""
_MOST_IDS = 10
"""Ids of rows that break an invariant which are named."""


def virtual_spec(key: dg.AssetKey, **more: Any) -> dg.AssetSpec:
    """The spec of an asset that is as fresh as what it reads: a preview of Dagster's, so it is used here only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # nobody who loads the location can do anything about it
        return dg.AssetSpec(key, is_virtual=True, **more)


def live_key(name: str) -> dg.AssetKey:
    """The node of the views over a list."""
    return dg.AssetKey([LIVE, name])


def live_spec(endpoint: Endpoint) -> dg.AssetSpec:
    """The views over a list, which stand whether it could be read or not.

    Nothing materializes them, and so the marts wait for no list: one that the account has no right to, or that failed,
    would else keep their step from running.
    """
    return dg.AssetSpec(
        live_key(endpoint.name),
        deps=[endpoint.name],
        description=f"{endpoint.description} The rows that are there now; `{EVERY}.{endpoint.name}` has those that are"
        " gone, too.",
        group_name=LIVE,
        owners=OWNERS,
        kinds={"duckdb", "view"},
        tags={"domain": "crm"},
        metadata={"dagster/table_name": f"{LIVE}.{endpoint.name}"},
    )


def mart_key(name: str) -> dg.AssetKey:
    """The asset of a mart."""
    return dg.AssetKey([MARTS, name])


@cache
def mart_models() -> tuple[Model, ...]:
    """The models that are assets, each after those that it reads."""
    by_name = {model.relation: model for model in _all_models()}
    return tuple(by_name[name] for name in _lineages() if not by_name[name].key)


def _all_models() -> tuple[Model, ...]:
    return (*file_models(), field_columns(()))


@cache
def _lineages() -> Mapping[str, Sequence[str]]:
    """Relation of a model -> the relations of marts and lists that it reads, those behind kept tables included."""
    with duckdb.connect() as connection:
        found: dict[str, Sequence[str]] = {}
        models = {model.relation: model for model in _all_models()}
        for name, lineage in lineages(connection, tuple(models.values())).items():
            read = {
                *relations_read(connection, models[name].sql),
                *(f"{LIVE}.{list_}" for list_ in models[name].dated_by),
            }
            through = {below for other in lineage.models if models[other].key for below in found[other]}
            found[name] = sorted(
                {other for other in read | through if other.startswith((f"{LIVE}.", f"{EVERY}.", f"{MARTS}."))}
            )
    return found


def mart_spec(model: Model) -> dg.AssetSpec:
    """What Dagster shows of a mart before any run."""
    lists = {relation for read in _lineages().values() for relation in read if not relation.startswith(MARTS)}
    read = _lineages()[model.relation] or lists  # the proof speaks of all lists, by their ledger
    return virtual_spec(
        mart_key(model.name),
        deps=sorted({_upstream(relation) for relation in read}),
        description=model.description,
        group_name=GROUP,
        owners=OWNERS,
        skippable=True,
        kinds={"duckdb", "sql", "view"},
        tags={"domain": "crm"},
        code_version=hashlib.sha256(model.sql.encode()).hexdigest()[:12],
        metadata={
            "dagster/table_name": model.relation,
            "dagster/column_schema": _column_schema(model, {}),
            "sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
        },
    )


def _upstream(relation: str) -> dg.AssetKey:
    schema, _, name = relation.partition(".")
    return mart_key(name) if schema == MARTS else live_key(name)


def _column_schema(model: Model, types: Mapping[str, str]) -> dg.TableSchema:
    """The columns that its file describes: those of custom fields are called by the account's own words."""
    proved = {} if PROVED.keys() <= model.columns.keys() else PROVED
    return dg.TableSchema(
        [
            dg.TableColumn(name, type=types.get(name, "unknown"), description=meaning)
            for name, meaning in {**model.columns, **proved}.items()
        ]
    )


def mart_check(invariant: Invariant) -> dg.AssetCheckSpec:
    """The check of an invariant: it blocks nothing."""
    return dg.AssetCheckSpec(invariant.name, asset=mart_key(invariant.mart), description=invariant.claim)


def marts_assets(endpoints: Mapping[str, Endpoint]) -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """The views over the lists, and the marts: these as one step, which a run of everything takes last."""

    @dg.multi_asset(
        name=MARTS,
        specs=[mart_spec(model) for model in mart_models()],
        check_specs=[mart_check(invariant) for invariant in INVARIANTS],
        can_subset=True,
        op_tags={"dagster/priority": _LAST},
    )
    def _marts(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
        if not warehouse.warehouse().exists():
            context.log.warning("marts: there is no warehouse yet; sync first")
            return
        models = [model for model in mart_models() if mart_key(model.name) in context.selected_asset_keys]
        chosen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        claims = [one for one in INVARIANTS if (mart_key(one.mart), one.name) in chosen]
        try:
            with warehouse.warehouse().write("the marts") as session, transaction(session):
                bookkeeping.prepare(session)  # the views read what only this version's ledger tells
                build_views(session, ENDPOINTS, warehouse.time_zone)
            with warehouse.warehouse().read("the marts") as reader:
                if reader is not None:
                    found = [
                        *(_looked_at(reader, model) for model in models),
                        *(_checked(reader, one) for one in claims),
                    ]
        except WarehouseError as error:
            raise failure(error) from None
        yield from found

    return [*map(live_spec, endpoints.values()), _marts]


def _looked_at(session: Session, model: Model) -> dg.MaterializeResult[Any]:
    """How many rows a mart has, as of when it speaks, and what that rests on."""
    step = f"looking at {model.relation}"
    types = {name: kind for name, kind, *_ in session.run(step, f"DESCRIBE {model.relation}")}
    rows = session.one(step, f"SELECT count(*) FROM {model.relation}")[0]
    metadata: dict[str, Any] = {
        "dagster/row_count": int(rows),
        "dagster/column_schema": _column_schema(model, types),
    }
    proof = session.run(
        step,
        f"SELECT as_of, complete_as_of, verdict, reason, in_progress FROM marts.proof WHERE model = '{model.name}'",
    )
    for as_of, complete_as_of, verdict, reason, in_progress in proof:
        times = {"as_of": as_of, "complete_as_of": complete_as_of}
        texts = {"verdict": verdict, "why": reason, "in_progress": in_progress}
        metadata |= {name: dg.MetadataValue.timestamp(moment) for name, moment in times.items() if moment}
        metadata |= {name: dg.MetadataValue.text(text) for name, text in texts.items() if text}
    return dg.MaterializeResult(asset_key=mart_key(model.name), metadata=metadata)


def _checked(session: Session, invariant: Invariant) -> dg.AssetCheckResult:
    """Whether it holds; else the ids that break it, and no more of them than can be looked at."""
    broken = session.run(f"checking {invariant.name}", invariant.broken)
    ids = sorted({row[0] for row in broken if row[0] is not None})
    metadata: dict[str, Any] = {"broken": len(broken)}
    if ids:
        metadata["ids"] = dg.MetadataValue.text(", ".join(map(str, ids[:_MOST_IDS])))
    return dg.AssetCheckResult(
        check_name=invariant.name,
        asset_key=mart_key(invariant.mart),
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,
        description=invariant.claim if not broken else f"{len(broken):,} rows break it: {invariant.claim}",
        metadata=metadata,
    )
