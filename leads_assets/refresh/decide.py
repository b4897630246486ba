"""What the sensor decides: pure functions over what a look found and what the warehouse has committed.

A list is wanted when the server shows something that no proven read has committed. What was seen is kept with the time
since when it has been seen: a proven read that began later has it, whatever became of the run that was asked for.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from leads_assets.engine.declare import Endpoint, EventLog
from leads_assets.engine.errors import PermissionDenied
from leads_assets.engine.instants import CLOCK_SLACK
from leads_assets.engine.read.ends import FULL_PAGE
from leads_assets.engine.read.lap_source import PAGES_A_PART
from leads_assets.engine.read.plan import forced_full, reconcile_interval
from leads_assets.engine.read.probe import LogEnd, NewestChange
from leads_assets.engine.read.rank_cost import full_read_requests, search_requests
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.cursor import LastSeen, clock
from leads_assets.refresh.quota import DailyQuota
from leads_assets.refresh.reconcile import is_due

RETRY_FIRST = timedelta(minutes=5)
RETRY_LONGEST = timedelta(days=1)
_ID = re.compile(r"[0-9]{1,19}")
DENIED = PermissionDenied.__name__


class Need(StrEnum):
    """What brings a list up to date."""

    CHANGES = "changes"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look found. `needs`: what would help, the best first; `inconclusive`: the look could not tell.

    `balance`: by how many rows the server's list and ours differ.
    """

    fingerprint: str
    needs: tuple[Need, ...]
    says: str
    inconclusive: bool = False
    balance: int = 0


def compare_changes(found: NewestChange, known: SyncState) -> Observation:
    """The newest change and the total against the committed rows."""
    at, total = found.at, found.total
    newer = not known.ahead.issuperset(found.ahead) or (
        at is not None
        and (known.newest is None or at > known.newest or (at == known.newest and found.id not in known.newest_ids))
    )
    seen = _hash(found.id, at, total, *found.ahead)
    needs: tuple[Need, ...] = (Need.CHANGES,) if newer else ()
    says = "a newer change" if newer else "nothing newer"
    rows = known.live + known.surplus
    balance = 0
    if total is not None and (total < rows or (total > rows and not newer)):
        # Rows that came without a newer change were restored or imported: a read of changes brings them only if it
        # may look for them by rank.
        needs = (Need.CHANGES,) if known.calibration else (Need.RECONCILE, *needs)
        says += f", {total:,} rows where {rows:,} are expected"
        balance = total - rows
    elif not newer and at != known.newest:
        return Observation(seen, (Need.CHANGES,), "the server does not show its newest change", True)
    # Where no total is sent, a row that is gone shows nowhere: now and then the ranks are looked at.
    is_blind = total is None and bool(known.calibration) and not needs
    if is_blind:
        needs, says = (Need.CHANGES,), f"{says}, and no total is sent"
    return Observation(seen, needs, says, is_blind, balance)


def compare_events(found: LogEnd, known: SyncState) -> Observation:
    """The newest event against the newest committed one."""
    ids = [event.id for event in found.events]
    fingerprint = str(max(ids, default=0))
    if not found.is_newest:
        return Observation(fingerprint, (Need.CHANGES,), "the server does not show its newest events", True)
    new = sum(id_ > (known.highest_id or -1) for id_ in ids)
    more = " or more" if new == len(ids) and not found.whole else ""
    return Observation(fingerprint, (Need.CHANGES,) if new else (), f"{new:,}{more} new events")


