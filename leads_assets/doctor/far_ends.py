"""Whether a server ends a list before its end: a window, or a cut, shown by the list itself when asked backwards."""

from leads_assets.doctor.findings import Finding, State
from leads_assets.doctor.probing import Answer, Prober
from leads_assets.engine.declare import Endpoint
from leads_assets.engine.errors import EndpointError
from leads_assets.engine.read.ends import is_worth_a_request, looks_cut

_ADVICE = (
    "No read of it can be proven, and deleted rows are never marked; ask the API's operator for a way to read all rows."
)


def look_beyond(prober: Prober, endpoint: Endpoint, first: Answer, limit: int) -> list[Finding]:
    """What stands beyond the end that a read would find, if anything does. Raises RunError.

    One request, of lists only that may be cut; one more of a list of several pages that states a total.
    """
    words = prober.client.dialect.ordering
    rows = len(first.page.records)
    has_more = endpoint.paged and rows >= limit
    if words is None or not first.ids or not (has_more or looks_cut(rows) or is_worth_a_request(rows)):
        return []
    try:
        highest = max(prober.first_page(endpoint, limit, **{words.direction: words.descending}).ids, default=0)
        if not has_more:
            return [] if highest <= max(first.ids) else [_cut(endpoint, f"the first {rows:,} rows")]
        total = first.page.total
        if not total:
            return []
        last = max(prober.page(endpoint, 1, total - 1).ids, default=0)
    except EndpointError:
        return []
    if highest <= last:
        return []
    return [_cut(endpoint, f"the first {total:,} rows" if last else f"fewer than {total:,} rows")]


def _cut(endpoint: Endpoint, part: str) -> Finding:
    says = f"only {part} are served: asked backwards, the list begins with a row beyond them"
    return Finding(endpoint.name, State.WARNING, says, _ADVICE)
