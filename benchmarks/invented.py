"""A warehouse of invented leads with a past, written by SQL alone: what the marts are measured on."""

from datetime import UTC, datetime

import duckdb

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.warehouse.schema import BOOKKEEPING
from leads_assets.engine.warehouse.sql import quoted

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
_LIFE, _READS = 540, 177
_BOOKKEEPING = ", ".join(f"{name} {kind}" for name, kind in BOOKKEEPING.items())
_OPS = """
CREATE TABLE ops.sync_runs (run_id VARCHAR, endpoint VARCHAR, number BIGINT, mode VARCHAR, verdict VARCHAR,
    reason VARCHAR, live_rows BIGINT, began_at TIMESTAMPTZ, loaded_at TIMESTAMPTZ, account VARCHAR, took_over BOOLEAN);
CREATE TABLE ops.changes (endpoint VARCHAR, id BIGINT, field VARCHAR, old VARCHAR, new VARCHAR,
    changed_at TIMESTAMPTZ, seen_at TIMESTAMPTZ, run_id VARCHAR);
CREATE VIEW ops.freshness AS
    SELECT endpoint, arg_max(verdict, number) AS verdict, NULL::VARCHAR AS in_progress,
        max(began_at) FILTER (verdict = 'proven') AS changes_as_of,
        max(began_at) FILTER (verdict = 'proven') AS complete_as_of, '' AS reason, 0 AS live_rows
    FROM ops.sync_runs GROUP BY endpoint;
"""
_DICE = "CREATE TEMP MACRO dice(sides, a, b) AS CAST(hash(a, b) % sides AS INTEGER)"
_PEOPLE = """
INSERT INTO main.users BY NAME SELECT i AS id, 'First' || i AS firstname, 'Last' || i AS lastname,
    i % 9 = 0 AS is_disabled, ['Europe/Paris', 'Asia/Tokyo', 'America/Montreal'][1 + i % 3] AS time_zone
    FROM range(1, 31) t(i);
INSERT INTO main.teams BY NAME SELECT i AS id, 'Team ' || i AS name FROM range(1, 5) t(i);
INSERT INTO main.pipelines BY NAME SELECT i AS id, 'Pipeline ' || i AS name FROM range(1, 4) t(i);
INSERT INTO main.steps BY NAME SELECT p * 10 + s AS id, p AS pipeline_id, s AS position, 'Step ' || s AS name
    FROM range(1, 4) a(p), range(1, 6) b(s);
INSERT INTO main.clients_folders BY NAME SELECT i AS id, 'Customer ' || i AS name FROM range(1, 2001) t(i);
INSERT INTO main.fields BY NAME SELECT i AS id, 'Label ' || i AS name, 'lead' AS parent_type,
    ['string', 'number', 'date'][1 + i % 3] AS type FROM range(1, 13) t(i);
"""
_READS_SQL = """
INSERT INTO ops.sync_runs
    SELECT 'run ' || i, e.name, i, 'full', 'proven', '', NULL, began, began + INTERVAL 1 MINUTE, NULL, false
    FROM (SELECT i, {now} - to_days(CAST({reads} - i AS INTEGER)) AS began FROM range(1, {reads} + 1) t(i)),
        unnest({names}) e(name);
"""
_WALKS = """
CREATE TEMP TABLE walks AS          -- one row a state of a lead, in the order of its life
WITH leads AS (
    SELECT i AS id, 1 + dice(3, i, 0) AS pipeline, dice(9, i, 1) AS moves,
        {now} - INTERVAL {life} DAY + to_seconds(i * {life} * 86400.0 / {leads}) AS born,
        CAST(500 + dice(2000000, i, 2) / 100.0 AS DECIMAL(18, 4)) AS amount
    FROM range({leads}) t(i)
), states AS (
    SELECT l.*, m AS state, born + to_seconds(
        sum(CASE WHEN m > 0 THEN 40000 + dice(1000000, id, m * 100 + 3) ELSE 0 END)
        OVER (PARTITION BY id ORDER BY m)) AS since
    FROM leads l, range(0, 9) t(m) WHERE m <= moves
)
SELECT id, state, since, pipeline * 10 + 1 + CASE WHEN dice(20, id, state * 100 + 4) = 0 THEN greatest(0, state - 2)
            ELSE least(state, 4) END AS step_id,
    CASE WHEN state >= 5 THEN CASE WHEN dice(5, id, 5) < 2 THEN 'won' ELSE 'lost' END
         WHEN state = moves AND dice(4, id, 6) = 0 THEN 'lost' WHEN dice(9, id, state * 100 + 7) = 0 THEN 'standby'
         ELSE 'todo' END AS status,
    CAST(least(state, 5) * 20 AS DOUBLE) AS probability,
    amount + 100 * (dice(5, id, state * 100 + 8) = 0)::INT AS amount,
    amount * least(state, 5) / 5 AS weighted_amount, 1 + dice(30, id, state // 4 * 100 + 9) AS user_id
FROM states WHERE since < {now};
"""
_LEADS = """
INSERT INTO main.leads BY NAME
    SELECT w.id, 'Lead ' || w.id AS title, w.step_id, w.status, w.probability, w.amount, w.weighted_amount,
        w.user_id, 1 + w.user_id % 4 AS team_id, 1 + dice(30, w.id, 10) AS created_by_id, b.since AS created_at,
        w.since AS updated_at, CASE WHEN w.status IN ('won', 'lost') THEN w.since END AS closed_at,
        ['EUR', 'EUR', 'EUR', 'USD', 'GBP'][1 + dice(5, w.id, 11)] AS currency,
        ['web', 'import', 'email', 'mobile'][1 + dice(4, w.id, 12)] AS created_from,
        CASE WHEN dice(3, w.id, 13) > 0 THEN {now} + to_hours(CAST(dice(1000, w.id, 14) AS INTEGER) - 500) END
            AS next_action_at,
        1 + dice(2000, w.id, 15) AS customer_id, 'Customer' AS customer_name,
        ['hot', 'warm', 'cold'][1:1 + dice(3, w.id, 16)] AS tags,
        CASE WHEN dice(3, w.id, 17) = 0 THEN 'Met at the fair.' || chr(10) || 'Label 1: ' || w.id || chr(10)
            || 'Label 2: ' || w.id % 77 || chr(10) || 'Label 3: 2026-05-0' || (1 + w.id % 9)
            ELSE 'Wants to compare two offers before the board meets, asked for a quote.' END AS description,
        CASE WHEN dice(50, w.id, 18) = 0 THEN {now} - INTERVAL 3 DAY END AS _deleted_at,
        greatest(date_trunc('day', b.since - INTERVAL 6 HOUR) + INTERVAL 1801 MINUTE, {first} + INTERVAL 1 MINUTE)
            AS _first_seen_at
    FROM (FROM walks QUALIFY row_number() OVER (PARTITION BY id ORDER BY state DESC) = 1) w
    JOIN walks b ON b.id = w.id AND b.state = 0;
INSERT INTO ops.changes
    SELECT 'leads', id, pair.field, pair.old, pair.new, since, seen_at,
        'run ' || (1 + date_diff('day', {first}, seen_at))
    FROM (
        SELECT w.id, w.since, date_trunc('day', w.since - INTERVAL 6 HOUR) + INTERVAL 1801 MINUTE AS seen_at, unnest([
            {{'field': 'step_id', 'old': CAST(o.step_id AS VARCHAR), 'new': CAST(w.step_id AS VARCHAR)}},
            {{'field': 'status', 'old': o.status, 'new': w.status}},
            {{'field': 'probability', 'old': CAST(o.probability AS VARCHAR), 'new': CAST(w.probability AS VARCHAR)}},
            {{'field': 'user_id', 'old': CAST(o.user_id AS VARCHAR), 'new': CAST(w.user_id AS VARCHAR)}},
            {{'field': 'weighted_amount', 'old': CAST(o.weighted_amount AS VARCHAR),
              'new': CAST(w.weighted_amount AS VARCHAR)}},
            {{'field': 'amount', 'old': CAST(o.amount AS VARCHAR), 'new': CAST(w.amount AS VARCHAR)}}]) AS pair
        FROM walks w JOIN walks o ON o.id = w.id AND o.state = w.state - 1 WHERE w.since > {first})
    WHERE pair.old IS DISTINCT FROM pair.new;
INSERT INTO main.webhook_events BY NAME
    SELECT row_number() OVER (ORDER BY since) AS id, 'lead.step.changed' AS event, to_json({{'id': id,
        'updated_at': strftime(since AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'), 'status': status,
        'step_id': step_id, 'amount': amount, 'probability': probability,
        'extended_info': {{'fields_by_name': {{'Label 4': id, 'Label 5': 'x'}}}}}}) AS data
    FROM walks WHERE since > {now} - INTERVAL 10 DAY;
INSERT INTO main.follow_ups BY NAME
    SELECT id, id AS lead_id, 'Deliver' AS title, 'todo' AS status, user_id, next_action_at
    FROM main.leads WHERE status = 'won' AND id % 20 = 0;
DROP TABLE walks;
"""


def invent(connection: duckdb.DuckDBPyConnection, leads: int) -> None:
    """Fill the current database: 18 months of leads, of which the last 177 days were read once a day."""
    connection.execute("CREATE SCHEMA ops;" + _OPS)
    for endpoint in ENDPOINTS.values():
        columns = ", ".join(f"{quoted(column.name)} {column.type.value}" for column in endpoint.columns)
        connection.execute(f"CREATE TABLE main.{quoted(endpoint.name)} ({columns}, {_BOOKKEEPING})")
    now = f"TIMESTAMPTZ '{NOW.isoformat()}'"
    first = f"({now} - INTERVAL {_READS - 1} DAY)"
    connection.execute(_DICE)
    connection.execute(_PEOPLE)
    for part in (_READS_SQL, _WALKS, _LEADS):
        connection.execute(part.format(now=now, first=first, life=_LIFE, reads=_READS, leads=leads, names=[*ENDPOINTS]))
