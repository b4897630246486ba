"""The invented names and texts that the demo rows are made of."""

FIRST_NAMES = (
    "Ada", "Bruno", "Chloé", "Dario", "Elif", "Farah", "Gustav", "Hélène", "Ines", "Jonas", "Kaito", "Léa",
    "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Ursula", "Viktor", "Wanda", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Bergström", "Castell", "Dubois", "Eriksen", "Fontaine", "García", "Hartmann", "Ivanova", "Jansen",
    "Kovács", "Lindqvist", "Moreau", "Nakamura", "O'Neill", "Pereira", "Quist", "Rossi", "Schäfer", "Tanaka",
    "Ulrich", "Varga", "Weiss", "Yılmaz", "Zieliński",
)  # fmt: skip
COMPANY_ROOTS = (
    "Aldergate", "Brightmoor", "Copperfield Nine", "Dunvale", "Eastmere", "Fernhollow", "Glasswater", "Hillcroft",
    "Ironbay", "Juniper Row", "Kestrelwood", "Larkspur", "Millhaven", "Northwick", "Oakridge Sud", "Pinecastle",
    "Quarrystone", "Rivermark", "Saltmarsh", "Thornbury", "Umberfall", "Vallée Verte", "Westholm", "Yarrowfield",
)  # fmt: skip
COMPANY_FORMS = ("GmbH", "SARL", "Ltd", "& Sons", "Industries", "Studio", "Logistics", "Énergie", "Foods", "Labs")
TOPICS = (
    "annual maintenance", "pilot project", "website relaunch", "spare parts", "training days", "fleet renewal",
    "solar roof", "warehouse racks", "office move", "support contract", "canteen", "security audit",
    "rénovation du siège", "Büroausstattung", "second site", "data migration",
)  # fmt: skip
SENTENCES = (
    "Met at the trade fair and asked for a quote by the end of the month.",
    "Wants to compare two offers before the board meets.",
    "Budget is confirmed, the decision rests with the head of purchasing.",
    "Prefers calls in the morning; écrire plutôt en français.",
    "Asked for references from the same trade.",
    "Came through a partner, so the discount has to be cleared first.",
    "The previous supplier's contract runs out in autumn.",
    "Sent the brochure \"Line & Form\" and the price list 📎.",
    "Very keen 🚀, follow up soon.",
    "Needs delivery in three stages, the first before the holidays.",
    "Signature is expected once legal has read § 4 of the terms.",
    "Größe und Farbe sind noch offen.",
)  # fmt: skip
TAGS = (
    ("hot", "warm", "cold", "returning", "référence"),
    ("fair", "web form", "phone", "partner", "newsletter"),
    ("north", "south", "east", "west", "overseas"),
    ("retail", "industry", "public sector", "énergie"),
    ("urgent", "this quarter", "next year", "no date"),
    ("small", "medium", "large", "très grand 🐘"),
)
CATEGORIES = ("Temperature", "Source", "Region", "Sector", "Timing", "Size")
PIPELINES = ("New business", "Renewals", "Partnerships")
STEPS = (
    ("Incoming", "Qualified", "Quote sent", "Negotiation", "Contract"),
    ("To renew", "Contacted", "Offer made", "Objection", "Renewed"),
    ("First talk", "Terms", "Trial", "Agreement"),
)
RENAMED_STEP = ("Quote sent", "Offer sent", "Proposal sent")
REPLACED_STEP = ("Trial", "Pilot", "Proof of concept", "Test phase")
RETITLED = ("{}", "{} (phase 2)", "URGENT: {}", "{} + option")
TEAMS = ("Field sales", "Inside sales", "Key accounts", "Équipe Sud")
FIELDS = (
    ("First name", "string"), ("Last name", "string"), ("Email", "email"), ("Phone", "phone"), ("Company", "string"),
    ("Site web", "url"), ("N° client", "string"), ("e-mail (2)", "email"), ("Address", "text"), ("Postcode", "string"),
    ("Ville", "string"), ("Country", "list"), ("Contract ends", "date"), ("Seats", "integer"), ("Discount %", "number"),
    ("email", "email"), ("Remarques 📝", "text"),
)  # fmt: skip
CLIENT_FIELDS = frozenset({"Company", "Site web", "Address", "Postcode"})
TOWNS = ("Lyon", "Orléans", "Gdańsk", "Bergen", "Graz", "Malmö", "Córdoba", "Leeds", "Évry", "Basel")
COUNTRIES = ("France", "Germany", "Poland", "Norway", "Austria", "España", "United Kingdom", "Schweiz")
REMARKS = ("rappeler après 17 h", "prefers e-mail", "zahlt pünktlich", "new buyer since spring", "2 sites")
ACTIVITIES = (
    "Call", "Meeting", "E-mail", "Visit", "Demo", "Letter", "Lunch", "Missed call", "Video call", "Second meeting",
    "Site visit", "Appel de suivi",
)  # fmt: skip
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
ICONS = ("phone", "calendar", "envelope", "map-pin", "monitor", "file", "coffee")
JOB_TITLES = ("Account manager", "Head of sales", "Sales assistant", "Responsable régionale", "Partner manager")
LOCALES = ("en", "fr", "de", "es", "pl")
TIME_ZONES = ("Europe/Paris", "Europe/Berlin", "Europe/London", "America/Montreal", "Asia/Tokyo")
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "GBP", "CHF")
ORIGINS = ("web", "import", "api", "email", "mobile")
STATUSES = ("todo", "standby", "won", "lost", "cancelled")
CLOSED_STATUSES = frozenset({"won", "lost", "cancelled"})
LEAD_EVENTS = (
    "lead.creation", "lead.status.changed", "lead.step.changed", "lead.assigned", "lead.commented",
    "lead.content_has_changed", "lead.any_update",
)  # fmt: skip
