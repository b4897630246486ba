"""One factory: an endpoint becomes an asset."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets.account import endpoints
from leads_assets.account.connect import LeadsApi
from leads_assets.account.settings import in_variables
from leads_assets.defs.checks import check_specs, run_checks, skip_checks
from leads_assets.defs.metadata import TABLE, column_schema
from leads_assets.defs.pending_load import PendingLoad
from leads_assets.defs.resources import SyncOptions, WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.declare import PRIMARY_KEY, Column, Endpoint, FanOut
from leads_assets.engine.errors import ApiError, ConfigurationError, PermissionDenied, RunError
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.plan import plan_read
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.marts.catalogue import SHAPES_MARTS

GROUP = "crm"
SOURCE = dg.AssetKey("crm_api")
"""The node of the API, which every list comes from."""
OWNERS = ["team:sales-operations"]
API_POOL = "leads_api"

_TEXTS = frozenset({"description", "references", "event_log", "edition_gated"})
"""Fields of a declaration that change no row: what people read, what checks compare, when a read is asked for."""


def endpoint_asset(
    endpoint: Endpoint,
    declared: Mapping[str, Endpoint],
    *,
    storage: str,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetsDefinition:
    """The asset that keeps the table of `endpoint`, one of the `declared`; `storage` is shown in the UI."""
    spec = asset_spec(endpoint, storage=storage, freshness=freshness)

    # One asset with optional outputs: what the account's edition lacks, and what a stopped run did not try, is left out
    # without a claim, its checks too.
    @dg.multi_asset(
        name=endpoint.name,
        deps=[SOURCE],
        outs={endpoint.name: dg.AssetOut.from_spec(spec, dagster_type=dg.Any, is_required=False)},
        can_subset=True,
        check_specs=check_specs(endpoint),
        pool=API_POOL,
        # A reference is no dependency: leads load without their users. It only orders the steps of a run.
        op_tags={"dagster/priority": str(1 if endpoint.name == SHAPES_MARTS else -_depth(endpoint.name, declared))},
    )
    def _asset(
        context: dg.AssetExecutionContext,
        leads_api: dg.ResourceParam[LeadsApi],
        warehouse: WarehouseResource,
        sync: SyncOptions,
    ) -> Iterator[Any]:
        wanted = {key.name for key in context.selected_asset_check_keys}
        if not context.selected_asset_keys:
            context.log.warning(f"{endpoint.name}: its checks look at a load, so they run only with the asset")
            return
        if leads_api.stopped is not None:
            context.log.info(f"{endpoint.name}: not tried, because the run was stopped by an earlier failure")
            return
        for event in sync_endpoint(context, endpoint, leads_api, warehouse, sync):
            if not isinstance(event, dg.AssetCheckResult) or event.check_name in wanted:
                yield event

    return _asset


def source_spec() -> dg.AssetSpec:
    """The API, so that the graph begins where the data do. Nothing materializes it."""
    return dg.AssetSpec(
        SOURCE,
        description="The REST API of the account: one list a table. The sensor looks at it, every sync reads it.",
        group_name="api",
        owners=OWNERS,
        kinds={"rest"},
        tags={"domain": "crm"},
    )


def asset_spec(endpoint: Endpoint, *, storage: str, freshness: dg.FreshnessPolicy | None = None) -> dg.AssetSpec:
    """What Dagster shows of the asset before any run."""
    return dg.AssetSpec(
        endpoint.name,
        description=endpoint.description,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "rest"},
        tags={"domain": "crm"},
        code_version=code_version(endpoint),
        metadata={
            "dagster/table_name": f"main.{endpoint.name}",
            TABLE: endpoint.name,
            "dagster/uri": storage,
            "dagster/column_schema": column_schema(endpoint),
            "dagster/code_references": _declaration(endpoint),
            "endpoint": dg.MetadataValue.text(f"GET {endpoint.path}"),
        },
        freshness_policy=freshness,
    )


def code_version(endpoint: Endpoint) -> str:
    """A hash of what changes rows (paths, columns, paging); an edited text marks no table as outdated."""
    return hashlib.sha256(repr((PRIMARY_KEY, _facts(endpoint))).encode()).hexdigest()[:12]


def _facts(declared: Endpoint | Column | FanOut) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for field in fields(declared):
        value = getattr(declared, field.name)
        if field.name == "columns":
            value = sorted(_facts(column) for column in value)
        elif isinstance(value, Endpoint | FanOut):
            value = _facts(value)
        if field.name not in _TEXTS:
            found.append((field.name, value))
    return found


def sync_endpoint(
    context: dg.AssetExecutionContext,
    endpoint: Endpoint,
    api: LeadsApi,
    warehouse: WarehouseResource,
    sync: SyncOptions,
) -> Iterator[Any]:
    """Read a list, hand it to the IO manager, check what became of it. Raises Failure with one sentence."""
    try:
        state = warehouse.state(endpoint.name)
        plan = plan_read(
            endpoint,
            state,
            utc_now(),
            full_refresh=sync.full_refresh or sync.new_account,
            reconcile_every=sync.reconcile_every,
            affords_part=api.affords_part(),
        )

        def load_part(part: Extract) -> int:
            result = warehouse.load_part(replace(part, forced=plan.forced), context.run.run_id, sync)
            context.log.info(part.reason)
            return result.row.number or 0

        with warehouse.warehouse().spool() as folder:
            extract = api.extract(
                endpoint,
                folder.path,
                changed_since=plan.changed_since,
                held=lambda name: warehouse.state(name).held,
                live=lambda since: warehouse.live_rows(endpoint, since, with_refused=sync.allow_mass_delete),
                calibration=state.calibration,
                lap=plan.lap,
                load_part=None if sync.new_account else load_part,
                bound_to=None if sync.new_account else warehouse.account(),
                after=state.number,
                progress=lambda progress: context.log.info(progress.line(endpoint.name)),
            )
            pending = PendingLoad(replace(extract, forced=plan.forced), folder.remove)
            yield dg.MaterializeResult(asset_key=context.asset_key_for_output(endpoint.name), value=pending)
    except PermissionDenied as denied:
        if not endpoint.edition_gated or state.known:
            raise as_failure(context, warehouse, endpoint, denied) from None
        denial = in_variables(denied)
        context.log.warning(f"{denial}; skipped, as it was never readable with this key")
        yield from skip_checks(denial)
        return
    except (ApiError, WarehouseError, OSError) as error:
        raise as_failure(context, warehouse, endpoint, error) from None
    result = pending.loaded()
    warehouse.note_load(endpoint.name)
    yield from run_checks(endpoint, result)


def as_failure(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    endpoint: Endpoint,
    error: ApiError | WarehouseError | OSError,
) -> dg.Failure:
    """The failure of a sync; why a list could not be read is kept in the warehouse too, where that is possible.

    A wrong setting is not kept: nothing was asked, and the warehouse may be the wrong one.
    """
    if isinstance(error, OSError):
        return failure(f"{endpoint.name}: the spool cannot be written ({error.strerror})")
    if isinstance(error, WarehouseError):
        return failure(error)
    try:
        if not isinstance(error, ConfigurationError):
            warehouse.note_failure(endpoint.name, context.run.run_id, in_variables(error))
    except WarehouseError as second:
        context.log.warning(in_variables(f"the failure could not be noted in the warehouse: {second}"))
    stopped = "; the other endpoints were not tried" if isinstance(error, RunError) else ""
    return failure(f"{error}{stopped}")


def _declaration(endpoint: Endpoint) -> dg.CodeReferencesMetadataValue:
    """The line of the declaration, which defines the asset; not that of this factory."""
    lines = Path(endpoints.__file__).read_text().splitlines()
    line = next((n for n, text in enumerate(lines, 1) if f'name="{endpoint.name}"' in text), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # nobody who loads the location can do anything about it
        here = dg.LocalFileCodeReference(file_path=endpoints.__file__, line_number=line)
        return dg.CodeReferencesMetadataValue(code_references=[here])


def _depth(name: str, declared: Mapping[str, Endpoint], seen: tuple[str, ...] = ()) -> int:
    """How many references lie below an endpoint: what others refer to is read first."""
    endpoint = declared.get(name)
    targets = {column.references or "" for column in endpoint.references} if endpoint else set()
    return max((1 + _depth(target, declared, (*seen, name)) for target in targets - {name, *seen}), default=0)
