"""Histories of a list, drawn at random, and the judge who holds a search against what happened."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from leads_assets.engine.read.rank_evidence import Evidence, KnownRows
from leads_assets.engine.read.rank_search import RankResult, rank_search
from leads_assets_tests.harness.rank_model import GAP, Change, RankServer

_CHANGES = [
    RankServer.delete,
    RankServer.delete,
    RankServer.restore,
    RankServer.insert,
    RankServer.create,
    RankServer.swap,
]


@dataclass
class History:
    """A server, and what the sync holds when the search begins; pages of `limit` rows."""

    server: RankServer
    held: list[int]
    limit: int
    read: set[int] = field(default_factory=set)
    young: set[int] = field(default_factory=set)
    candidates: set[int] = field(default_factory=set)

    def search(self) -> RankResult:
        """The search that this sync makes."""
        rows = KnownRows(live=self.held, read=self.read, young=self.young, candidates=self.candidates)
        return rank_search(rows, page=self.server.page, last=self.server.last, limit=self.limit, calibrated=True)


def random_history(seed: int) -> History:
    """A list with a past, a future and, every other time, faults."""
    rng = random.Random(seed)
    rows = rng.choice([2, 12, 40, 100, 100, 200])
    held = [GAP * (place + 1) for place in range(rng.randint(rows // 2, rows))]
    gone = _gone_before(rng, len(held))
    server = RankServer([row for place, row in enumerate(held) if place not in gone])
    server.deleted = [row for place, row in enumerate(held) if place in gone]
    server.totals = rng.choice(["true", "true", "none", "none", "capped", "page", "wrong"])
    server.total_error = rng.choice([-20, -3, -1, 1, 2, 20, 1_000])
    history = History(server, held, rng.choice([2, 3, 4, 6, 6, 10]))
    _add_past(history, rng)
    if rng.random() < 0.5:
        _add_faults(server, rng)
    _add_future(server, rng)
    return history


def _gone_before(rng: random.Random, rows: int) -> set[int]:
    """The places of what was deleted before the search: nothing, a few, a block, an end."""
    count = min(rows, rng.choice([0, 0, 1, 1, 1, 2, 3, rows // 4]))
    kind = rng.choice(["scattered", "scattered", "block", "top", "bottom"])
    if kind == "scattered":
        return set(rng.sample(range(rows), count))
    begin = {"block": rng.randrange(rows), "top": rows - count, "bottom": 0}[kind]
    return set(range(begin, begin + count))


def _add_past(history: History, rng: random.Random) -> None:
    server, held = history.server, history.held
    for _ in range(rng.choice([0, 0, 0, 1, 4, 30])):
        server.create()
    fresh = [row for row in server.rows if row > held[-1]]
    history.read = set(fresh[: rng.randrange(len(fresh) + 1)])
    history.read |= {row for row in server.rows if row <= held[-1] and rng.random() < 0.1}
    if rng.random() < 0.3:
        # A row that was restored comes with a new stamp: the filter shows it at once, the list perhaps later.
        lately = [row for row in server.rows if row in history.read or row > held[-1]]
        server.lagging = {row: rng.choice([0, 1, 3, 99]) for row in lately}
    if rng.random() < 0.2:
        history.young = set(held[-rng.randrange(1, 5) :])
        server.lagging |= {row: rng.choice([0, 1, 3, 99]) for row in sorted(history.young)}
    if rng.random() < 0.2:
        for _ in range(rng.choice([1, 1, 2, 12])):
            server.insert(rng.random())
    if rng.random() < 0.3:
        history.candidates = set(held) - history.read - set(server.rows)
        if rng.random() < 0.2:
            history.candidates.add(rng.choice(held))


def _add_faults(server: RankServer, rng: random.Random) -> None:
    if rng.random() < 0.2:
        server.leaks = set(rng.sample(range(12), rng.choice([1, 3, 12])))
    if rng.random() < 0.1:
        server.window = rng.randrange(len(server.rows) + 2)
    if rng.random() < 0.15:
        server.row_cap = rng.randrange(1, 10)
    if rng.random() < 0.1:
        server.byte_cap = rng.randrange(1, 40)
    if rng.random() < 0.1 and server.rows:
        server.hidden = set(rng.sample(server.rows, rng.randrange(min(4, len(server.rows)) + 1)))
    if rng.random() < 0.05 and server.rows:
        server.unusable = rng.choice(server.rows)
    server.ignores_direction = rng.random() < 0.05


def _add_future(server: RankServer, rng: random.Random) -> None:
    kinds = [kind for kind in _CHANGES if rng.random() < 0.5] or [RankServer.delete]
    for _ in range(rng.choice([0, 0, 1, 2, 3, 8, 30])):
        change = _change(rng.choice(kinds), rng.choice([0.0, 0.999, rng.random()]))
        server.changes.setdefault(rng.randrange(12), []).append(change)


def _change(kind: Callable[[RankServer, float], None], share: float) -> Change:
    return lambda server: kind(server, share)


@dataclass(frozen=True)
class Judgement:
    """The rules that a search broke, and the rows gone before it that it missed to balanced pairs."""

    broken: list[str]
    missed: int


def judge(history: History, result: RankResult) -> Judgement:
    """Hold a result against what happened."""
    held = set(history.held) | history.read
    broken = [rule for rule, holds in _rules(history, held, result).items() if not holds]
    if not result.current:
        return Judgement(broken, 0)
    highest = max(held)
    kept = {row for row in (held | set(result.found)) - set(result.gone) if row <= highest}
    # The page that closed the ranks: those after it begin above our highest row.
    closing = [answer for answer in history.server.answers if not kept or answer.first <= max(kept)][-1]
    absent = kept - closing.shown
    unheld = {row for row in closing.counted if row <= highest} - (kept & closing.shown)
    if len(absent) > len(unheld):
        broken.append("current, and more rows are gone than balanced pairs explain")
    missed = kept.difference(*history.server.living)
    return Judgement(broken, len(missed))


def _rules(history: History, held: set[int], result: RankResult) -> dict[str, bool]:
    living = history.server.living
    always = held.intersection(*living)
    ever = frozenset[int]().union(*living)
    gone, found = set(result.gone), set(result.found)
    full_read = -(-len(held) // (history.limit - 1)) + 1
    return {
        "no row that lived all the time is marked": not gone & always,
        "no row that came lately is marked": not gone & (history.young | history.read),
        "no row is marked that was seen again": not gone & found,
        "what is marked was held": gone <= held,
        "what is marked has evidence": all(_shows(evidence, row) for row, evidence in result.gone.items()),
        "what is found was there": found <= ever,
        "what breaks the assumption is called strange": {row for row in found if row < max(held)} <= result.strange,
        "current, or a reason": result.current is (result.reason == ""),
        "current is settled": not (result.current and (result.strange or result.waiting or result.alive)),
        "requests are those that were sent": result.requests == history.server.requests,
        "a search costs no more than a full read": result.requests <= full_read,
    }


def _shows(evidence: Evidence, row: int) -> bool:
    if evidence.offset is None or evidence.first is None:
        return evidence.last < row
    return row < evidence.last and (evidence.offset == 0 or evidence.first < row)
