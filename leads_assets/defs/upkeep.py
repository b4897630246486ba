"""The upkeep of a lake as a job; a DuckDB file is compacted by hand, if ever."""

from typing import Any

import dagster as dg

from leads_assets.defs.assets import API_POOL
from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.warehouse.errors import WarehouseError

JOB = "lake_upkeep"


def lake_upkeep() -> dg.Definitions:
    """The job and its daily schedule; only where the warehouse is a lake."""

    @dg.op(
        name="tidy_lake",
        pool=API_POOL,
        description="Rewrites and merges files, forgets old snapshots, removes what is left.",
    )
    def _tidy(context: dg.OpExecutionContext, warehouse: WarehouseResource) -> None:
        try:
            done = warehouse.warehouse().compact()
        except WarehouseError as error:
            raise failure(error) from None
        figures = {"before": done.before, "after": done.after}
        metadata: dict[str, Any] = {
            f"{name}_{when}": number for when, numbers in figures.items() for name, number in numbers.items()
        }
        context.add_output_metadata(metadata)

    @dg.job(name=JOB, description="Keeps the files of the lake few and its old snapshots from growing.")
    def _job() -> None:
        _tidy()

    schedule = dg.ScheduleDefinition(
        name=f"{JOB}_daily",
        job_name=JOB,
        cron_schedule="45 2 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Without it a lake gets slower and larger with every load.",
    )
    return dg.Definitions(jobs=[_job], schedules=[schedule])
