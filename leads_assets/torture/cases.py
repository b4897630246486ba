"""The faults that the torture tries, one case each, and what becomes of a case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.process import DEMO_KEY
from leads_assets.demo.server.faults import DRIFT_OPERATIONS, DRIFT_PLACES

UNPAGED = tuple(name for name, endpoint in ENDPOINTS.items() if not endpoint.paged)
_FULL: Mapping[str, Any] = {"reconcile_hours": 0.0}
CHANGES: Mapping[str, Any] = {"reconcile_hours": 24.0}
_TOTALS: Mapping[str, Any] = {"totals": tuple(ENDPOINTS)}
_LONG: Mapping[str, Any] = {"max_limit": 1_000}
_SMALL_PAGES: Mapping[str, Any] = {"page_size": 25}
_ALLOWED: Mapping[str, Any] = {**_FULL, "allow_mass_delete": True}
_NO_DATE = "Mon, 1 Jan 99999999999999999999 00:00:00 GMT"
_CALM_AFTERWARDS: Mapping[str, Any] = {"settings": _SMALL_PAGES, "healing": _ALLOWED}
_CHANGES_PAGED: Mapping[str, Any] = {"settings": _SMALL_PAGES, "options": CHANGES}


class Oddity(StrEnum):
    """What an account may have that the demo account has not."""

    HUGE_LEAD = "a lead of 70 kB in the middle"
    UNLISTED_USERS = "follow-ups of three users who are not listed"
    WITHOUT_USER = "six follow-ups without a user"
    EARLY_LEAD = "a lead that has changed in the year 2099"
    MANY_LEADS = "800 leads more"


class Setback(StrEnum):
    """What may come between the clean sync and the one under the fault, besides changes of the rows."""

    OTHER_ADDRESS = "the address is that of another account"
    OTHER_KEY = "the key is that of another account with the same ids"
    CLOCK_AHEAD = "the clock of the clean sync ran a year ahead"
    PAUSE_AHEAD = "a pause was noted by a clock that ran a year ahead"
    STOPPED_NEIGHBOUR = "a stopped process holds the spool"
    OVERTAKEN = "another process reads the changes meanwhile, and loads them first"
    KILLED = "ten syncs before were killed in the middle"
    MANY_COLUMNS = "the table of teams has 299 columns that no field is declared for"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and the account around it.

    `faults`: as on the command line of the demo API, in one text. `endpoints`: what is synced. Unless `is_new`, a clean
    sync came before. Between the two the server changes `inserted`, `updated` and `deleted` rows of each endpoint.
    Before both, `oddities` are what makes the account another one than that of the other cases. `setback` comes last.
    `server` replaces arguments of the demo API, `settings` the user's settings, `limits` the bounds of a request,
    `options` those of the launchpad; `healing` are the options of the sync after the fault. Where one day's requests do
    not suffice, a sync a day follows, in `days` at most. `by_sensor`: the sync is the one that the sensor asks for
    three hours later. `ends_complete`: it is known to be survived. `most_requests`: of the syncs under the fault.
    """

    name: str
    faults: str = ""
    endpoints: tuple[str, ...] = ("leads",)
    is_new: bool = False
    oddities: tuple[Oddity, ...] = ()
    setback: Setback | None = None
    inserted: int = 5
    updated: int = 4
    deleted: int = 3
    server: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=lambda: _FULL)
    healing: Mapping[str, Any] = field(default_factory=lambda: _FULL)
    days: int = 1
    by_sensor: bool = False
    ends_complete: bool = False
    most_requests: int = 300


