"""The steps of the demo account over time: every eleven weeks one is given another name, and one is replaced."""

from collections.abc import Iterator, Sequence

from leads_assets.demo.account import words
from leads_assets.demo.account.worktime import DAY

PLACES: Sequence[tuple[int, int]] = tuple(
    (pipeline, place) for pipeline, names in enumerate(words.STEPS) for place in range(len(names))
)
"""Pipeline and place in it of each slot. A slot is the place of a step; which step stands there may change."""
FIRST_SLOTS: Sequence[int] = tuple(PLACES.index((pipeline, 0)) for pipeline in range(len(words.STEPS)))
RENAMED_SLOT, REPLACED_SLOT = PLACES.index((0, 2)), PLACES.index((2, 2))
REPLACED_PIPELINE = PLACES[REPLACED_SLOT][0]
_ROUND = 77 * DAY
# Mondays at five in the morning.
_FIRST_RENAMING = 1_546_837_200_000 + 14 * DAY
_FIRST_REPLACEMENT = _FIRST_RENAMING + 21 * DAY
_STAGGER = 997
"""Leads are moved to the new step a second after the other, within so many seconds."""


def _rounds(first: int, moment: int) -> int:
    return max(0, (moment - first) // _ROUND)


def step_index(slot: int, moment: int) -> int:
    """The position in the id scheme of the step that stands in the slot at a moment in epoch milliseconds."""
    return len(PLACES) + _rounds(_FIRST_REPLACEMENT, moment) if slot == REPLACED_SLOT else slot


def step_name(slot: int, moment: int) -> str:
    """The name of the step that stands in the slot at a moment in epoch milliseconds."""
    if slot == RENAMED_SLOT:
        return words.RENAMED_STEP[_rounds(_FIRST_RENAMING, moment) % len(words.RENAMED_STEP)]
    if slot == REPLACED_SLOT:
        return words.REPLACED_STEP[_rounds(_FIRST_REPLACEMENT, moment) % len(words.REPLACED_STEP)]
    pipeline, place = PLACES[slot]
    return words.STEPS[pipeline][place]


def slot_of(index: int, moment: int) -> int | None:
    """The slot of the step at that position of the id scheme, None where no such step stands anywhere at the moment."""
    if index == step_index(REPLACED_SLOT, moment):
        return REPLACED_SLOT
    return index if 0 <= index < len(PLACES) and index != REPLACED_SLOT else None


def renamed_at(moment: int) -> int:
    """When the renamed step got its present name, in epoch milliseconds."""
    return _FIRST_RENAMING + _rounds(_FIRST_RENAMING, moment) * _ROUND


def replaced_at(moment: int) -> int:
    """When the replaced step was created, in epoch milliseconds."""
    return _FIRST_REPLACEMENT + _rounds(_FIRST_REPLACEMENT, moment) * _ROUND


def reviews(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Each change of a step after `since` and up to `until`: when, in epoch milliseconds, and in which slot."""
    for first, slot in ((_FIRST_RENAMING, RENAMED_SLOT), (_FIRST_REPLACEMENT, REPLACED_SLOT)):
        for number in range(_rounds(first, since) + 1, _rounds(first, until) + 1):
            yield first + number * _ROUND, slot


def moved_at(since: int, until: int, lead: int) -> Iterator[int]:
    """When the lead at that position, in the replaced step's slot from `since` to `until`, is moved to the new step."""
    for when, slot in reviews(since, until):
        moved = when + lead % _STAGGER * 1000
        if slot == REPLACED_SLOT and since < moved <= until:
            yield moved


def present_steps(moment: int) -> list[int]:
    """The positions in the id scheme of the steps that there are at a moment, ascending."""
    return sorted(step_index(slot, moment) for slot in range(len(PLACES)))
