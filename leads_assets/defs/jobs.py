"""Runs at fixed times, and jobs with their configuration filled in."""

from collections.abc import Iterable

import dagster as dg

FULL_REFRESH = {"resources": {"sync": {"config": {"full_refresh": True}}}}
RECONCILE = {"resources": {"sync": {"config": {"reconcile_hours": 0.0}}}}
"""A full read, because the last one always counts as too old. Unlike FULL_REFRESH older rows do not win."""


def jobs_and_schedules(names: Iterable[str]) -> dg.Definitions:
    """Two jobs of all assets, and the schedule that starts one of them; to be merged with the assets."""
    everything = dg.AssetSelection.assets(*names)
    reconcile_job = dg.define_asset_job(
        "reconcile_job",
        selection=everything,
        description="Reads every list in full and marks deletions, however recent the last full read is.",
        config=RECONCILE,
    )
    full_refresh_job = dg.define_asset_job(
        "full_refresh_job",
        selection=everything,
        description="Reads every list in full, marks deletions, and takes the server's version of each row even if"
        " older.",
        config=FULL_REFRESH,
    )
    nightly_reconcile = dg.ScheduleDefinition(
        name="nightly_reconcile",
        job=reconcile_job,
        # Right after the day's requests are counted anew, so that the full read gets its share first.
        cron_schedule="15 0 * * *",
        execution_timezone="UTC",
        # Off: while the sensor is on, it asks for what has had no full read for the reconcile interval.
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Reconciles everything at a fixed time; for those who switch the sensor off or want the time"
        " fixed.",
    )
    return dg.Definitions(jobs=[reconcile_job, full_refresh_job], schedules=[nightly_reconcile])
