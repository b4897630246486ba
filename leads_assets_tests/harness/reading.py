"""Clients and extracts for tests: real sockets, and a clock that jumps instead of waiting."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leads_assets.account.dialect import DIALECT
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.client import ApiClient, Limits
from leads_assets.engine.read.parts import LoadPart
from leads_assets.engine.read.read import Extraction, Progress, ReadOptions
from leads_assets.engine.records.extract import Extract, Verdict
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.state import Held, LiveRows

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class JumpingClock:
    """A clock that only moves when somebody sleeps; `naps` are the sleeps, in seconds. Thread-safe."""

    def __init__(self) -> None:
        self.naps: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        """Seconds since the beginning."""
        with self._lock:
            return sum(self.naps)

    def sleep(self, seconds: float) -> None:
        """Jump."""
        with self._lock:
            self.naps.append(seconds)

    def now(self) -> datetime:
        """The time of day."""
        return NOON + timedelta(seconds=self.clock())


class ClientFactory:
    """Makes clients and reads lists with them; what it opened is closed with the stack."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.time = JumpingClock()
        self.told: list[Progress] = []
        self.count_file = folder / "requests.sqlite"
        self._folder = folder
        self._stack = stack
        self._count = 0

    def budget(self, daily: int = 0, **options: Any) -> RequestBudget:
        """The budget in this test's file."""
        budget = RequestBudget(self.count_file, daily, now=self.time.now, **options)
        self._stack.callback(budget.close)
        return budget

    def client(self, base_url: str, *, key: str = "demo-key", daily: int = 0, **options: Any) -> ApiClient:
        """A client whose waits cost no time, at most 3 attempts unless `limits` says otherwise."""
        settings: dict[str, Any] = {
            "dialect": DIALECT,
            "clock": self.time.clock,
            "sleep": self.time.sleep,
            "now": self.time.now,
            "rng": lambda: 0.5,
            "limits": Limits(attempts=3),
        }
        client = ApiClient(base_url, key, self.budget(daily), **(settings | options))
        self._stack.callback(client.close)
        return client

    def read(
        self,
        source: DemoApi | ApiClient,
        endpoint: str | Endpoint = "leads",
        since: datetime | None = None,
        *,
        held: Held | None = None,
        live: Callable[[datetime], LiveRows] | None = None,
        calibration: str = "",
        lap: Lap | None = None,
        load_part: LoadPart | None = None,
        **options: Any,
    ) -> Extract:
        """One endpoint from a server or through a client."""
        client = self.client(source.base_url) if isinstance(source, DemoApi) else source
        self._count += 1
        folder = self._folder / f"spool{self._count}"
        folder.mkdir()
        return Extraction(
            client,
            ENDPOINTS[endpoint] if isinstance(endpoint, str) else endpoint,
            folder,
            held=lambda _: held or Held(),
            live=live,
            calibration=calibration,
            lap=lap,
            load_part=load_part,
            options=ReadOptions(**options),
            progress=self.told.append,
            clock=self.time.clock,
        ).run(since)


def rows(extract: Extract) -> list[dict[str, Any]]:
    """The spooled rows."""
    return [json.loads(line) for path in extract.spooled.rows for line in path.read_bytes().splitlines()]


def ids(extract: Extract) -> list[int]:
    """The ids of the spooled rows, each once, ascending."""
    return sorted({row["id"] for row in rows(extract)})


def truth(api: DemoApi, endpoint: str = "leads") -> list[int]:
    """The ids that are on the server now, ascending."""
    return sorted(row["id"] for row in api.account.rows(endpoint))


def is_proven(extract: Extract) -> bool:
    """Whether the extract is proven, without a reason against it."""
    return (extract.verdict, extract.reason) == (Verdict.PROVEN, "")
