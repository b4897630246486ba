"""`leads-assets doctor`: what is right and what is wrong, and what to do about it."""

import argparse
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from leads_assets.account.connect import LeadsApi
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.cli.printing import add_json_option, age, make_console, make_table, number, print_json
from leads_assets.doctor.examination import NOT_ASKED, Access, Diagnosis, Examination, advice
from leads_assets.doctor.findings import Finding, State
from leads_assets.doctor.probing import Prober
from leads_assets.doctor.warehouse_checks import inspect
from leads_assets.engine.errors import LeadsApiError
from leads_assets.engine.http.client import Limits
from leads_assets.engine.warehouse.file import Warehouse

LOCK_WAIT_SECONDS = 5.0
"""Seconds to wait for the warehouse: longer than a usual load holds it."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "doctor",
        help="look at settings, API, key rights, quota and warehouse",
        description="Look at everything that a sync needs, and say what to do where something is wrong. Nothing is"
        " changed or deleted. It costs one request for the connection, one per endpoint and up to four for the habits"
        f" of the server: at most {len(ENDPOINTS) + 5} of the day's requests.",
        epilog="exit status: 0 if a sync can work, 1 if something is broken",
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examine and print; 1 if anything is broken."""
    verdicts: list[dict[str, Any]] = []
    diagnosis, quota = Diagnosis([], [], 0), None
    findings: list[Finding] = []
    try:
        settings = Settings.from_environment()
        findings += _settings(settings)
        about_file, verdicts = _warehouse(settings)
        findings += about_file
        if settings.has_account:
            diagnosis, quota = _api(settings, known={row["endpoint"] for row in verdicts})
    except LeadsApiError as error:
        findings.append(Finding("settings", State.BROKEN, str(error), advice(error)))
    findings += [*diagnosis.findings, *([quota] if quota else [])]
    broken = [found for found in findings if found.state is State.BROKEN]
    refused = [access for access in diagnosis.access if access.state is State.BROKEN]
    if arguments.json:
        print_json(
            {
                "ok": not (broken or refused),
                "requests": diagnosis.requests,
                "findings": [asdict(found) for found in findings],
                "endpoints": [asdict(access) for access in diagnosis.access],
                "last_syncs": verdicts,
            }
        )
    else:
        _print(findings, diagnosis, verdicts, len(broken) + len(refused))
    return int(bool(broken or refused))


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


def _warehouse(settings: Settings) -> tuple[list[Finding], list[dict[str, Any]]]:
    return inspect(Warehouse(settings.warehouse, lock_seconds=min(LOCK_WAIT_SECONDS, settings.lock_seconds)))


def _api(settings: Settings, known: set[str]) -> tuple[Diagnosis, Finding]:
    # One try a request, so that an examination costs what it says and ends soon.
    limits = Limits(attempts=1, deadline=min(30.0, settings.deadline_seconds))
    with closing(LeadsApi(settings, limits=limits)) as api:
        client = api.client()
        examination = Examination(Prober(client), ENDPOINTS, limit=settings.page_size, known=known)
        diagnosis = examination.run()
        left, daily = client.budget.left(), client.budget.daily
    if left is None:
        return diagnosis, Finding("quota", State.OK, "requests are not limited (LEADS_API_DAILY_REQUESTS is 0)")
    says = f"{left:,} of {daily:,} requests are left until midnight UTC, by the count of this machine"
    if left == 0:
        return diagnosis, Finding("quota", State.BROKEN, says, "Wait for midnight UTC.")
    return diagnosis, Finding("quota", State.OK, says)


def _print(findings: list[Finding], diagnosis: Diagnosis, verdicts: list[dict[str, Any]], broken: int) -> None:
    console = make_console()
    table = make_table("state", "about", "finding", wrap=["finding"])
    asked = [found for found in diagnosis.access if found.says != NOT_ASKED]
    about_rights = [
        Finding(found.endpoint, found.state, found.says, found.advice) for found in asked if found.state is not State.OK
    ]
    for found in [*findings, *about_rights]:
        says = f"{found.says}\n-> {found.advice}" if found.advice else found.says
        table.add_row(found.state.value, found.topic, says)
    console.print(table)
    if asked or verdicts:
        console.print(_endpoints(diagnosis.access, {row["endpoint"]: row for row in verdicts}))
    things = {0: "Nothing is broken.", 1: "One thing is broken."}.get(broken, f"{broken} things are broken.")
    console.print(f"{things} This took {diagnosis.requests:,} requests.", soft_wrap=True)


def _endpoints(access: list[Access], synced: dict[str, dict[str, Any]]) -> Any:
    numbers = ("there", "here")
    table = make_table("state", "endpoint", "sends", *numbers, "last sync", right=numbers)
    asked = {found.endpoint: found for found in access}
    for name in [*ENDPOINTS, *(synced.keys() - ENDPOINTS.keys())]:
        found, row = asked.get(name), synced.get(name)
        as_of = row and row["data_as_of"]
        ago = f", as of {age(datetime.now(UTC) - as_of)} ago" if as_of else ""
        table.add_row(
            found.state.value if found else "",
            name,
            found.envelope if found else "",
            number(found.total) if found else "",
            number(row["live_rows"]) if row else "",
            f"{row['verdict']}{ago}" if row else "never",
        )
    return table
