"""Runs by the clock, and jobs with their configuration filled in."""

import dagster as dg

from leads_assets.endpoints import ENDPOINTS

FULL_REFRESH = {"resources": {"sync": {"config": {"full_refresh": True}}}}
RECONCILE = {"resources": {"sync": {"config": {"reconcile_hours": 0.0}}}}
"""A full read, because the last one always counts as too old. Unlike FULL_REFRESH older rows do not win."""

_EVERYTHING = dg.AssetSelection.assets(*ENDPOINTS)

full_refresh_job = dg.define_asset_job(
    "full_refresh_job",
    selection=_EVERYTHING,
    description="Reads every list in full, marks deletions, and takes the server's version of each row even if older.",
    config=FULL_REFRESH,
)

reconcile_job = dg.define_asset_job(
    "reconcile_job",
    selection=_EVERYTHING,
    description="Reads every list in full and marks deletions, however recent the last full read is.",
    config=RECONCILE,
)

nightly_reconcile = dg.ScheduleDefinition(
    name="nightly_reconcile",
    job=reconcile_job,
    # Right after the day's requests are counted anew, so that the full read gets its share first.
    cron_schedule="15 0 * * *",
    execution_timezone="UTC",
    # Off: while the sensor is on, it asks for what has had no full read for the reconcile interval.
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Reconciles everything at a fixed time; for those who switch the sensor off or want the time fixed.",
)
