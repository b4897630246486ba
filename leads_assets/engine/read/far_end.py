"""The other end of a list, shown by the list itself when it is asked backwards."""

from collections.abc import Callable

from leads_assets.engine.errors import EndpointError, Refused
from leads_assets.engine.read.continuity import Continuity, Order
from leads_assets.engine.records.page import Page

_ENOUGH_TO_SEE_AN_ORDER = 2


class FarEnd:
    """Looks at the end of a list; `ask(limit, order)` asks for its first rows in the order opposite to `order`.

    `place` is the id that stands there; None as long as the list has not shown it: it has no order, or the server does
    not heed the direction or refuses to be asked so. `is_hidden`: nothing at all came, so the last rows are left out.
    """

    def __init__(self, ask: Callable[[int, Order], Page], limit: int) -> None:
        self._ask = ask
        self._limit = limit
        self._looked_after: int | None = None
        self.place: int | None = None
        self.is_hidden = False

    def is_due(self, continuity: Continuity) -> bool:
        """Whether a look would tell more than the last one: in order of id what it has shown stays true."""
        return self._looked_after is None or (not continuity.by_id and continuity.distinct > self._looked_after)

    def is_reached(self, continuity: Continuity) -> bool:
        """Whether all rows up to that end lie within what was read."""
        return self.place is not None and continuity.reaches(self.place)

    def look(self, continuity: Continuity) -> None:
        """Ask for it: one request, two where the last rows are left out of their page.

        Raises an ApiError, but none for a refusal; nor for a fault where no order was asked for, since such a
        server may not know how to turn it round.
        """
        self._looked_after, self.place = continuity.distinct, None
        if not continuity.is_ordered:
            return
        try:
            page = self._ask(_ENOUGH_TO_SEE_AN_ORDER, continuity.order)
            if page.width < min(_ENOUGH_TO_SEE_AN_ORDER, continuity.distinct):
                page = self._ask(self._limit, continuity.order)
        except EndpointError as error:
            if continuity.by_id and not isinstance(error, Refused):
                raise
            return
        self.is_hidden = not page.records
        self.place = continuity.far_end(page)
