"""`leads-assets doctor`: what is right and what is wrong, and what to do about it."""

import argparse
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from leads_assets.account.connect import LeadsApi, warehouse_of
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.arguments import add_json_option, add_strict_option
from leads_assets.cli.render import Block, Grid, age, number
from leads_assets.cli.verdicts import unproven
from leads_assets.doctor.examination import NOT_ASKED, Access, Diagnosis, Examination, advice
from leads_assets.doctor.findings import Finding, State
from leads_assets.doctor.probing import Prober
from leads_assets.doctor.warehouse_checks import NEVER_LOADED, inspect, read_copy, whose
from leads_assets.engine.errors import ApiError
from leads_assets.engine.http.client import Limits
from leads_assets.engine.instants import utc_now
from leads_assets.engine.read.ends import FULL_PAGE

_MIRRORED = frozenset(name for name, endpoint in ENDPOINTS.items() if endpoint.marks_deleted)
LOCK_WAIT_SECONDS = 5.0
"""Seconds to wait for the warehouse: longer than a usual load holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything found. `synced`: the rows of `ops.freshness`."""

    findings: tuple[Finding, ...]
    diagnosis: Diagnosis
    synced: tuple[Mapping[str, Any], ...] = ()
    is_strict: bool = False
    now: datetime = field(default_factory=utc_now)

    @property
    def broken(self) -> int:
        """How many things are broken."""
        states = [found.state for found in self.findings] + [found.state for found in self.diagnosis.access]
        return states.count(State.BROKEN)

    @property
    def status(self) -> int:
        """1 if anything is broken; or not proven, where that was asked for."""
        return int(self.broken > 0 or bool(self.errors()))

    def content(self) -> object:
        """Findings, access and last syncs."""
        return {
            "ok": not self.broken,
            "status": self.status,
            "requests": self.diagnosis.requests,
            "findings": [asdict(found) for found in self.findings],
            "endpoints": [asdict(access) for access in self.diagnosis.access],
            "last_syncs": self.synced,
        }

    def blocks(self) -> Iterable[Block]:
        """What was found, then a line per endpoint."""
        access = self.diagnosis.access
        asked = [found for found in access if found.says != NOT_ASKED]
        rights = [Finding(found.endpoint, found.state, found.says, found.advice) for found in asked]
        lines = [
            (found.state.value, found.topic, f"{found.says}\n-> {found.advice}" if found.advice else found.says)
            for found in (*self.findings, *(right for right in rights if right.state is not State.OK))
        ]
        yield Grid(columns=("state", "about", "finding"), rows=lines, wrap=["finding"])
        if asked or self.synced:
            yield self._endpoints()
        things = {0: "Nothing is broken.", 1: "One thing is broken."}
        says = things.get(self.broken, f"{self.broken} things are broken.")
        yield f"{says} This took {self.diagnosis.requests:,} requests."

    def errors(self) -> list[str]:
        """What is not proven, where that was asked for."""
        if not self.is_strict:
            return []
        never = [{"endpoint": name, "verdict": ""} for name in ENDPOINTS]
        rows = {row["endpoint"]: row for row in (*never, *self.synced)}
        names = unproven(rows.values())
        return [f"not proven: {', '.join(names)}"] if names else []

    def _endpoints(self) -> Grid:
        numbers = ("there", "here")
        asked = {found.endpoint: found for found in self.diagnosis.access}
        synced = {row["endpoint"]: row for row in self.synced}
        lines = []
        for name in [*ENDPOINTS, *(synced.keys() - ENDPOINTS.keys())]:
            found, row = asked.get(name), synced.get(name)
            as_of = row and row["changes_as_of"]
            ago = f", as of {age(self.now - as_of)} ago" if as_of else ""
            lines.append(
                (
                    found.state.value if found else "",
                    name,
                    found.envelope if found else "",
                    number(found.total) if found else "",
                    number(row["live_rows"]) if row else "",
                    f"{row['verdict']}{ago}" if row else "never",
                )
            )
        return Grid(columns=("state", "endpoint", "sends", *numbers, "last sync"), rows=lines, right=numbers)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "doctor",
        help="look at settings, API, key rights, quota and warehouse",
        description="Look at everything that a sync needs, and say what to do where something is wrong. Nothing is"
        " changed or deleted. It costs one request for the connection, one per endpoint, one more for each list that"
        " may be cut, and up to five for the habits of the server.",
    )
    add_strict_option(parser, "a table")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Examined:
    """Examine."""
    nothing = Diagnosis([], [], 0)
    try:
        settings = Settings.from_environment()
    except ApiError as error:
        wrong = Finding("settings", State.BROKEN, str(error), advice(error))
        return Examined(findings=(wrong,), diagnosis=nothing, is_strict=arguments.strict)
    findings = _settings(settings)
    warehouse = warehouse_of(settings, LOCK_WAIT_SECONDS)
    about_file, synced = inspect(warehouse)
    findings += [*about_file, *(read_copy(warehouse, settings.snapshot) if settings.snapshot else ()), *_doubts(synced)]
    if synced and settings.has_account:
        about_account = whose(warehouse, settings.base_url)
        findings += about_account
        # Of another account's list nothing can be compared.
        mirrored = {} if about_account else {row["endpoint"]: row for row in synced if row["verdict"] != NEVER_LOADED}
    else:
        mirrored = {}
    diagnosis, quota = nothing, None
    if settings.has_account:
        try:
            diagnosis, quota = _api(settings, mirrored)
        except ApiError as error:
            findings.append(Finding("settings", State.BROKEN, str(error), advice(error)))
    findings += [*diagnosis.findings, *([quota] if quota else [])]
    return Examined(findings=tuple(findings), diagnosis=diagnosis, synced=tuple(synced), is_strict=arguments.strict)


