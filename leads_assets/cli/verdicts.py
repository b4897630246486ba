"""Which verdicts a user may rely on."""

from collections.abc import Iterable, Mapping
from typing import Any

from leads_assets.engine.records.extract import Verdict

_RELIABLE = frozenset({Verdict.PROVEN, Verdict.CURRENT})


def unproven(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The endpoints whose table may not be the server's list: `verdict` says so, a read failed since, or goes on."""
    return [
        row["endpoint"]
        for row in rows
        if row["verdict"] not in _RELIABLE or row.get("last_error") or row.get("in_progress")
    ]
