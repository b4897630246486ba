"""Who sells in the demo account: uneven shares, uneven skill, and people who leave and are replaced for a year."""

from collections.abc import Sequence
from math import exp
from statistics import NormalDist

from leads_assets.demo.account.dice import mix
from leads_assets.demo.account.worktime import DAY, moment

SELLERS: Sequence[int] = tuple(range(1, 18))
"""Positions of the users who own leads; the others administer the account, import lists, or have left for good."""
ASSISTANT, INTEGRATION = 18, 19
"""Positions of the users who create the leads that are imported, and those that another program sends."""
_LEFT_FOR_GOOD = (20, 21)
_LEAVERS: Sequence[int] = (3, 6, 9, 12, 14, 16)
_CYCLE, _PRESENT = 1_096 * DAY, 850 * DAY
_SHARES = 1_024
_SPREAD_OF_SHARES, _SPREAD_OF_SKILL = 0.8, 0.4


def _since_start(user: int, moment: int) -> int:
    """Milliseconds since the user's present cycle of being there and being away began."""
    return (moment + _LEAVERS.index(user) * _CYCLE // len(_LEAVERS)) % _CYCLE


def can_leave(user: int) -> bool:
    """Whether the user at that position is sometimes away for long."""
    return user in _LEAVERS


def has_left(user: int, moment: int) -> bool:
    """Whether the user at that position is away at a moment in epoch milliseconds."""
    return user in _LEFT_FOR_GOOD or (user in _LEAVERS and _since_start(user, moment) >= _PRESENT)


def leaves_at(user: int, moment: int) -> int | None:
    """When the user at that position, there at the moment, leaves next, in epoch milliseconds."""
    return moment + _PRESENT - _since_start(user, moment) if user in _LEAVERS else None


def last_change(user: int, moment: int) -> int | None:
    """When the user at that position last left or came back, in epoch milliseconds; None where that never happens."""
    if user not in _LEAVERS:
        return None
    since = _since_start(user, moment)
    return moment - since + (_PRESENT if since >= _PRESENT else 0)


class Staff:
    """The sellers of an account: their shares of the leads and their skill follow from its seed."""

    def __init__(self, seed: int) -> None:
        shares = [exp(_SPREAD_OF_SHARES * _normal(seed + 31, user)) for user in SELLERS]
        self._desk: list[int] = []
        for user, share in zip(SELLERS, shares, strict=True):
            self._desk += [user] * max(1, round(_SHARES * share / sum(shares)))
        self._skill = {user: exp(_SPREAD_OF_SKILL * _normal(seed + 32, user)) for user in SELLERS}

    def skill(self, user: int) -> float:
        """What the seller makes of the odds: 1 is usual."""
        return self._skill[user]

    def seller(self, draw: float, work: float) -> int:
        """The position of the user who gets a lead at a work time: by `draw` (0 to 1), among those who are there."""
        user = self._desk[int(draw * len(self._desk))]
        if user in _LEAVERS:
            now = moment(work)
            while has_left(user, now):
                user = SELLERS[(SELLERS.index(user) + 1) % len(SELLERS)]
        return user


def _normal(seed: int, number: int) -> float:
    return NormalDist().inv_cdf((mix(seed, number) % 1_000 + 0.5) / 1_000)