def _settings(settings: Settings) -> list[Finding]:
    account = {"LEADS_API_BASE_URL": settings.base_url, "LEADS_API_KEY": settings.api_key.get_secret_value()}
    missing = [name for name, value in account.items() if not value]
    if missing:
        says = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
        hint = "Put it into the environment or into .env in this folder; without an account, try `make demo`."
        return [Finding("settings", State.BROKEN, says, hint)]
    limit = f"{settings.daily_requests:,} requests a day" if settings.daily_requests else "no limit of requests a day"
    fields = "become columns" if settings.schema_policy == "evolve" else "stay in _extra"
    copy = "a read copy is published" if settings.snapshot else "no read copy"
    return [Finding("settings", State.OK, f"address and key are set; {limit}, {copy}; unknown fields {fields}")]


def _api(settings: Settings, synced: Mapping[str, Mapping[str, Any]]) -> tuple[Diagnosis, Finding]:
    # One try a request, so that an examination costs what it says and ends soon.
    limits = Limits(attempts=1, deadline=min(30.0, settings.deadline_seconds))
    with closing(LeadsApi(settings, limits=limits)) as api:
        client = api.client()
        examination = Examination(Prober(client), ENDPOINTS, limit=settings.page_size, known=synced)
        diagnosis = examination.run()
        diagnosis.findings.extend(_other_counts(diagnosis, synced))
        left, daily = client.budget.left(), client.budget.daily
    if left is None:
        return diagnosis, Finding("quota", State.OK, "requests are not limited (LEADS_API_DAILY_REQUESTS is 0)")
    says = f"{left:,} of {daily:,} requests are left until midnight UTC, by the count of this machine"
    if left == 0:
        return diagnosis, Finding("quota", State.BROKEN, says, "Wait for midnight UTC.")
    return diagnosis, Finding("quota", State.OK, says)


def _doubts(synced: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Tables on which nobody may rely, and why."""
    rows = {row["endpoint"]: row for row in synced}
    hint = "Act on the reason; `leads-assets sync` reads it again."
    return [
        Finding(name, State.WARNING, f"the last sync {_became(rows[name])}", hint)
        for name in unproven(rows.values())
        if name in ENDPOINTS
    ]


def _became(row: Mapping[str, Any]) -> str:
    return f"failed: {row['last_error']}" if row.get("last_error") else f"is {row['verdict']}: {row.get('reason')}"


def _other_counts(diagnosis: Diagnosis, synced: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Where the server states another number of rows than there are here."""
    # A log on the server is shortened, the table keeps it whole.
    here = {name: row["live_rows"] for name, row in synced.items() if name in _MIRRORED}
    return [
        Finding(
            found.endpoint,
            State.WARNING,
            f"the server {'sends' if found.total is None else 'states'} {there:,} rows, the table holds"
            f" {here[found.endpoint]:,}",
            "The server may have changed since the last sync; run `leads-assets sync`, then look again.",
        )
        for found in diagnosis.access
        if (there := _rows_there(found)) is not None and here.get(found.endpoint) not in (None, there)
    ]


def _rows_there(found: Access) -> int | None:
    """The rows of the list, where the server states them or sends them all at once."""
    is_whole = not ENDPOINTS[found.endpoint].paged and found.rows != FULL_PAGE
    return found.total if found.total is not None or not is_whole else found.rows
