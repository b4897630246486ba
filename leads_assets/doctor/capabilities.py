"""Whether a server honours or ignores the parameters of the list of leads; one or two requests each."""

from collections.abc import Callable
from datetime import datetime, timedelta

from leads_assets.account.dialect import ORDERING
from leads_assets.doctor.findings import Finding, State
from leads_assets.doctor.probing import Answer, Prober
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import EndpointError
from leads_assets.engine.instants import format_instant, utc_now
from leads_assets.engine.read.estimate import pages_needed

_SLACK = timedelta(days=1)
"""Neither the precision nor the time zone of the change filter is documented."""
_LARGE = 5
"""Times the usual page: enough to see where the server cuts."""


def habits(
    prober: Prober, leads: Endpoint, first: Answer, limit: int, now: Callable[[], datetime] = utc_now
) -> list[Finding]:
    """Findings about `leads`, whose first page in order of id is `first`. Raises RunError."""
    return [
        _order(first),
        *_changes(prober, leads, first, limit, now()),
        _unassigned(prober, leads, first, limit),
        _page(prober, leads, first, limit),
    ]


def _order(first: Answer) -> Finding:
    ids = first.ids
    if len(ids) < 2:
        return Finding("order", State.OK, "too few leads to tell whether `order` is honoured")
    if ids == sorted(ids):
        return Finding("order", State.OK, "`order=id` is honoured")
    if ids == sorted(ids, reverse=True):
        says = "`order=id` is ignored: leads come newest first, so that new ones shift the pages of a running read"
        return Finding("order", State.WARNING, says, "Nothing to do: the read repairs itself, at more requests.")
    return Finding(
        "order",
        State.BROKEN,
        "`order=id` is ignored and leads come in no order of id: rows may move unseen while they are read",
        "Leads are kept, but no read of them can be proven, and deleted ones are never marked. Ask the API's operator.",
    )


def _changes(prober: Prober, leads: Endpoint, first: Answer, limit: int, now: datetime) -> list[Finding]:
    try:
        newest = prober.first_page(leads, limit, **ORDERING.params(ORDERING.by_change, descending=True))
    except EndpointError as error:
        return [Finding("newest change", State.WARNING, str(error), "Changes are noticed by the schedule only.")]
    times = newest.changed
    if not times:
        return [Finding("updated_after", State.OK, "no lead says when it changed: nothing to tell")]
    sorted_by_change = times == sorted(times, reverse=True)
    found = Finding("newest change", State.OK, "`order=last_update` is honoured: one request shows the newest change")
    if not sorted_by_change:
        says = "`order=last_update` is ignored: the newest change cannot be seen in one request"
        found = Finding("newest change", State.WARNING, says, "Changes are noticed by the schedule, or by webhooks.")
    since = min(max(times + first.changed), now)
    return [found, _updated_after(prober, leads, first, limit, since)]


def _updated_after(prober: Prober, leads: Endpoint, first: Answer, limit: int, since: datetime) -> Finding:
    topic = leads.change_filter or "updated_after"
    stamp = format_instant(since)
    try:
        changed = prober.first_page(leads, limit, **{topic: stamp})
    except EndpointError as error:
        return Finding(topic, State.BROKEN, str(error), "Syncs with `full_refresh` work; please report it.")
    oldest = since - _SLACK
    if any(time < oldest for time in changed.changed):
        total = changed.page.total
        cost = f", {pages_needed(total, len(first.page.records)):,} requests" if total else ""
        return Finding(
            topic,
            State.WARNING,
            f"`{topic}` is ignored: every sync reads all leads{cost}",
            "Sync less often, or raise LEADS_API_DAILY_REQUESTS if the account allows more.",
        )
    fewer = (changed.page.total or 0) < (first.page.total or 0)
    if fewer or any(time < oldest for time in first.changed):
        return Finding(topic, State.OK, f"`{topic}` is honoured: a sync reads only what changed")
    return Finding(topic, State.OK, f"all leads changed within a day: whether `{topic}` is honoured cannot be told")


def _unassigned(prober: Prober, leads: Endpoint, first: Answer, limit: int) -> Finding:
    topic = "include_unassigned"
    if first.has_unowned:
        return Finding(topic, State.OK, f"`{topic}` is honoured: leads without an owner are sent")
    try:
        owned = prober.first_page(leads, limit, include_unassigned="")
    except EndpointError as error:
        return Finding(topic, State.WARNING, str(error))
    everyone, with_owner = first.page.total, owned.page.total
    if everyone is None or with_owner is None:
        says = f"no total is sent and no lead on the first page lacks an owner: whether `{topic}` works is unknown"
        return Finding(topic, State.OK, says)
    if with_owner < everyone:
        return Finding(topic, State.OK, f"`{topic}` is honoured: it adds {everyone - with_owner:,} leads")
    says = f"`{topic}` changes nothing: every lead has an owner, or the server ignores it"
    return Finding(topic, State.OK, says, "Compare the number of leads with the account's own pages.")


def _page(prober: Prober, leads: Endpoint, first: Answer, limit: int) -> Finding:
    rows, total = len(first.page.records), first.page.total
    if total is None:
        sent = "no total is sent: the end of a list shows only when it is asked backwards"
    else:
        sent = f"a total is sent ({total:,} leads)"
    if rows < limit and total is not None and rows < total:
        says = f"{sent}; pages are capped at {rows:,} rows where {limit:,} were asked for"
        cost = f"A full read costs {pages_needed(total, rows):,} requests instead of {pages_needed(total, limit):,}."
        return Finding("pages", State.WARNING, says, cost)
    if rows < limit:
        return Finding("pages", State.OK, f"{sent}; one page of {rows:,} rows holds them all")
    try:
        large = len(prober.first_page(leads, limit * _LARGE).page.records)
    except EndpointError:
        return Finding("pages", State.OK, f"{sent}; pages of {limit:,} rows, larger ones are refused")
    if large <= limit:
        return Finding("pages", State.OK, f"{sent}; pages are capped at {large:,} rows")
    hint = f"With `page_size: {large}` of the resource leads_api a full read costs about a {large // limit}th."
    return Finding("pages", State.OK, f"{sent}; pages of {large:,} rows are possible, {limit:,} are used", hint)
