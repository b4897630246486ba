"""Checks derived from the declarations. They look at facts that the load gathered, and say what to do."""

from collections.abc import Mapping

import dagster as dg

from leads_assets.endpoints import Endpoint
from leads_assets.extract import Mode, Verdict
from leads_assets.warehouse.result import LoadResult

_COLLAPSED = 0.5
"""A table that holds less than this share of its last proven volume needs a look."""


def check_specs(endpoint: Endpoint) -> list[dg.AssetCheckSpec]:
    """The checks of one endpoint."""
    abouts = {
        "complete": "The last read is proven: the live rows are the server's rows.",
        "id_unique": "Every row has an id, and no two rows share one.",
        "volume": "The table has not collapsed against its last proven volume.",
        "fits": "Every value fits its column, and every record is a row.",
    }
    if endpoint.references:
        abouts["references"] = "Every reference names a row that exists."
    return [dg.AssetCheckSpec(name, asset=endpoint.name, description=about) for name, about in abouts.items()]


def run_checks(endpoint: Endpoint, result: LoadResult) -> list[dg.AssetCheckResult]:
    """The results after a load."""
    results = [_complete(result), _id_unique(result), _volume(result), _fits(result)]
    return [*results, _references(result)] if endpoint.references else results


def skip_checks(reason: str) -> list[dg.AssetCheckResult]:
    """The results of an endpoint that was left out: nothing is claimed."""
    return [_warns("complete", f"not read: {reason}", do="Nothing, if you do not need it; else ask for the rights.")]


def _passed(name: str, says: str, **numbers: int) -> dg.AssetCheckResult:
    return _result(name, True, says, {}, numbers)


def _warns(name: str, says: str, *, do: str, **numbers: int) -> dg.AssetCheckResult:
    return _result(name, False, says, {"what_to_do": dg.MetadataValue.text(do)}, numbers)


def _result(
    name: str, passed: bool, says: str, hints: Mapping[str, dg.MetadataValue], numbers: Mapping[str, int]
) -> dg.AssetCheckResult:
    counted = {key: dg.MetadataValue.int(number) for key, number in numbers.items()}
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=says,
        metadata={**hints, **counted},
    )


def _complete(result: LoadResult) -> dg.AssetCheckResult:
    row = result.row
    if row.verdict != Verdict.PROVEN:
        do = "Nothing was marked as deleted. Materialize it again; if the reason stays, act on it."
        return _warns("complete", f"unproven: {row.reason}", do=do)
    if row.outdated and row.mode == Mode.FULL:
        says = f"{row.outdated:,} rows on the server are older than the ones kept here"
        do = "If the server's versions are right, materialize with full_refresh: true."
        return _warns("complete", says, do=do, outdated=row.outdated)
    return _passed("complete", f"proven: {row.mode} read of {row.rows_read:,} rows", read=row.rows_read)


def _id_unique(result: LoadResult) -> dg.AssetCheckResult:
    facts = result.facts
    if facts.rows != facts.distinct_ids:
        do = "Look which program besides this one writes the table."
        says = f"{facts.rows:,} rows hold {facts.distinct_ids:,} different ids"
        return _warns("id_unique", says, do=do, rows=facts.rows, ids=facts.distinct_ids)
    return _passed("id_unique", f"{facts.rows:,} rows, each with an id of its own", rows=facts.rows)


def _volume(result: LoadResult) -> dg.AssetCheckResult:
    before, live = result.facts.live_before, result.facts.live
    if not before:
        return _passed("volume", f"{live:,} live rows, the first count", live=live)
    says = f"{live:,} live rows after {before:,}"
    if live < before * _COLLAPSED:
        do = "Look whether the key has lost rights, or who deleted the rows."
        return _warns("volume", says, do=do, live=live, before=before)
    return _passed("volume", says, live=live, before=before)


def _fits(result: LoadResult) -> dg.AssetCheckResult:
    row = result.row
    if not row.misfits and not row.rejected:
        return _passed("fits", "all values fit their columns", misfits=0, rejected=0)
    says = [f"{name}: {count:,} values in _extra" for name, count in sorted(row.misfits.items())]
    if row.rejected:
        says.append(f"{row.rejected:,} records without a usable id in ops.rejected_rows")
    do = "Correct the values at their source, or the column's type in endpoints.py; nothing is lost."
    misfits = sum(row.misfits.values())
    return _warns("fits", "; ".join(says), do=do, misfits=misfits, rejected=row.rejected)


def _references(result: LoadResult) -> dg.AssetCheckResult:
    says = [
        f"{found.column}: {found.count:,} rows name a missing row of {found.target}"
        f" (ids {', '.join(map(str, found.examples))})"
        for found in result.facts.orphans
    ]
    waiting = result.facts.unchecked
    note = f"; not looked at, as their tables are not there yet: {', '.join(waiting)}" if waiting else ""
    if says:
        do = "Materialize the tables they name; what stays missing is missing on the server."
        total = sum(found.count for found in result.facts.orphans)
        return _warns("references", "; ".join(says) + note, do=do, orphans=total)
    return _passed("references", f"all references resolve{note}", orphans=0)
