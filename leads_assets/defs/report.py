"""The morning page as an asset, written at most hourly after syncs."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import msgspec

from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sensors import unfinished_runs
from leads_assets.defs.sentences import failure, skipped
from leads_assets.engine.instants import utc_now
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.runs import newest_number
from leads_assets.refresh.cursor import Moment
from leads_assets.report.figures import Figures
from leads_assets.report.write import write_page

NAME = "report"
SENSOR = "report_sensor"
EVERY = timedelta(hours=1)
"""How often a page is asked for at most."""
_LOCK_SECONDS = 5.0


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
    )
    def _report(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        try:
            figures = write_page(warehouse.warehouse(), page)
        except WarehouseError as error:
            raise failure(error) from None
        return dg.MaterializeResult(metadata=_metadata(figures, page))

    return _report


def report_sensor(marts: Sequence[dg.AssetKey], *, now: Callable[[], datetime] = utc_now) -> dg.SensorDefinition:
    """Asks for a look at the `marts` and a new page after whatever was loaded, at most hourly; on from the start.

    The marts are views, which need no run to be fresh. What Dagster tells of them is as old as the last look, and a
    look costs seconds in a large account: too much for each of the day's syncs.
    """
    answers = [*marts, dg.AssetKey(NAME)]

    @dg.sensor(
        name=SENSOR,
        target=dg.AssetSelection.assets(*answers),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at the marts and writes the page anew, at most hourly, after syncs.",
    )
    def _sensor(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SensorResult:
        last = _parse(context.cursor)
        if now() - EVERY < last.asked_at <= now():
            return skipped("the last page was asked for within the hour", context.cursor or "")
        if unfinished_runs(context.instance, now()):
            return skipped("a run is queued or going", context.cursor or "")
        try:
            number = newest_number(warehouse.warehouse(_LOCK_SECONDS))
        except WarehouseError as error:
            return skipped(error, context.cursor or "")
        if number == last.number or not number:
            return skipped("nothing was loaded since the last page", context.cursor or "")
        asked = _Asked(number=number, asked_at=now())
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"page {number} {asked.asked_at:%F %T}", asset_selection=answers)],
            cursor=msgspec.json.encode(asked).decode(),
        )

    return _sensor


class _Asked(msgspec.Struct, frozen=True):
    """What the sensor remembers: the newest load when it last asked for a page, and when that was."""

    number: int = 0
    asked_at: Moment = datetime.min.replace(tzinfo=UTC)


def _parse(cursor: str | None) -> _Asked:
    """The memory that a cursor holds; a fresh one where it is no memory."""
    try:
        return msgspec.json.decode(cursor or "{}", type=_Asked)
    except msgspec.MsgspecError:
        return _Asked()


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