def endpoints_with_events(found: LogEnd, known: SyncState, before: LastSeen | None, log: EventLog) -> frozenset[str]:
    """The endpoints of whose rows those events of a log tell which are neither committed nor seen before.

    All that the log can tell of, where events may have come that are no longer shown.
    """
    seen = int(before.fingerprint) if before and _ID.fullmatch(before.fingerprint) else -1
    after = max(seen, -1 if known.highest_id is None else known.highest_id)
    if not found.whole and found.oldest is not None and found.oldest > after:
        return frozenset(log.announces)
    names = {event.name for event in found.events if event.id > after}
    return frozenset().union(*map(log.named_by, names))


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A read to ask for. `token` names what is to be committed; `requests` is what the read will cost, about.

    `reserved`: may use the reserve and is not paced. `divisible`: takes what requests there are, and goes on another
    day.
    """

    endpoint: str
    token: str
    why: str
    requests: int
    full: bool = False
    reserved: bool = False
    divisible: bool = False

    @property
    def stream(self) -> str:
        """What shares a pace: the reads of one list, those of its changes apart from its reconciles."""
        return f"{self.endpoint}, reconcile" if self.full else self.endpoint


def reads_needed(
    endpoint: Endpoint,
    known: SyncState | None,
    look: LastSeen | None,
    needs: tuple[Need, ...],
    *,
    now: datetime,
    reconcile_every: timedelta | None,
    needed: int = 0,
    balance: int = 0,
) -> tuple[ReadRequest, ...]:
    """The reads that would bring the list up to date, the best first; none where it is.

    `needed`: the requests that a list which was never loaded was found to need; 0 where that is not known. `balance`:
    by how many rows the server's list and ours differed when it was last looked at.
    """
    name = endpoint.name
    if known is None:
        if endpoint.edition_gated and look is not None and look.fingerprint == DENIED:
            return ()
        return (ReadRequest(name, "missing", "not in the warehouse", max(1, needed), reserved=True),)
    if whole := _full_read(name, known, reconcile_every, now):
        return (whole,)
    if look is None or (known.lap is not None and known.full is None):
        return ()
    since = max(look.since, look.notified_at or look.since)
    if not needs and look.notified_at is not None:
        needs, since = (Need.CHANGES,), look.notified_at
    token = f"{look.fingerprint}-{since.timestamp():.0f}"
    found: list[ReadRequest] = []
    for need in needs:
        full = need is Need.RECONCILE
        done = known.full if full else known.changes_read
        if done is None or done < since:
            requests = known.full_requests if full or not endpoint.change_filter else _of_changes(known, balance)
            why = "rows are gone, or came without a change" if full else "changed"
            found.append(ReadRequest(name, f"{need}-{token}", why, requests, full=full))
    return tuple(found)


def _full_read(name: str, known: SyncState, reconcile_every: timedelta | None, now: datetime) -> ReadRequest | None:
    """The full read that is wanted now; one in parts that waits for new requests keeps others from being begun."""
    if (lap := known.lap) is not None:
        if lap.resume_at is not None and now < lap.resume_at:
            return None
        left = full_read_requests(max(0, (lap.total or lap.rank) - lap.rank), FULL_PAGE)
        why = "it was read in part"
        price = min(left, PAGES_A_PART)
        return ReadRequest(name, f"lap-{known.number}", why, price, reserved=True, divisible=True)
    divisible = known.full_requests > PAGES_A_PART
    if is_due(known, reconcile_every, now):
        last = known.full.timestamp() if known.full else 0
        why = f"no proven full read for {_hours(reconcile_interval(known, reconcile_every))}"
        token = f"due-{last:.0f}"
        return ReadRequest(name, token, why, known.full_requests, reserved=True, divisible=divisible)
    if why := forced_full(known, now):
        return ReadRequest(name, f"forced-{known.number}", why, known.full_requests, divisible=divisible)
    return None


def _of_changes(known: SyncState, balance: int) -> int:
    """What a read of changes will cost, with the search for as many rows as are gone."""
    return known.change_requests + (search_requests(balance, known.live, FULL_PAGE) - 1 if balance else 0)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The runs that were asked for one token so far."""

    count: int = 0
    last_at: datetime | None = None


def look_refusal(quota: DailyQuota, requests: int, last_look: datetime | None, now: datetime) -> str:
    """Why the server is not looked at now; empty if it is."""
    if not quota.allows(requests):
        return f"not looked: {quota}"
    if due := quota.next_allowed(requests, last_look, now):
        return f"not looked, so that the day's requests last: {quota}; next look at {clock(due)}"
    return ""


def refusal(want: ReadRequest, attempts: Attempts, quota: DailyQuota, last_read: datetime | None, now: datetime) -> str:
    """Why a wanted read is not asked for now; empty if it is."""
    what = f"{want.endpoint}: {want.why}"
    if attempts.last_at is not None and attempts.last_at <= now + CLOCK_SLACK:
        again = attempts.last_at + min(RETRY_FIRST * 2 ** min(attempts.count - 1, 20), RETRY_LONGEST)
        if now < again:
            return f"{what}; asked {attempts.count} times, again at {clock(again)}"
    if not quota.allows(1 if want.divisible else want.requests, reserved=want.reserved):
        return f"{what}; its read of {want.requests:,} requests waits: {quota}"
    if (
        not want.reserved
        and last_read is not None
        and last_read <= now < (due := last_read + quota.min_interval(want.requests))
    ):
        return f"{what}; its read of {want.requests:,} requests waits until {clock(due)}: {quota}"
    return ""


def run_key(chosen: Iterable[tuple[ReadRequest, int]]) -> str:
    """One key per set of reads_needed and their attempt numbers: a key that Dagster knows is never run again."""
    return _hash(*sorted(f"{want.endpoint}:{want.token}:{attempt}" for want, attempt in chosen))


def reasons(chosen: Iterable[ReadRequest]) -> str:
    """Why these reads are asked for."""
    names: dict[str, list[str]] = {}
    for want in chosen:
        names.setdefault(want.why, []).append(want.endpoint)
    return "; ".join(f"{why}: {', '.join(endpoints)}" for why, endpoints in names.items())


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} hours"


def _hash(*parts: object) -> str:
    return hashlib.blake2b("\n".join(map(str, parts)).encode(), digest_size=12).hexdigest()
