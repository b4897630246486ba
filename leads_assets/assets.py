"""One factory: an endpoint becomes an asset."""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets import endpoints
from leads_assets.api.budget import utc_now
from leads_assets.api.errors import AccessDenied, ConfigurationError, LeadsApiError, StopAll
from leads_assets.api.extraction import Progress
from leads_assets.delivery import Delivery
from leads_assets.endpoints import ENDPOINTS, Endpoint
from leads_assets.metadata import column_schema
from leads_assets.planning import plan_read
from leads_assets.resources import LeadsApiResource, SyncOptions, WarehouseResource
from leads_assets.warehouse.errors import WarehouseError
from leads_assets.warehouse.result import LoadResult

GROUP = "crm"
OWNERS = ["team:sales-operations"]
API_POOL = "leads_api"

CheckSpecs = Callable[[Endpoint], Sequence[dg.AssetCheckSpec]]
RunChecks = Callable[[Endpoint, LoadResult], Sequence[dg.AssetCheckResult]]
SkipChecks = Callable[[str], Sequence[dg.AssetCheckResult]]


def endpoint_asset(
    endpoint: Endpoint,
    *,
    storage: str,
    check_specs: CheckSpecs,
    run_checks: RunChecks,
    skip_checks: SkipChecks,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetsDefinition:
    """The asset that keeps the table of `endpoint`; `storage` is the address shown in the UI."""

    spec = dg.AssetSpec(
        endpoint.name,
        description=endpoint.description,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "rest"},
        tags={"domain": "crm"},
        code_version=hashlib.sha256(repr(endpoint).encode()).hexdigest()[:12],
        metadata={
            "dagster/table_name": f"main.{endpoint.name}",
            "dagster/uri": storage,
            "dagster/column_schema": column_schema(endpoint),
            "dagster/code_references": _declaration(endpoint),
            "endpoint": dg.MetadataValue.text(f"GET {endpoint.path}"),
        },
        freshness_policy=freshness,
    )

    # One asset with optional outputs: what the account's edition lacks, and what a stopped run did not try, is left out
    # without a claim, its checks too.
    @dg.multi_asset(
        name=endpoint.name,
        outs={endpoint.name: dg.AssetOut.from_spec(spec, dagster_type=dg.Any, is_required=False)},
        can_subset=True,
        check_specs=check_specs(endpoint),
        pool=API_POOL,
        # A reference is no dependency: leads load without their users. It only orders the steps of a run.
        op_tags={"dagster/priority": str(-_depth(endpoint.name))},
    )
    def _asset(
        context: dg.AssetExecutionContext, leads_api: LeadsApiResource, warehouse: WarehouseResource, sync: SyncOptions
    ) -> Iterator[Any]:
        wanted = {key.name for key in context.selected_asset_check_keys}
        if not context.selected_asset_keys:
            context.log.warning(f"{endpoint.name}: its checks look at a load, so they run only with the asset")
            return
        if leads_api.stopped is not None:
            context.log.info(f"{endpoint.name}: not tried, because the run was stopped by an earlier failure")
            return
        try:
            state = warehouse.state(endpoint.name)
            plan = plan_read(
                endpoint,
                state,
                utc_now(),
                full_refresh=sync.full_refresh or sync.new_account,
                reconcile_every=sync.reconcile_every,
            )
            with warehouse.spool() as folder:
                extract = leads_api.extract(
                    endpoint,
                    folder.path,
                    changed_since=plan.changed_since,
                    bound_to=None if sync.new_account else warehouse.account(),
                    after=state.number,
                    progress=lambda progress: context.log.info(progress_line(endpoint.name, progress)),
                )
                delivery = Delivery(extract, folder.remove)
                yield dg.MaterializeResult(asset_key=endpoint.name, value=delivery)
        except AccessDenied as denied:
            if endpoint.edition_gated and not state.known:
                context.log.warning(f"{denied}; skipped, as it was never readable with this key")
                yield from (found for found in skip_checks(str(denied)) if found.check_name in wanted)
                return
            raise _failure(context, warehouse, endpoint, denied) from None
        except LeadsApiError as error:
            raise _failure(context, warehouse, endpoint, error) from None
        except WarehouseError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        except OSError as error:
            raise dg.Failure(
                f"{endpoint.name}: the spool cannot be written ({error.strerror})", allow_retries=False
            ) from None
        if delivery.result is not None:
            yield from (found for found in run_checks(endpoint, delivery.result) if found.check_name in wanted)

    return _asset


def _declaration(endpoint: Endpoint) -> dg.CodeReferencesMetadataValue:
    """The line of the declaration: that, not this factory, is what makes the asset."""
    lines = Path(endpoints.__file__).read_text().splitlines()
    line = next((n for n, text in enumerate(lines, 1) if f'name="{endpoint.name}"' in text), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # nobody who loads the location can do anything about it
        here = dg.LocalFileCodeReference(file_path=endpoints.__file__, line_number=line)
        return dg.CodeReferencesMetadataValue(code_references=[here])


def _failure(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, endpoint: Endpoint, error: LeadsApiError
) -> dg.Failure:
    """The failure of a read; its sentence is kept in the warehouse too, where that is possible.

    Not that of a wrong setting: nothing was asked, and the warehouse may be the wrong one.
    """
    try:
        if not isinstance(error, ConfigurationError):
            warehouse.note_failure(endpoint.name, context.run.run_id, str(error))
    except WarehouseError as second:
        context.log.warning(f"the failure could not be noted in the warehouse: {second}")
    stopped = "; the other endpoints were not tried" if isinstance(error, StopAll) else ""
    return dg.Failure(f"{error}{stopped}", allow_retries=False)


def _depth(name: str, seen: tuple[str, ...] = ()) -> int:
    """How many references lie below an endpoint: what others refer to is read first."""
    endpoint = ENDPOINTS.get(name)
    targets = {column.references or "" for column in endpoint.references} if endpoint else set()
    return max((1 + _depth(target, (*seen, name)) for target in targets - {name, *seen}), default=0)


def progress_line(name: str, progress: Progress) -> str:
    """`leads: 41,300 of 145,719 rows, 413 requests, 2:10 left`."""
    total = f" of {progress.total:,}" if progress.total else ""
    left = progress.seconds_left
    remaining = f", {int(left // 60)}:{int(left % 60):02d} left" if left is not None else ""
    return f"{name}: {progress.rows:,}{total} rows, {progress.requests:,} requests{remaining}"
