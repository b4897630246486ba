"""A full read that is done in parts: how far it went."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """How far a full read in parts has gone, so that any process can go on with it. Times in UTC.

    `began`: begin of its first part; at `expires_at` it is too old to go on with. `highest`: id of the last row that
    was read, `rank`: the rows of the list below it. `rows`, `requests`, `rejected`: sums so far, of different rows, of
    requests (retries left out), of records that cannot be rows. `total`: rows of the list as the server stated them.
    `params`: a digest of the query parameters. `calibrated`: within each part offsets counted just the rows that were
    read. `resume_at`: where the day's requests have ended, when there are new ones; else None.
    """

    began: datetime
    expires_at: datetime
    highest: int
    rank: int
    rows: int
    requests: int
    params: str
    rejected: int = 0
    total: int | None = None
    calibrated: bool = True
    resume_at: datetime | None = None

    def sentence(self, name: str) -> str:
        """`things: 120,000 of 300,000 rows, goes on tomorrow at 00:05 UTC`."""
        total = f" of {self.total:,}" if self.total else ""
        when = f"tomorrow at {self.resume_at:%H:%M} UTC" if self.resume_at else "with the next sync"
        return f"{name}: {self.rows:,}{total} rows, goes on {when}"
