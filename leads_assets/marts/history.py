"""What a load does to keep the marts: the views, and the history of the leads that it changed.

Both belong inside the load's transaction, after the ledger's row: the history dates changes by it.
"""

from collections.abc import Collection, Mapping

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.warehouse import kept, views
from leads_assets.engine.warehouse.models import KEPT
from leads_assets.engine.warehouse.result import AfterLoad, LoadResult
from leads_assets.engine.warehouse.session import Session
from leads_assets.marts.catalogue import definitions, kept_models


def keeping_marts(endpoints: Mapping[str, Endpoint], zone: str) -> AfterLoad:
    """What each load does for the marts of this account, with days and months in `zone`."""

    def keep(session: Session, result: LoadResult) -> None:
        name = str(result.table.name)
        if KEPT in build_views(session, endpoints, zone):
            return
        if result.row.took_over and name in ("leads", "webhook_events"):  # the log counts as far as it is of the same
            renew_history(session, "webhook_events", zone)
            renew_history(session, "leads", zone)
        elif result.row.inserted == result.facts.rows > 0:
            renew_history(session, name, zone)
        elif result.wrote:
            refresh_history(session, name, result.written, zone)

    return keep


def build_views(
    session: Session, endpoints: Mapping[str, Endpoint], zone: str, *, comments: bool | None = None
) -> frozenset[str]:
    """Make the views of this account that are out of date, and the history where its definition is new.

    `comments`: by default where the engine keeps them. Returns what was made anew, `kept` among it where the
    history was made from all leads; nothing is written where nothing has changed.
    """
    written = session.engine.comments if comments is None else comments
    return views.build_views(session, definitions(session, endpoints, zone, comments=written))


def refresh_history(session: Session, endpoint: str, ids: Collection[int] | str, zone: str) -> None:
    """Bring the history up to date with the rows of `endpoint` that a load inserted, changed, marked or restored.

    `ids`: their ids, or a SELECT of them. Endpoints of which no history is made cost nothing. Needs `build_views`
    before it, with the same time zone; after one that made `kept` anew there is nothing left to do.
    """
    if endpoint not in ("leads", "webhook_events", "fields") or not ids:
        return
    listed = ids if isinstance(ids, str) else f"SELECT unnest([{', '.join(map(str, ids))}]::BIGINT[])"
    events, *of_leads = kept_models()
    if endpoint == "fields":  # rarely, and then all leads
        kept.refresh(session, of_leads[-1:], zone, "SELECT id FROM every.leads")
    elif endpoint == "webhook_events":
        kept.refresh(session, [events], zone, listed)
        about = f"SELECT lead_id FROM kept.lead_events WHERE event_id IN ({listed})"
        kept.refresh(session, of_leads, zone, about)
    else:
        kept.refresh(session, of_leads, zone, listed)


_ALL_LEADS = "SELECT id FROM every.leads UNION SELECT lead_id FROM kept.lead_history"
_ALL_EVENTS = "SELECT id FROM every.webhook_events UNION SELECT event_id FROM kept.lead_events"


def renew_history(session: Session, endpoint: str, zone: str) -> None:
    """Make the history anew after a load that made the table of `endpoint`: what it held before is gone."""
    if endpoint == "webhook_events":
        told = session.run("looking for leads with events", "SELECT DISTINCT lead_id FROM kept.lead_events")
        refresh_history(session, endpoint, _ALL_EVENTS, zone)
        refresh_history(session, "leads", [lead for (lead,) in told if lead is not None], zone)
    else:
        refresh_history(session, endpoint, _ALL_LEADS, zone)
