"""Names of fields that only the server knows. In an open map they may be anything, an e-mail address too."""

import re
from collections.abc import Iterable, Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_MOST = 20
"""Names that one sentence lists."""


def shown_names(names: Iterable[str], most: int | None = None) -> tuple[list[str], int]:
    """The names that may leave the warehouse, because they look like identifiers, and the number of the others.

    `most`: no more than that many; None for all.
    """
    every = sorted(names)
    plain = [name for name in every if _PLAIN.fullmatch(name)][:most]
    return plain, len(every) - len(plain)


def further(count: int) -> str:
    """What stands in the place of names that are not shown."""
    return f"{count:,} further"


def shown_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """A count per name, with those of the names that are not shown added up under one."""
    plain, others = shown_names(counts, _MOST)
    shown = {name: counts[name] for name in plain}
    if others:
        shown[further(others)] = sum(counts.values()) - sum(shown.values())
    return shown


def shown_list(names: Iterable[str]) -> str:
    """The names in a sentence."""
    plain, others = shown_names(names, _MOST)
    return ", ".join([*plain, *([further(others)] if others else [])])
