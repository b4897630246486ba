"""How this CRM shows that something has changed, without a list being read.

The list of leads can be asked for the row that changed last, with the number of leads (`DIALECT.ordering.by_change`):
one request, and the only sign of a deletion. Every other list shows a change only in itself. The log of webhook
deliveries costs one request too, and the names of its events tell which lists changed, but only for events to which a
webhook of the account subscribes. So it adds to looking and cannot replace it. No event tells of users, teams, tags,
categories or webhooks.
"""

from leads_assets.engine.declare import EventLog

EVENTS = EventLog(
    name_key="event",
    announces={
        "steps": ("account.step.",),
        "pipelines": ("account.pipeline.",),
        "clients_folders": ("client_folder.",),
        "fields": ("account.default_field.",),
        "leads": ("lead.",),
        "follow_ups": ("task.",),
        "prospecting_lists": ("prospect.",),
    },
)
