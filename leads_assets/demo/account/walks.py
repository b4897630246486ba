"""The life of each lead of the demo account in full: every change of it, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import exp
from operator import itemgetter
from random import Random
from statistics import NormalDist

from leads_assets.demo.account.dice import Draw, mix
from leads_assets.demo.account.fates import Fate
from leads_assets.demo.account.staff import Staff, leaves_at
from leads_assets.demo.account.stages import FIRST_SLOTS, PLACES, REPLACED_SLOT, moved_at
from leads_assets.demo.account.worktime import DAY, moment, worktime

_LENGTHS = tuple(sum(pipeline == number for pipeline, _ in PLACES) for number in range(len(FIRST_SLOTS)))
_PRICES = tuple(exp(0.9 * NormalDist().inv_cdf((n + 0.5) / 512)) for n in range(512))
_MEDIAN_PRICES = (6_000.0, 4_200.0, 11_000.0)
"""Of each pipeline."""
_LOST_AT = (0.32, 0.58, 0.80, 0.93)
"""Share of the leads that are not won which got no further than the first step, the second, ..."""


Act = tuple[float, str, str, int | str | None]
"""One change of a lead: its work time, the event that announces it, the field of its state, and the field's new value.

A plain tuple, because ten of them are made for each lead that is read.
"""


@dataclass(slots=True)
class State:
    """What changes of a lead. `owner` is the position of a user, `touched` and `closed` are work times."""

    slot: int | None
    owner: int | None
    cents: int | None
    status: str = "todo"
    title: int = 0
    comments: int = 0
    acts: int = 0
    touched: float = 0.0
    closed: float | None = None

    def apply(self, act: Act) -> None:
        """Change what the act changes."""
        at, _, key, value = act
        setattr(self, key, value)
        self.acts += 1
        self.touched = at
        if key == "status":
            self.closed = None if value in ("todo", "standby") else at


@dataclass(frozen=True, slots=True)
class Life:
    """A lead as it comes, and everything that happens to it, in order; its coming is the first act.

    `draw` goes on with the lead's own random numbers: what else is drawn for it is the same each time.
    """

    start: State
    acts: Sequence[Act]
    draw: Draw

    def states(self, until: float) -> Iterator[tuple[Act, State]]:
        """Each act up to a work time, and `start` as it is after it. A lead that is still to come has just come."""
        for act in self.acts:
            if act[0] > until and act is not self.acts[0]:
                return
            self.start.apply(act)
            yield act, self.start

    def at(self, until: float) -> State:
        """The state at a work time."""
        for _ in self.states(until):
            pass
        return self.start


@dataclass(slots=True)
class _Plan:
    """A walk while it is being made: its acts in columns, and in `gaps` the share of the time between each two."""

    fate: Fate
    draw: Draw
    slot: int | None
    owner: int | None
    cents: int | None
    comments: int = 0
    events: list[str] = field(default_factory=lambda: ["lead.creation"])
    keys: list[str] = field(default_factory=lambda: ["comments"])
    values: list[int | str | None] = field(default_factory=lambda: [0])
    gaps: list[float] = field(default_factory=list)

    def add(self, event: str, key: str, value: int | str | None, weight: float = 1.0) -> None:
        self.events.append(event)
        self.keys.append(key)
        self.values.append(value)
        self.gaps.append(weight * (0.08 + 2 * self.draw() ** 2))

    def comment(self) -> None:
        self.comments += 1
        self.add("lead.commented", "comments", self.comments)

    def put(self, slot: int) -> None:
        self.slot = slot
        self.add("lead.step.changed", "slot", slot)

    def close(self, status: str, weight: float = 1.0) -> None:
        self.add("lead.status.changed", "status", status, weight)

    def give(self, owner: int, weight: float = 1.0) -> None:
        self.owner = owner
        self.add("lead.assigned", "owner", owner, weight)

    def price(self, cents: int, weight: float) -> None:
        self.cents = cents
        self.add("lead.content_has_changed", "cents", cents, weight)

    def timed(self) -> list[Act]:
        begins, ends = self.fate.begins, self.fate.ends
        pace = (ends - begins) / sum(self.gaps)
        times = [begins, *(begins + pace * part for part in accumulate(self.gaps[:-1])), ends]
        return [*zip(times, self.events, self.keys, self.values, strict=True)]


class Walks:
    """Makes the lives of leads."""

    def __init__(self, seed: int, staff: Staff) -> None:
        self._seed = seed
        self._staff = staff

    def life(self, fate: Fate, now: float) -> Life:
        """The life of the lead; the moves to steps that take the place of others are told up to a work time."""
        draw = Random(mix(self._seed + 20, fate.number)).random
        start = _come(fate, draw)
        walk = self._walk(_Plan(fate, draw, start.slot, start.owner, start.cents))
        return Life(start, walk if fate.stays_put else [*_with_moves(walk, fate.number, now)], draw)

    def _walk(self, plan: _Plan) -> list[Act]:
        if plan.owner is None and plan.fate.seller is not None:
            # It came by itself, and waits until somebody is made its owner.
            plan.give(plan.fate.seller, 0.15)
        _qualify(plan)
        reached = _furthest(plan)
        while plan.slot is not None and plan.slot < reached:
            _go_on(plan, plan.slot, reached)
        if plan.fate.is_reassigned:
            successor = self._staff.seller(plan.draw(), plan.fate.begins)
            if successor != plan.owner:
                plan.give(successor)
        _end(plan)
        return plan.timed() if plan.fate.keeps_owner else self._handed_on(plan)

    def _handed_on(self, plan: _Plan) -> list[Act]:
        """Of the leads of an owner who leaves half are handed on within two weeks; the others are forgotten."""
        walk = plan.timed()
        leaves = None if plan.owner is None else leaves_at(plan.owner, moment(plan.fate.begins))
        if leaves is None or plan.draw() < 0.5:
            return walk
        at = worktime(leaves + int(plan.draw() * 14 * DAY))
        owned = max(since for since, event, _, _ in walk if event in ("lead.creation", "lead.assigned"))
        if not owned < at < plan.fate.ends:
            return walk
        return sorted([*walk, (at, "lead.assigned", "owner", self._staff.seller(plan.draw(), at))], key=itemgetter(0))


def _come(fate: Fate, draw: Draw) -> State:
    by_itself = fate.source in ("web", "api")
    owner = None if by_itself and draw() < 0.7 else fate.seller
    is_loose = fate.source in ("import", "api") and draw() < 0.15
    cents = _price(fate.pipeline, draw) if draw() < 0.5 else None
    return State(None if is_loose else FIRST_SLOTS[fate.comes_from], owner, cents)


def _qualify(plan: _Plan) -> None:
    """A lead without a step, or of another pipeline, is put where it belongs; the first are forgotten at times."""
    fate, first = plan.fate, FIRST_SLOTS[plan.fate.pipeline]
    if plan.slot is None and fate.outcome != "won" and plan.draw() < 0.5:
        return
    if plan.draw() < 0.35:
        plan.comment()
    if plan.slot != first:
        plan.put(first)


def _furthest(plan: _Plan) -> int:
    """The last slot that the lead gets to; a lead can be won a step before the last one."""
    first, length = FIRST_SLOTS[plan.fate.pipeline], _LENGTHS[plan.fate.pipeline]
    draw = plan.draw()
    if plan.fate.outcome == "won":
        return first + length - (2 if draw < 0.06 else 1)
    return first + min(length - 1, sum(draw >= limit for limit in _LOST_AT))


def _go_on(plan: _Plan, slot: int, reached: int) -> None:
    """One step, often with something before it."""
    draw, first = plan.draw, FIRST_SLOTS[plan.fate.pipeline]
    if draw() < 0.35:
        plan.comment()
    if draw() < 0.06:
        plan.close("standby")
        plan.close("todo", 4.0)
    if slot > first and draw() < 0.05:
        plan.put(slot - 1)
        return
    plan.put(slot + (2 if slot + 2 <= reached and draw() < 0.07 else 1))
    if plan.cents is None:
        if draw() < (0.75 if slot > first else 0.45):
            plan.price(_price(plan.fate.pipeline, draw), 0.3)
    elif draw() < 0.22:
        plan.price(max(10_000, round(plan.cents * (0.8 + 0.45 * draw()) / 5_000) * 5_000), 0.5)


def _price(pipeline: int, draw: Draw) -> int:
    """Cents; most prices are round."""
    amount = _MEDIAN_PRICES[pipeline] * _PRICES[int(draw() * len(_PRICES))]
    if draw() < 0.15:
        return round(amount * 100)
    rounded_to = 50 if amount < 5_000 else 250
    return max(1, round(amount / rounded_to)) * rounded_to * 100


def _end(plan: _Plan) -> None:
    """Some are given another title on the way, some are closed too early; of the last act the fate knows when."""
    outcome, draw = plan.fate.outcome, plan.draw
    if draw() < 0.04:
        plan.add("lead.content_has_changed", "title", 1 + int(draw() * 3))
    if draw() < 0.35:
        plan.comment()
    if plan.fate.is_reopened:
        is_at_end = plan.slot == FIRST_SLOTS[plan.fate.pipeline] + _LENGTHS[plan.fate.pipeline] - 1
        plan.close("won" if is_at_end and outcome in ("lost", "cancelled") else "lost")
        plan.close("todo", 0.7)
    if outcome != "asleep":
        plan.close(outcome)
    elif draw() < 0.6:
        plan.close("standby")
    else:
        plan.comment()


def _with_moves(walk: Sequence[Act], number: int, now: float) -> Iterator[Act]:
    """The walk, with the moves up to a work time of a lead whose step is replaced, also after it was closed there."""
    slot: int | str | None = None
    for act, following in zip(walk, [*walk[1:], None], strict=True):
        yield act
        at, _, key, value = act
        slot = value if key == "slot" else slot
        if slot == REPLACED_SLOT and at < now:
            leaves = now if following is None else min(now, following[0])
            for moved in moved_at(moment(at), moment(leaves), number):
                yield worktime(moved), "lead.step.changed", "slot", slot