class TrialVerdict(StrEnum):
    """What a user may think of a sync; the later, the worse."""

    COMPLETE = "complete"
    SAID_SO = "said so"
    SILENT_LOSS = "SILENT LOSS"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One case: what the sync under the fault told and cost, the rows on both sides, the verdict.

    `after` is the verdict on the next sync, without the fault; None where none was needed.
    """

    fault: str
    switches: str
    happened: str
    requests: int
    server_rows: int
    live_rows: int
    verdict: TrialVerdict
    why: str
    after: TrialVerdict | None


_MEASURED = (
    Case("no fault"),
    Case("no fault, a read of changes only", deleted=0, options=CHANGES),
    Case("pages of 50 rows, not 100", "cap=50@leads"),
    Case("pages of 50 rows, no total", "cap=50@leads no_total@leads"),
    Case("pages of 50 rows, no total, first sync", "cap=50@leads no_total@leads", is_new=True),
    Case("an error object under 200 on page 2", "error_200@leads+1"),
    Case("an error object under 200 on page 2, once", "error_200@leads+1x1"),
    Case("an empty page in the middle", "empty_page@leads+1"),
    Case("an empty page in the middle, once", "empty_page@leads+1x1"),
    Case("nothing after page 1, no total", "empty_page@leads+1 no_total@leads"),
    Case("nothing after page 1, no total, first sync", "empty_page@leads+1 no_total@leads", is_new=True),
    Case("nothing after page 2, no total", "empty_page@leads+2 no_total@leads"),
    Case("nothing after page 2, no total, first sync", "empty_page@leads+2 no_total@leads", is_new=True),
    Case("an empty page once, no total", "empty_page@leads+1x1 no_total@leads"),
    Case("an empty page once, no total, first sync", "empty_page@leads+1x1 no_total@leads", is_new=True),
    Case("an empty first page once, no total", "empty_page@leadsx1 no_total@leads"),
    Case("a bare array, not an envelope", "bare@leads"),
    Case("12 unpaged lists paged by 100", "cap=100", UNPAGED),
    Case("an unpaged list paged by 100, first sync", "cap=100@users", ("users",), is_new=True),
    Case("a list cut at 100", "cap_hard=100@users", ("users",)),
    Case("12 lists cut at 100, first sync", "cap_hard=100", UNPAGED, is_new=True),
    Case("a list cut at 100, first sync, a total", "cap_hard=100@users", ("users",), is_new=True, server=_TOTALS),
    Case("a list cut at 200 of 253", "cap_hard=200@users", ("users",), server=_LONG),
    Case("a list cut at 240 of 253", "cap_hard=240@users", ("users",), server=_LONG),
    Case("cut-off JSON on page 2", "cut_json@leads+1"),
    Case("cut-off JSON on page 2, once", "cut_json@leads+1x1"),
    Case("offset is ignored", "ignore_offset@leads"),
    Case("offset is ignored, no total", "ignore_offset@leads no_total@leads"),
    Case("offset is ignored on unpaged lists", "ignore_offset", ("users", "webhook_events")),
)

_BODIES = (
    Case("null for the rows", "data_null@leads+1"),
    Case("null for the rows of a small list", "data_null@teams", ("teams",)),
    Case("an object for the rows", "data_object@leads"),
    Case("an object for the rows of a small list", "data_object@teams", ("teams",)),
    Case("rows under another name", "no_selector@leads"),
    Case("an HTML page", "html@leads+1"),
    Case("an HTML page under 502, once", "html=502@leads+1x1"),
    Case("an empty body", "empty_body@leads+1"),
    Case("an empty body of a small list", "empty_body@teams", ("teams",)),
    Case("a text among the records", "non_object_record@leads"),
    Case("NaN for a number", "nan@leads"),
    Case("a body of 70 MB", "oversized=70000000@leads"),
    Case("a record without an id", "record_without_id@leads"),
    Case("ids as text", "text_id@leads"),
    Case("an unknown field", "unknown_field@leads"),
    Case("a text for a number", "misfit@leads"),
    Case("compressed bodies", server={"gzip": True}),
    Case("300 unknown fields", "fields=300@teams", ("teams",)),
    Case("a record nested 2,000 deep", "deep=2000@teams", ("teams",)),
)

_LISTS = (
    Case("no total", "no_total@leads"),
    Case("the total in the body", "body_total@leads"),
    Case("the total as text", "text_total@leads"),
    Case("a total too high by 1", "wrong_total=1@leads"),
    Case("a total too low by 1", "wrong_total=-1@leads"),
    Case("a total too low by 200", "wrong_total=-200@leads"),
    Case("a total on page 1 only", "no_total@leads+1"),
    Case("another total on page 2", "wrong_total=5@leads+1x1"),
    Case("a short page in the middle", "cap=50@leads+1x1"),
    Case("a short page in the middle, no total", "cap=50@leads+1x1 no_total@leads"),
    Case("page 1 in the place of page 2, once", "ignore_offset@leads+1x1"),
    Case("asking a long list for more is refused", "status=403@users+1", ("users",)),
    Case("a row twice on each page", "duplicate_row@leads"),
    Case("a row twice on each page, no total", "duplicate_row@leads no_total@leads"),
    Case("a row twice in an unpaged list", "duplicate_row@users", ("users",)),
    Case("rows in no order", "shuffle@leads"),
    Case("an unpaged list in no order", "shuffle@users", ("users",)),
    Case("rows in no order, one deleted", "shuffle@leads drift=delete:read@leadsx1"),
    Case("order is ignored", "ignore_order@leads"),
    Case("the change filter is ignored", "ignore_updated_after@leads", deleted=0, options=CHANGES),
    Case("no changes are sent", "empty_page@leads", deleted=0, options=CHANGES),
    Case("no changes are sent, no total", "empty_page@leads no_total@leads", deleted=0, options=CHANGES),
    Case("changes in pages of 2 rows", "cap=2@leads", deleted=0, options=CHANGES),
    Case("changes, and offset is ignored", "ignore_offset@leads", deleted=0, updated=120, options=CHANGES),
    Case("80 of 250 rows deleted", deleted=80, healing=_ALLOWED),
    Case("an empty list for lost rights", "empty_page no_total", ("teams", "leads")),
    Case("an empty list, a total of 0", "empty_page wrong_total=-252@leads"),
)

_ENDS = (
    Case("only the first 200 rows are served", "window=200@leads"),
    Case("only the first 200 rows are served, no total", "window=200@leads no_total@leads"),
    Case("only the first 200 rows are served, no total, first sync", "window=200@leads no_total@leads", is_new=True),
    Case("only the first 200 rows are served and counted", "window=200@leads most_total=200@leads"),
    Case(
        "only the first 100 rows of a list without an order are served, no total",
        "window=100@prospecting_lists no_total@prospecting_lists",
        ("prospecting_lists",),
    ),
    Case("pages of 16 kB, no total", "page_bytes=16000@leads no_total@leads"),
    Case("pages of 64 kB, a lead of 70 kB", "page_bytes=64000@leads", oddities=(Oddity.HUGE_LEAD,)),
    Case(
        "pages of 64 kB, a lead of 70 kB, no total",
        "page_bytes=64000@leads no_total@leads",
        oddities=(Oddity.HUGE_LEAD,),
    ),
    Case(
        "pages of 64 kB, a lead of 70 kB, no total, first sync",
        "page_bytes=64000@leads no_total@leads",
        is_new=True,
        oddities=(Oddity.HUGE_LEAD,),
    ),
    Case("120 rows are left out of their pages", "hide=110:120@leads"),
    Case("120 rows are left out of their pages, no total", "hide=110:120@leads no_total@leads"),
    Case("120 rows are left out, no total, first sync", "hide=110:120@leads no_total@leads", is_new=True),
    Case("the first 120 rows are left out, no total, first sync", "hide=0:120@leads no_total@leads", is_new=True),
    Case("the last 120 rows are left out, no total", "hide=132:120@leads no_total@leads"),
    Case("pages of 50 rows that count themselves", "cap=50@leads page_total@leads"),
    Case("pages of 100 rows that count themselves, 500 asked for", "page_total@leads", settings={"page_size": 500}),
    Case("pages of 64 kB that count themselves", "page_bytes=64000@leads page_total@leads"),
    Case("the direction is ignored, no total", "ignore_direction@leads no_total@leads"),
    Case("the direction is ignored, 200 rows are served, no total", "ignore_direction window=200@leads no_total@leads"),
    Case("the direction is refused", "status=400@leads+3"),
    Case("a list cut at 250 that ignores limit and offset", "cut=250@users", ("users",)),
    Case("a list cut at 250 that ignores both, first sync", "cut=250@users", ("users",), is_new=True),
    Case("a list cut at 128 that ignores both", "cut=128@users", ("users",)),
    Case("12 lists cut at 50 that ignore both", "cut=50", UNPAGED),
    Case("a list cut at 100 that counts what it sends", "cut=100@users page_total@users", ("users",)),
    Case("an empty first page once that counts itself", "empty_page@usersx1 page_total@users", ("users",)),
    Case(
        "follow_ups wants a user, three are not listed",
        "missing_parameter@follow_ups",
        ("follow_ups",),
        oddities=(Oddity.UNLISTED_USERS,),
    ),
    Case(
        "follow_ups wants a user, three are not listed and refused",
        "missing_parameter@follow_ups status=404@follow_ups+249",
        ("follow_ups",),
        oddities=(Oddity.UNLISTED_USERS,),
    ),
    Case(
        "follow_ups wants a user, six rows have none",
        "missing_parameter@follow_ups",
        ("follow_ups",),
        oddities=(Oddity.WITHOUT_USER, Oddity.UNLISTED_USERS),
    ),
)

_DRIFT = (
    *(
        Case(f"while paging: {operation} at {place}", f"drift={operation}:{place}@leads", **_CALM_AFTERWARDS)
        for operation in DRIFT_OPERATIONS
        for place in DRIFT_PLACES
    ),
    *(
        Case(f"while paging, no total: {change}", f"drift={change}@leadsx8 no_total@leads", **_CALM_AFTERWARDS)
        for change in ("delete:front", "delete:read", "delete:random", "delete:back", "insert:front")
    ),
    *(
        Case(
            f"while paging in no asked order: {change}",
            f"drift={change}@prospecting_lists",
            ("prospecting_lists",),
            **_CALM_AFTERWARDS,
        )
        for change in ("delete:front", "delete:read", "delete:back", "insert:front", "update:random")
    ),
    Case(
        "while paging from the newest on: delete:read", "drift=delete:read@leads ignore_order@leads", **_CALM_AFTERWARDS
    ),
    Case("while reading changes: update:random", "drift=update:random@leads", deleted=0, updated=80, **_CHANGES_PAGED),
    Case("while paging, 503 once: delete:read", "drift=delete:read@leadsx5 status=503@leads+2x1", **_CALM_AFTERWARDS),
)

_REFUSALS = (
    Case("429, wait 1 s", "retry_after=1@leads+1x1"),
    Case("429, wait 0 s", "retry_after=0@leads+1x1"),
    Case("429, wait until a date", "retry_after=date:1@leads+1x1"),
    Case("429, the API's own header", "api_retry_after=1@leads+1x1"),
    Case("429, the quota resets at a time", "limit_reset=iso:1@leads+1x1"),
    Case("429, wait an hour", "retry_after=3600@leads+1", ("leads", "users")),
    Case("429 beyond 5 requests a second", "rate_limit=5@leads", settings=_SMALL_PAGES, limits={"attempts": 6}),
    Case("503 once", "status=503@leads+1x1"),
    Case("503 for ever", "status=503@leads+1", ("leads", "users")),
    Case("the connection drops once", "disconnect@leads+1x1"),
    Case("the connection drops for ever", "disconnect@leads+1"),
    Case("a body cut on the wire, once", "cut_body@leads+1x1"),
    Case("a body cut on the wire, for ever", "cut_body@leads+1"),
    Case("429, wait until a date beyond every calendar", f"retry_after='{_NO_DATE}'@leads+1x1"),
    Case("headers without end", "slow_head=0.05@leads+1", limits={"deadline": 1.0}),
    Case("headers without end under an error", "slow_head=0.05@leads status=500@leads", limits={"deadline": 1.0}),
    Case("a slow body", "slow_body=0.05@leads+1x1"),
    Case("a body that does not end", "slow_body=0.3@leads+1", limits={"deadline": 1.0}),
    Case("no answer in time", "latency=1@leads+1", limits={"read_timeout": 0.3}),
    Case("a redirect", "redirect@leads"),
    Case("a redirect to a host that is named like the key", f"redirect=https://{DEMO_KEY}.example.com/@leads"),
    Case("400", "status=400@leads"),
    Case("401", "status=401", ("leads", "users", "steps")),
    Case("402", "status=402", ("leads", "users", "steps")),
    Case("403 on an edition's list, never read", "status=403@teams", ("teams", "users"), is_new=True),
    Case("403 on an edition's list, read before", "status=403@teams", ("teams", "users")),
    Case("403 on leads", "status=403@leads", ("leads", "users")),
    Case("404", "status=404@leads"),
    Case("an error that repeats the key", "echo_key@leads"),
    Case("follow_ups wants a user", "missing_parameter@follow_ups", ("follow_ups",)),
    Case("follow_ups wants a user, one fails", "missing_parameter@follow_ups status=500@follow_ups+9", ("follow_ups",)),
    Case("follow_ups wants a user, users are cut", "missing_parameter@follow_ups cap_hard=100@users", ("follow_ups",)),
    Case("no such host", endpoints=("leads", "users"), settings={"base_url": "http://127.0.0.1:9/v2"}),
    Case("the day's requests are spent", endpoints=("leads", "users"), settings={"daily_requests": 2}),
)

_AROUND = (
    Case("a lead from the year 2099, a read of changes", deleted=0, oddities=(Oddity.EARLY_LEAD,), options=CHANGES),
    Case("another account at another address", setback=Setback.OTHER_ADDRESS),
    Case("another account with the same ids", setback=Setback.OTHER_KEY),
    Case("another account with the same ids, a read of changes", setback=Setback.OTHER_KEY, options=CHANGES),
    Case("our clock ran a year ahead before", setback=Setback.CLOCK_AHEAD),
    Case("our clock ran a year ahead before, a read of changes", setback=Setback.CLOCK_AHEAD, options=CHANGES),
    Case("a pause that was noted a year ahead", setback=Setback.PAUSE_AHEAD),
    Case("a stopped process holds the spool", setback=Setback.STOPPED_NEIGHBOUR, settings={"lock_seconds": 1.0}),
)

_SEARCHED: Mapping[str, Any] = {"settings": {"page_size": 10}, "options": CHANGES, "healing": _ALLOWED}
_TINY_PAGES: Mapping[str, Any] = {"page_size": 2}

_SEARCH = (
    Case("deletions, a read of changes", ends_complete=True, **_SEARCHED),
    *(
        Case(f"deletions while searching{words}: delete:{place}", f"drift=delete:{place}@leads{fault}", **_SEARCHED)
        for words, fault in (("", ""), (", no total", " no_total@leads"))
        for place in DRIFT_PLACES
    ),
    Case("a deletion while searching: delete:read", "drift=delete:read@leads+2x1", ends_complete=True, **_SEARCHED),
    Case("rows that come while searching", "drift=insert:back@leads", **_SEARCHED),
    Case("rows that come back while searching", "drift=restore:random@leads", **_SEARCHED),
)

_LONG_READS = (
    Case(
        "killed in the middle, ten times",
        is_new=True,
        oddities=(Oddity.MANY_LEADS,),
        setback=Setback.KILLED,
        settings={**_TINY_PAGES, "daily_requests": 0},
        options=CHANGES,
        ends_complete=True,
        most_requests=2_000,
    ),
    Case(
        "budget of 100 a day until current",
        is_new=True,
        settings={**_TINY_PAGES, "daily_requests": 100},
        options=CHANGES,
        days=5,
        ends_complete=True,
    ),
    Case(
        "a full read that takes longer than reads of changes come apart",
        "latency=4@leads+3x1",
        setback=Setback.OVERTAKEN,
        settings=_SMALL_PAGES,
        limits={"read_timeout": 10.0, "deadline": 20.0},
        ends_complete=True,
    ),
    Case(
        "a log too large for the sensor's look",
        "oversized=40000000@webhook_events",
        ("webhook_events",),
        by_sensor=True,
        ends_complete=True,
    ),
    Case(
        "150 unknown fields in a table that has 299 others",
        "fields=150@teams",
        ("teams",),
        setback=Setback.MANY_COLUMNS,
        ends_complete=True,
    ),
)

CASES: tuple[Case, ...] = _MEASURED + _BODIES + _LISTS + _ENDS + _DRIFT + _REFUSALS + _AROUND + _SEARCH + _LONG_READS
