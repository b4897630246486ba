"""Checks derived from the declarations. They look at facts that the load gathered, and say what to do."""

from collections.abc import Sequence

import dagster as dg

from leads_assets.endpoints import Endpoint
from leads_assets.extract import Verdict
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
    return [_result("complete", False, f"not read: {reason}")]


def _result(name: str, passed: bool, says: str, **numbers: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=says,
        metadata={key: dg.MetadataValue.int(number) for key, number in numbers.items()},
    )


def _complete(result: LoadResult) -> dg.AssetCheckResult:
    row = result.row
    if row.verdict != Verdict.PROVEN:
        return _result("complete", False, f"unproven: {row.reason}. Nothing was marked as deleted; run it again.")
    if row.outdated and row.mode == "full":
        says = "rows on the server are older than the ones kept here; run with full_refresh: true to take them"
        return _result("complete", False, f"{row.outdated:,} {says}", outdated=row.outdated)
    return _result("complete", True, f"proven by a {row.mode} read of {row.rows_read:,} rows")


def _id_unique(result: LoadResult) -> dg.AssetCheckResult:
    facts = result.facts
    return _result("id_unique", facts.rows == facts.distinct_ids, f"{facts.rows:,} rows", rows=facts.rows)


def _volume(result: LoadResult) -> dg.AssetCheckResult:
    before, live = result.facts.live_before, result.facts.live
    if not before:
        return _result("volume", True, f"{live:,} live rows, the first count", live=live)
    says = f"{live:,} live rows after {before:,}"
    if live < before * _COLLAPSED:
        return _result("volume", False, f"{says}: look whether the key has lost rights", live=live, before=before)
    return _result("volume", True, says, live=live, before=before)


def _fits(result: LoadResult) -> dg.AssetCheckResult:
    row = result.row
    if not row.misfits and not row.rejected:
        return _result("fits", True, "all values fit")
    parts = [f"{name}: {count:,}" for name, count in sorted(row.misfits.items())]
    says = []
    if parts:
        says.append(f"values that their column cannot hold are kept in _extra ({', '.join(parts)})")
    if row.rejected:
        says.append(f"{row.rejected:,} records without a usable id are kept in ops.rejected_rows")
    return _result("fits", False, "; ".join(says), misfits=sum(row.misfits.values()), rejected=row.rejected)


def _references(result: LoadResult) -> dg.AssetCheckResult:
    orphans: Sequence[str] = [
        f"{found.column}: {found.count:,} rows name a missing row of {found.target}"
        f" (ids {', '.join(map(str, found.examples))})"
        for found in result.facts.orphans
    ]
    waiting = result.facts.unchecked
    note = f"; not looked at, as their tables are not there yet: {', '.join(waiting)}" if waiting else ""
    if orphans:
        hint = "; materialize the tables they name"
        total = sum(found.count for found in result.facts.orphans)
        return _result("references", False, "; ".join(orphans) + hint + note, orphans=total)
    return _result("references", True, "all references resolve" + note, orphans=0)
