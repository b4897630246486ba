"""What an examination found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad a finding is. `warning`: syncs work, but cost more or prove less than they could."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact in a sentence; never a payload, a key or a query string."""

    topic: str
    state: State
    says: str
    advice: str = ""
