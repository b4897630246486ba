"""How this CRM shows that something has changed, without a list being read.

The list of leads can be asked for the row that changed last, with the number of leads (`DIALECT.ordering.by_change`):
one request, and the only sign of a deletion. Every other list shows a change only in itself. But the log of webhook
deliveries is one request too, and the names of its events tell which lists changed: of those, only, to which some
webhook of the account subscribes. So it adds to looking and cannot replace it. None tells of users, teams, tags,
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
