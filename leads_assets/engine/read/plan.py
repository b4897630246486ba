"""Whether to read a whole list or only what changed: a pure decision."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.read import lap_source
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.state import SyncState

LOOKBACK = timedelta(days=2)
"""How far behind the watermark each read looks: precision and time zone of the filter are not documented, and the rows
of its later half must come again, or the filter leaves out what it should send."""
MARGIN = timedelta(days=1)
"""The part of the look-back, from its beginning, whose rows may rightly stay away."""
_FORCED_AT_MOST_EVERY = timedelta(days=1)
_OFTEN, _RARELY = timedelta(days=1), timedelta(days=7)
_MANY_REQUESTS = 200
_FEW_REQUESTS = 20
"""A full read of no more requests is not worth a day's wait."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`changed_since` (UTC) for a read of changes, None for a full read; and why.

    `forced`: full because the load before has asked for that. `lap`: how far a full read in parts has gone, which goes
    on now.
    """

    changed_since: datetime | None
    why: str
    forced: bool = False
    lap: Lap | None = None


def forced_full(state: SyncState, now: datetime) -> str:
    """Why the next read is full although none is due; empty if it is not.

    A full read of many requests is forced once a day at most.
    """
    is_lately = state.forced is not None and now - state.forced < _FORCED_AT_MOST_EVERY
    return "" if is_lately and state.full_requests > _FEW_REQUESTS else state.next_full


def reconcile_interval(state: SyncState, every: timedelta | None) -> timedelta:
    """How old a proven full read may be. `every`: what the user wants, None for a day, or for a week where that costs
    more than 200 requests and reads of changes find what is gone."""
    if every is not None:
        return every
    return _RARELY if state.calibration and state.full_requests > _MANY_REQUESTS else _OFTEN


def plan_read(
    endpoint: Endpoint,
    state: SyncState,
    now: datetime,
    *,
    full_refresh: bool,
    reconcile_every: timedelta | None,
    affords_part: bool = True,
) -> ReadPlan:
    """Full unless the endpoint has a change filter and a recent, proven full read to build on.

    `reconcile_every`: as `reconcile_interval` takes it. `affords_part`: the day's requests allow a full read in parts;
    else the changes are read meanwhile, if they can be.
    """
    if endpoint.change_filter is None:
        return ReadPlan(None, "full: the API has no change filter for it")
    if full_refresh:
        return ReadPlan(None, "full: full_refresh was asked for")
    changes = None
    if state.full is not None and state.watermark is not None:
        since = min(state.watermark, now) - LOOKBACK
        changes = ReadPlan(since, "incremental: changes since the last proven read")
    if state.lap is not None and (affords_part or changes is None):
        return ReadPlan(None, f"full: it goes on after the {state.lap.rows:,} rows that were read", lap=state.lap)
    if changes is None:
        return ReadPlan(None, "full: no proven full read yet")
    is_in_parts = state.lap is not None or state.full_requests > lap_source.PAGES_A_PART
    if is_in_parts and not affords_part:
        return changes
    return _due(state, now, reconcile_every) or changes


def _due(state: SyncState, now: datetime, reconcile_every: timedelta | None) -> ReadPlan | None:
    """The full read that is due although changes could be read."""
    if state.full is not None and now - state.full >= reconcile_interval(state, reconcile_every):
        return ReadPlan(None, f"full: the last proven full read is {now - state.full} old")
    if reason := forced_full(state, now):
        return ReadPlan(None, f"full: {reason}", forced=True)
    return None
