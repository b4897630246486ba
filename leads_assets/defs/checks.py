"""Checks derived from the declarations. They look at facts that the load gathered, and say what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.instants import format_instant
from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.records.names import shown_counts
from leads_assets.engine.warehouse.casts import MOST_COLUMNS
from leads_assets.engine.warehouse.result import LoadResult

_COLLAPSED = 0.5
"""A table that holds less than this share of its last proven volume needs a look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it says, what to do about it ("" where all is well), and what was counted."""

    says: str
    do: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)


def check_specs(endpoint: Endpoint) -> list[dg.AssetCheckSpec]:
    """The checks of one endpoint: two, because Dagster stores three events for each in every run."""
    references = ", every reference names a row that exists" if endpoint.references else ""
    abouts = {
        "complete": "The live rows are the server's rows: a full read proved it, or the list closed after the changes.",
        "valid": "Every row has an id of its own, the volume has not collapsed, every value fits its column, every"
        f" record is a row{references}.",
    }
    return [dg.AssetCheckSpec(name, asset=endpoint.name, description=about) for name, about in abouts.items()]


def run_checks(endpoint: Endpoint, result: LoadResult) -> list[dg.AssetCheckResult]:
    """The results after a load."""
    findings = [_ids(result), _volume(result), _fits(result)]
    if endpoint.references:
        findings.append(_references(result))
    return [_result("complete", [_complete(result)]), _result("valid", findings)]


def skip_checks(reason: str) -> list[dg.AssetCheckResult]:
    """The results of an endpoint that was left out: nothing is claimed."""
    return [
        _result(
            "complete", [Finding(f"not read: {reason}", "Nothing, if you do not need it; else ask for the rights.")]
        )
    ]


def _result(check: str, findings: Sequence[Finding]) -> dg.AssetCheckResult:
    """What is wrong, and what to do about it; where nothing is, what was found."""
    wrong = [finding for finding in findings if finding.do]
    counted = {name: dg.MetadataValue.int(count) for finding in findings for name, count in finding.numbers.items()}
    hints = {"what_to_do": dg.MetadataValue.text(" ".join(finding.do for finding in wrong))} if wrong else {}
    return dg.AssetCheckResult(
        check_name=check,
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(finding.says for finding in wrong or findings),
        metadata={**hints, **counted},
    )


def _complete(result: LoadResult) -> Finding:
    row = result.row
    if row.in_progress:
        return Finding(row.in_progress, "Nothing, if the sensor is on; else materialize it again then.")
    if row.verdict == Verdict.UNPROVEN:
        do = "Nothing was marked as deleted. Materialize it again; if the reason stays, act on it."
        return Finding(f"unproven: {row.reason}", do)
    if row.outdated:
        says = f"{row.outdated:,} rows on the server are older than the ones kept here"
        do = "If the server's versions are right, materialize with full_refresh: true."
        return Finding(says, do, numbers={"outdated": row.outdated})
    read = row.rows_read if row.lap is None else row.lap.rows
    says = f"{row.verdict}: {row.mode} read of {read:,} rows"
    if row.reason and row.complete_as_of is not None:
        says = f"{row.verdict} as of {format_instant(row.complete_as_of)}; {row.rows_read:,} rows since: {row.reason}"
    return Finding(says, numbers={"read": read})


def _ids(result: LoadResult) -> Finding:
    """Never wrong here: a load in which an id is missing or stands twice fails and changes nothing."""
    rows = result.facts.rows
    return Finding(f"{rows:,} rows, each with an id of its own", numbers={"rows": rows})


def _volume(result: LoadResult) -> Finding:
    before, live = result.facts.live_before, result.facts.live
    if not before:
        return Finding(f"{live:,} live, the first count", numbers={"live": live})
    says, numbers = f"{live:,} live after {before:,}", {"live": live, "before": before}
    if live < before * _COLLAPSED:
        return Finding(says, "Look whether the key has lost rights, or who deleted the rows.", numbers)
    return Finding(says, numbers=numbers)


def _fits(result: LoadResult) -> Finding:
    row = result.row
    numbers = {"misfits": sum(row.misfits.values()), "rejected": row.rejected, "crowded_out": row.crowded_out}
    if not row.misfits and not row.rejected and not row.crowded_out:
        return Finding("all values fit their columns", numbers=numbers)
    says = [f"{name}: {count:,} values in _extra" for name, count in shown_counts(row.misfits).items()]
    if row.rejected:
        says.append(f"{row.rejected:,} records that cannot be rows in ops.rejected_rows")
    if row.crowded_out:
        says.append(f"about {row.crowded_out:,} fields have no column: a table takes {MOST_COLUMNS} undeclared ones")
    do = "Correct the values at their source, or the columns in endpoints.py; nothing is lost."
    return Finding("; ".join(says), do, numbers)


def _references(result: LoadResult) -> Finding:
    says = [
        f"{found.column}: {found.count:,} rows name a missing row of {found.target}"
        f" (ids {', '.join(map(str, found.examples))})"
        for found in result.facts.orphans
    ]
    waiting = result.facts.unchecked
    note = f" (not looked at, as their tables are not there yet: {', '.join(waiting)})" if waiting else ""
    numbers = {"orphans": sum(found.count for found in result.facts.orphans)}
    if says:
        do = "Materialize the tables they name; what stays missing is missing on the server."
        return Finding("; ".join(says) + note, do, numbers)
    return Finding(f"all references resolve{note}", numbers=numbers)
