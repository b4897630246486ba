"""What somebody should hear of, from what the warehouse, the request count and the runs say. Sentences, never data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leads_assets.engine.instants import READABLE, format_instant
from leads_assets.engine.records.extract import Verdict

OLD = timedelta(hours=26)
"""A morning's sync, and two hours: changes that were read longer ago are yesterday's."""
NEARLY_SPENT = 10
"""The part of the day's requests, a tenth, below which a person may want to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is looked at. `tables`: rows of `ops.freshness`; `failures`: endpoint -> why its newest read failed.

    `left`, `daily`: requests of the day, None and 0 without a limit. `failed_run`: the newest run that has ended, where
    it failed.
    """

    tables: Iterable[Mapping[str, Any]]
    failures: Mapping[str, str]
    left: int | None
    daily: int
    failed_run: str | None


def causes(seen: Seen, now: datetime) -> dict[str, str]:
    """Each cause with its sentence, by a name that stays the same for as long as the cause does."""
    found = {f"failed {name}": f"{name} could not be read: {why}" for name, why in seen.failures.items()}
    if seen.failed_run and not found:
        found["failed run"] = f"run {seen.failed_run} failed; its page in Dagster says why"
    for row in seen.tables:
        found |= _of_table(row, now)
    if seen.left is not None and seen.left * NEARLY_SPENT < seen.daily:
        found["requests"] = f"{seen.left:,} of the day's {seen.daily:,} requests are left"
    return found


def _of_table(row: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """A deletion that the guard refuses leaves its table unproven, with the numbers in the reason."""
    name, as_of = row["endpoint"], row["changes_as_of"]
    if row["verdict"] == Verdict.UNPROVEN and not row["in_progress"]:
        return {f"unproven {name}": f"{name} is unproven: {row['reason']}"}
    if as_of is not None and now - as_of > OLD:
        return {f"old {name}": f"{name} has its changes up to {format_instant(as_of, READABLE)} only"}
    return {}
