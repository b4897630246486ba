"""How this CRM speaks: what its lists have in common in requests and answers."""

from leads_assets.engine.declare import Dialect, Ordering

ORDERING = Ordering(
    order="order",
    direction="direction",
    by_id="id",
    by_change="last_update",
    ascending="asc",
    descending="desc",
)

DIALECT = Dialect(
    key_header="X-API-KEY",
    limit="limit",
    offset="offset",
    total_header="X-TOTAL-COUNT",
    total_key="total",
    ordering=ORDERING,
    wait_headers=("Retry-After", "API-RETRY-AFTER", "API-LIMIT-RESET"),
    error_type="type",
    missing_parameter="missing_parameter",
    instant="%Y-%m-%dT%H:%M:%SZ",
    connection_path="/ping",
)
