"""The morning page as an asset, written at most hourly after syncs."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sentences import failure
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.report.figures import Figures
from leads_assets.report.write import write_page

NAME = "report"
SENSOR = "report_sensor"


def report_asset(deps: Sequence[dg.AssetKey], *, page: Path) -> dg.AssetsDefinition:
    """The asset that writes the page to the file `page`; `deps` are what it is made from."""

    @dg.asset(
        name=NAME,
        deps=deps,
        group_name="marts",
        kinds={"html"},
        description="The morning page: what is open, what has changed, who waits, what is due. One file for a browser,"
        " which asks nobody for anything.",
        metadata={"dagster/uri": str(page)},
        # Whatever was loaded since the last page makes the next one, at the first look of an hour.
        automation_condition=dg.AutomationCondition.any_deps_updated().since_last_handled()
        & dg.AutomationCondition.cron_tick_passed("0 * * * *"),
    )
    def _report(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        try:
            figures = write_page(warehouse.warehouse(), page)
        except WarehouseError as error:
            raise failure(error) from None
        return dg.MaterializeResult(metadata=_metadata(figures, page))

    return _report


def report_sensor() -> dg.AutomationConditionSensorDefinition:
    """Starts the page's runs; on from the start, as the sensor that starts the syncs is."""
    return dg.AutomationConditionSensorDefinition(
        SENSOR,
        target=dg.AssetSelection.assets(NAME),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=60,
        description="Writes the page anew, at most hourly, after syncs.",
    )


def _metadata(figures: Figures, page: Path) -> dict[str, dg.MetadataValue]:
    """Numbers to plot over time, and how far they may be trusted: no title and no name."""
    standing = figures.standing
    moments = {"changes_as_of": standing.changes_as_of, "complete_as_of": standing.complete_as_of}
    return {
        "page": dg.MetadataValue.path(page),
        "bytes": dg.MetadataValue.int(page.stat().st_size),
        "verdict": dg.MetadataValue.text(standing.verdict),
        "why": dg.MetadataValue.text(standing.reason),
        **{name: dg.MetadataValue.timestamp(moment) for name, moment in moments.items() if moment is not None},
        **{name: dg.MetadataValue.float(number) for name, number in figures.numbers().items()},
    }
