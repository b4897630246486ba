"""An account whose rows were recorded from an older version of the demo."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from leads_assets.demo.account.account import Account
from leads_assets.demo.account.table import Table
from leads_assets.demo.account.worktime import epoch_milliseconds


class _Ids:
    """The ids of a list by position."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.at, self.index = ids.__getitem__, ids.index


class _Rows:
    """The rows of a list, as they were recorded."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self.ids: Any = _Ids(sorted(row["id"] for row in rows))
        self._rows = {row["id"]: row for row in rows}

    def row(self, row_id: int) -> dict[str, Any]:
        return self._rows[row_id]

    def updated(self, row_id: int) -> int:
        stamp = self._rows[row_id].get("updated_at")
        return 0 if stamp is None else epoch_milliseconds(datetime.fromisoformat(stamp))

    def owner(self, row_id: int) -> int | None:
        owner: int | None = self._rows[row_id].get("user_id")
        return owner


def recorded_account(path: Path) -> Account:
    """The account of a compressed JSON file: the rows of each list."""
    account = Account(leads=0)
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    account._tables = {name: Table(_Rows(rows), range(len(rows))) for name, rows in recorded.items()}
    return account
