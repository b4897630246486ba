"""What it costs to find deleted rows, in requests, beside a full read: counted by the demo API, and drawn."""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from environments import HERE, environment
from tables import table

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient
from leads_assets.engine.read.rank_cost import full_read_requests
from leads_assets.engine.read.read import Extraction
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.state import LiveRows

LEADS = 145_719
DELETED = (0, 1, 3, 10, 30, 100)
ROUNDS = 7
PAGE = 100


class Requests:
    """The requests of reads of changes of one account, whose table holds what it had at the beginning."""

    def __init__(self, folder: Path, account: Account, *faults: str) -> None:
        self._folder = folder
        self._account = account
        self._faults = [parse_fault(fault) for fault in faults]
        self._ids = account.ids("leads")
        self._reads = 0
        self._calibration = ""
        with DemoApi(Account(leads=250), faults=self._faults) as small:
            self._calibration = self._read(small.base_url, lambda _: LiveRows(), None).calibration or ""

    def _read(self, url: str, live: Callable[[datetime], LiveRows], since: datetime | None) -> Extract:
        self._reads += 1
        folder = self._folder / f"{self._reads}"
        folder.mkdir()
        with closing(RequestBudget(folder / "requests", 0)) as budget:
            client = ApiClient(url, "demo-key", budget, DIALECT)
            with closing(client):
                reading = Extraction(client, ENDPOINTS["leads"], folder, live=live, calibration=self._calibration)
                return reading.run(since)

    def of(self, groups: Sequence[Sequence[int]]) -> list[int]:
        """For each group of rows: deleted, found by a read of changes, and brought back."""
        found = []
        with DemoApi(self._account, faults=self._faults) as api:
            for ids in groups:
                self._account.delete("leads", ids)
                api.reset()
                extract = self._read(
                    api.base_url, lambda _: LiveRows(ids=self._ids), datetime.now(UTC) - timedelta(days=2)
                )
                if extract.closing is None or extract.closing.gone != frozenset(ids):
                    raise SystemExit(f"not found: {len(ids)} rows")
                self._account.restore("leads", ids)
                found.append(api.count("leads"))
        return sorted(found)


def main() -> None:
    """Print the table, and draw it where a target is given."""
    parser = argparse.ArgumentParser(description="Count what finding deleted leads costs in requests.")
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--plot", type=Path, help="where to draw")
    arguments = parser.parse_args()
    account = Account(leads=arguments.leads)
    full = full_read_requests(arguments.leads, PAGE)
    lines, drawn = [], {"deleted": list(DELETED), "full": full}
    for name, faults in (("total sent", ()), ("no total", ("no_total",))):
        with tempfile.TemporaryDirectory() as folder:
            requests = Requests(Path(folder), account, *faults)
            dice, ids = random.Random(1), account.ids("leads")
            medians = []
            for count in DELETED:
                costs = requests.of([dice.sample(ids, count) for _ in range(ROUNDS if count else 1)])
                lines.append([f"{count:,}", name, f"{median(costs):,.0f}", f"{costs[-1]:,}", f"{full:,}"])
                medians.append(median(costs))
            block = requests.of([ids[start : start + 1_000] for start in (0, len(ids) // 2, len(ids) - 14_000)])
            lines.append(["1,000 in a block", name, f"{median(block):,.0f}", f"{block[-1]:,}", f"{full:,}"])
            drawn[name] = medians
    print(table(["deleted", "", "median", "worst", "full read"], lines))
    if arguments.plot:
        command = [environment("plot"), str(HERE / "plot_deletions.py"), str(arguments.plot)]
        subprocess.run(command, input=json.dumps(drawn), text=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
