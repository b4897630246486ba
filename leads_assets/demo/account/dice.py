"""Deterministic draws: the same seed, list and id give the same row on every machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

Draw = Callable[[], float]
"""Gives the next of the random numbers from 0 to 1 that belong to one row."""

_MASK = (1 << 64) - 1


def mix(seed: int, number: int) -> int:
    """A well-scattered 64-bit value for `number`; an order of magnitude cheaper than `SeededRandom`."""
    value = (number * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=16_384)
def day(days: int) -> str:
    """A day, counted from the epoch, as `YYYY-MM-DD`."""
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()


def iso(milliseconds: int) -> str:
    """An epoch time in milliseconds as ISO-8601 UTC text with milliseconds and `Z`."""
    # By hand, because a page holds several hundred of these and `datetime` takes twice as long.
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{day(days)}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:03d}Z"


def pick(draw: Draw, choices: Sequence[T]) -> T:
    """One of the choices, by one random number."""
    return choices[int(draw() * len(choices))]


class SeededRandom:
    """Draws for one row: enough for about sixty small draws, after which every draw is the first choice."""

    __slots__ = ("_bits",)

    def __init__(self, seed: int, kind: str, number: int) -> None:
        self._bits = int.from_bytes(blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=64).digest(), "big")

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        self._bits, drawn = divmod(self._bits, limit)
        return drawn

    def chance(self, percent: int) -> bool:
        """True in `percent` of 100 cases."""
        return self.below(100) < percent

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.below(len(choices))]


@dataclass(frozen=True, slots=True)
class IdScheme:
    """Sparse ascending ids that can be computed, so that a million of them need no table."""

    seed: int
    base: int
    stride: int

    def at(self, index: int) -> int:
        """The id at a position; negative positions give ids below the first."""
        return self.base + index * self.stride + mix(self.seed, index) % self.stride

    def index(self, row_id: int) -> int:
        """The position of an id of this scheme."""
        return (row_id - self.base) // self.stride
