"""What the first read of 145,719 leads costs when it breaks off: run it, it counts and prints.

python -m benchmarks.interrupted
"""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.errors import Unavailable
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient, Limits
from leads_assets.engine.read.read import Extraction
from leads_assets.engine.records.extract import Extract
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.state import LiveRows

LEADS, OUTAGE = 145_719, 900


class Interrupted:
    """An account, and reads of it that break off and go on."""

    def __init__(self, folder: Path, stack: ExitStack, *faults: str) -> None:
        self._folder = folder
        self._faults = faults
        self._api = stack.enter_context(DemoApi(Account(leads=LEADS)))
        budget = stack.enter_context(closing(RequestBudget(folder / "requests", 0)))
        client = ApiClient(self._api.base_url, "demo-key", budget, DIALECT, limits=Limits(attempts=1))
        self._client = stack.enter_context(closing(client))
        self._ids = self._api.account.ids("leads")
        self._reads = 0
        self.laps: list[Lap] = []

    def read(self, lap: Lap | None, *faults: str) -> int:
        """Requests of a read, from there on."""
        self._api.set_faults(map(parse_fault, (*self._faults, *faults)))
        self._api.reset()
        self._reads += 1
        folder = self._folder / str(self._reads)
        folder.mkdir()
        leads, live = ENDPOINTS["leads"], LiveRows(ids=self._ids)
        reading = Extraction(self._client, leads, folder, live=lambda _: live, lap=lap, load_part=self._load)
        extract = reading.run()
        if extract.closing is None or not extract.closing.is_closed:
            raise SystemExit(f"not current: {extract.reason}")
        return self._api.count("leads")

    def _load(self, part: Extract) -> int:
        if part.lap is not None:
            self.laps.append(part.lap)
        return len(self.laps)


def main() -> None:
    """Count, and print a line each."""
    for faults, name in [((), "total sent"), (("no_total",), "no total")]:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            account = Interrupted(Path(folder), stack, *faults)
            try:
                account.read(None, f"status=503@leads+{OUTAGE}")
            except Unavailable:
                *_, killed, outage = account.laps
            print(f"{name}: outage after {OUTAGE} requests: {account.read(outage):,} more")
            print(f"{name}: killed after {OUTAGE} requests: {account.read(killed):,} more", flush=True)


if __name__ == "__main__":
    main()
