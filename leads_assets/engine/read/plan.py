"""Whether to read a whole list or only what changed: a pure decision."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.records.state import SyncState

LOOKBACK = timedelta(days=1)
"""The filter's precision and time zone are not documented, so each read looks back a day behind the watermark."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`changed_since` (UTC) for a read of changes, None for a full read; and why."""

    changed_since: datetime | None
    why: str


def plan_read(
    endpoint: Endpoint, state: SyncState, now: datetime, *, full_refresh: bool, reconcile_every: timedelta
) -> ReadPlan:
    """Full unless the endpoint has a change filter and a recent, proven full read to build on."""
    if endpoint.change_filter is None:
        return ReadPlan(None, "full: the API has no change filter for it")
    if full_refresh:
        return ReadPlan(None, "full: full_refresh was asked for")
    if state.full is None or state.watermark is None:
        return ReadPlan(None, "full: no proven full read yet")
    if now - state.full >= reconcile_every:
        return ReadPlan(None, f"full: the last proven full read is {now - state.full} old")
    return ReadPlan(min(state.watermark, now) - LOOKBACK, "incremental: changes since the last proven read")
