-- One row a version of a lead: what it was from one change to the next. The load keeps it, read marts.lead_history.
-- kept by: lead_id of every.leads
-- lead_id: The lead.
-- version: Number of the version, from 1 on.
-- valid_from: From when on it was so; for the first version the lead's creation.
-- valid_to: Until when it was so; null for now.
-- known_from: From when on this was seen; before it is assumed.
-- not_before: The change lies after this moment: the latest at which the version before was seen.
-- known_by: What told of it: the journal of the syncs, or an event of the webhook log.
-- ended_by_deletion: Whether the version ended because the lead was deleted.
-- status: Status then.
-- step_id: Step then.
-- amount: Amount then, in `currency`.
-- weighted_amount: Amount times probability then, in `currency`.
-- probability: Chance of winning then, in percent.
-- user_id: Owner then.
-- currency: Currency then; today's for versions from before it was kept.
-- closed_at: When the lead was closed, as it was said then.
-- next_action_at: Next action, as it was planned then.
-- status_before: Status of the version before; null for the first.
-- user_id_before: Owner of the version before.
-- whole_life_seen: Whether the lead was created after the history began, so that nothing of it is assumed.
-- times_reassigned: How often the owner had changed by then.
-- times_reopened: How often it had been opened again after it was closed, by then.
-- times_postponed: How often its next action had been moved to a later time, by then.
-- valid_from_on: Day of `valid_from` in the report's time zone.
-- valid_to_on: Day of `valid_to` in the report's time zone.
-- known_from_on: Day of `known_from` in the report's time zone.
WITH own AS (           -- the loads of leads since the account that they are of took over: others tell nothing of them
    SELECT * FROM (SELECT *, max(number) FILTER (took_over) OVER () AS taken_over FROM ops.sync_runs WHERE endpoint = 'leads')
    WHERE coalesce(number >= taken_over, true)
), reads AS (           -- in their order; what each may rely on of those before it
    SELECT run_id, loaded_at, began_at, row_number() OVER w AS number,
           last_value(CASE WHEN mode <> 'part' THEN began_at END IGNORE NULLS) OVER before AS whole_before,
           last_value(CASE WHEN mode <> 'part' AND verdict IN ('proven', 'current') THEN began_at END IGNORE NULLS)
               OVER before AS sure_before
    FROM own
    WINDOW w AS (ORDER BY coalesce(number, 0), loaded_at, run_id),
           before AS (ORDER BY coalesce(number, 0), loaded_at, run_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), rows AS (            -- from when on each lead was seen, and whether it was there before
    SELECT l.id, l.status, l.step_id, l.amount, l.weighted_amount, l.probability, l.user_id, l.currency, l.closed_at,
           l.next_action_at, l.updated_at, l._deleted_at AS deleted_at,
           coalesce(l.created_at, l.updated_at, r.began_at, f.seen_at, f.began_at) AS created_at,
           coalesce(r.began_at, f.seen_at, f.began_at) AS first_seen_at,
           coalesce(r.whole_before, r.began_at, f.seen_at, f.began_at) AS not_there_at,
           r.number AS first_number, o.taken_over
    FROM every.leads l SEMI JOIN wanted ON wanted.key = l.id
    LEFT JOIN (SELECT loaded_at, min(number) AS number, any_value(began_at) AS began_at,
                      any_value(whole_before) AS whole_before FROM reads GROUP BY loaded_at) r ON r.loaded_at = l._first_seen_at
    CROSS JOIN (SELECT min(began_at) FILTER (mode <> 'part') AS began_at, max(taken_over) AS taken_over FROM own) o
    CROSS JOIN LATERAL (SELECT o.began_at, CASE WHEN o.taken_over IS NULL THEN l._first_seen_at END AS seen_at) f
    WHERE l._deleted_at IS NULL OR r.number IS NOT NULL OR o.taken_over IS NULL
), changes AS (         -- one row a lead and load; a struct tells "not changed" from "was null"
    SELECT id, seen_at, run_id, max(changed_at) AS changed_at,
           any_value({'v': old}) FILTER (field = 'status') AS status_was,
           any_value({'v': TRY_CAST(old AS BIGINT)}) FILTER (field = 'step_id') AS step_was,
           any_value({'v': TRY_CAST(old AS DECIMAL(18, 4))}) FILTER (field = 'amount') AS amount_was,
           any_value({'v': TRY_CAST(old AS DECIMAL(18, 4))}) FILTER (field = 'weighted_amount') AS weighted_was,
           any_value({'v': TRY_CAST(old AS DOUBLE)}) FILTER (field = 'probability') AS probability_was,
           any_value({'v': TRY_CAST(old AS BIGINT)}) FILTER (field = 'user_id') AS user_was,
           any_value({'v': old}) FILTER (field = 'currency') AS currency_was,
           any_value({'v': TRY_CAST(old AS TIMESTAMPTZ)}) FILTER (field = 'closed_at') AS closed_was,
           any_value({'v': TRY_CAST(old AS TIMESTAMPTZ)}) FILTER (field = 'next_action_at') AS action_was,
           bool_or(new IS NOT NULL) FILTER (field = '_deleted_at') AS gone
    FROM ops.changes c SEMI JOIN wanted ON wanted.key = c.id
    WHERE endpoint = 'leads' AND field IN ('status', 'step_id', 'amount', 'weighted_amount', 'probability', 'user_id',
                                           'currency', 'closed_at', 'next_action_at', '_deleted_at')
    GROUP BY id, seen_at, run_id
), dated AS (           -- the server's time where it can be the time of this change, else the begin of the read that saw it
    SELECT c.*, r.number, r.sure_before AS not_before,
           CASE WHEN c.gone THEN c.seen_at
                WHEN c.changed_at <= c.seen_at AND (r.sure_before IS NULL OR c.changed_at > r.sure_before)
                     AND c.changed_at IS DISTINCT FROM lag(c.changed_at) OVER w
                THEN c.changed_at
                ELSE coalesce(r.began_at, c.seen_at) END AS since
    FROM changes c JOIN rows l ON l.id = c.id LEFT JOIN reads r ON r.loaded_at = c.seen_at AND r.run_id = c.run_id
    WHERE CASE WHEN r.number IS NULL THEN l.taken_over IS NULL
               ELSE coalesce(r.number > l.first_number, true) END  -- before its first sight the id was another lead's
    WINDOW w AS (PARTITION BY c.id ORDER BY coalesce(r.number, 0), c.seen_at)
), told AS (            -- the log of webhooks: moves between two reads, and days before the first
    SELECT e.*, r.updated_at FROM kept.lead_events e JOIN rows r ON r.id = e.lead_id
    WHERE e.shown_at > r.created_at AND e.shown_at <= r.updated_at
    QUALIFY row_number() OVER (PARTITION BY e.lead_id, e.shown_at ORDER BY e.event_id DESC) = 1
), still AS (           -- nothing is told of them, as of most after a first sync: they cost no window
    SELECT r.*, CASE WHEN created_at >= not_there_at THEN created_at
                     ELSE greatest(created_at, least(updated_at, first_seen_at)) END AS known_from
    FROM rows r ANTI JOIN (SELECT id FROM changes UNION ALL SELECT lead_id FROM told) m ON m.id = r.id
    WHERE r.deleted_at IS NULL
), seen AS (            -- in the order in which they were seen: the first sight, each change, a deletion that left no trace
    SELECT id, created_at AS since, 0 AS number, false AS gone FROM rows r ANTI JOIN still s ON s.id = r.id
    UNION ALL BY NAME
    SELECT * EXCLUDE (changed_at, run_id) FROM dated
    UNION ALL BY NAME
    SELECT r.id, r.deleted_at AS since, r.deleted_at AS seen_at, 9223372036854775807 AS number, true AS gone
    FROM rows r LEFT JOIN dated c ON c.id = r.id AND c.seen_at = r.deleted_at AND c.gone
    WHERE r.deleted_at IS NOT NULL AND c.id IS NULL
), filled AS (          -- what a field was is what the next change of it says it was, else what it is now
    SELECT id, not_before, number = 0 AND seen_at IS NULL AS is_first,
           max(since) OVER so_far AS since, last_value(gone IGNORE NULLS) OVER so_far AS gone,
           coalesce(number, 0) AS number, seen_at,
           first_value(status_was IGNORE NULLS) OVER later AS status_was,
           first_value(step_was IGNORE NULLS) OVER later AS step_was,
           first_value(amount_was IGNORE NULLS) OVER later AS amount_was,
           first_value(weighted_was IGNORE NULLS) OVER later AS weighted_was,
           first_value(probability_was IGNORE NULLS) OVER later AS probability_was,
           first_value(user_was IGNORE NULLS) OVER later AS user_was,
           first_value(currency_was IGNORE NULLS) OVER later AS currency_was,
           first_value(closed_was IGNORE NULLS) OVER later AS closed_was,
           first_value(action_was IGNORE NULLS) OVER later AS action_was
    FROM seen
    WINDOW so_far AS (PARTITION BY id ORDER BY coalesce(number, 0), seen_at NULLS FIRST ROWS UNBOUNDED PRECEDING),
           later AS (PARTITION BY id ORDER BY coalesce(number, 0), seen_at NULLS FIRST
                     ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
), states AS (
    SELECT f.id, f.since, f.number, f.seen_at, f.gone, f.is_first, f.not_before, 'journal' AS known_by,
           CASE WHEN f.status_was IS NULL THEN r.status ELSE f.status_was.v END AS status,
           CASE WHEN f.step_was IS NULL THEN r.step_id ELSE f.step_was.v END AS step_id,
           CASE WHEN f.amount_was IS NULL THEN r.amount ELSE f.amount_was.v END AS amount,
           CASE WHEN f.weighted_was IS NULL THEN r.weighted_amount ELSE f.weighted_was.v END AS weighted_amount,
           CASE WHEN f.probability_was IS NULL THEN r.probability ELSE f.probability_was.v END AS probability,
           CASE WHEN f.user_was IS NULL THEN r.user_id ELSE f.user_was.v END AS user_id,
           CASE WHEN f.currency_was IS NULL THEN r.currency ELSE f.currency_was.v END AS currency,
           CASE WHEN f.closed_was IS NULL THEN r.closed_at ELSE f.closed_was.v END AS closed_at,
           CASE WHEN f.action_was IS NULL THEN r.next_action_at ELSE f.action_was.v END AS next_action_at
    FROM filled f JOIN rows r ON r.id = f.id
    QUALIFY row_number() OVER (PARTITION BY f.id, f.since ORDER BY f.number DESC, f.seen_at DESC) = 1
), events AS (          -- what an event does not show is as in the version around it
    SELECT t.lead_id AS id, t.shown_at AS since, s.gone, false AS is_first, 'event' AS known_by,
           CASE WHEN t.status IS NULL THEN s.status ELSE t.status.v END AS status,
           CASE WHEN t.step_id IS NULL THEN s.step_id ELSE t.step_id.v END AS step_id,
           CASE WHEN t.amount IS NULL THEN s.amount ELSE t.amount.v END AS amount,
           CASE WHEN t.weighted_amount IS NULL THEN s.weighted_amount ELSE t.weighted_amount.v END AS weighted_amount,
           CASE WHEN t.probability IS NULL THEN s.probability ELSE t.probability.v END AS probability,
           CASE WHEN t.user_id IS NULL THEN s.user_id ELSE t.user_id.v END AS user_id,
           CASE WHEN t.currency IS NULL THEN s.currency ELSE t.currency.v END AS currency,
           CASE WHEN t.closed_at IS NULL THEN s.closed_at ELSE t.closed_at.v END AS closed_at,
           CASE WHEN t.next_action_at IS NULL THEN s.next_action_at ELSE t.next_action_at.v END AS next_action_at
    FROM told t ASOF JOIN states s ON s.id = t.lead_id AND t.shown_at >= s.since
    WHERE t.shown_at > s.since AND t.shown_at < t.updated_at
), closing AS (         -- whatever events told, the lead is now what its row says
    SELECT s.* REPLACE (t.updated_at AS since, false AS is_first, 'event' AS known_by, NULL AS not_before)
    FROM states s JOIN (SELECT DISTINCT lead_id, updated_at FROM told) t ON t.lead_id = s.id
    QUALIFY row_number() OVER (PARTITION BY s.id ORDER BY s.since DESC) = 1 AND s.since < t.updated_at
), timeline AS (
    FROM states UNION ALL BY NAME FROM events UNION ALL BY NAME FROM closing
), versions AS (        -- an event that tells nothing new is no version
    SELECT * FROM timeline WINDOW w AS (PARTITION BY id ORDER BY since)
    QUALIFY known_by = 'journal' OR (status, step_id, amount, weighted_amount, probability, user_id, currency, closed_at, next_action_at)
        IS DISTINCT FROM lag((status, step_id, amount, weighted_amount, probability, user_id, currency, closed_at, next_action_at)) OVER w
), ordered AS (
    SELECT *, lead(since) OVER w AS until, coalesce(lead(gone) OVER w, false) AS is_deleted,
           greatest(not_before, lag(since) OVER w) AS after,      -- greatest skips nulls
           lag(status) OVER w AS status_before, lag(user_id) OVER w AS user_id_before,
           row_number() OVER w > 1 AND user_id IS DISTINCT FROM lag(user_id) OVER w AS is_reassigned,
           next_action_at > lag(next_action_at) OVER w AS is_postponed,
           status IN ('todo', 'standby') AND lag(status) OVER w IN ('won', 'lost', 'cancelled') AS is_reopened
    FROM versions WINDOW w AS (PARTITION BY id ORDER BY since)
), known AS (
    SELECT o.*,         -- from when on this is seen, not assumed
           CASE WHEN NOT o.is_first OR o.since >= r.not_there_at THEN o.since
                WHEN o.until IS NULL THEN greatest(o.since, least(r.updated_at, r.first_seen_at))
                ELSE greatest(o.since, least(o.until, r.first_seen_at)) END AS known_from,
           r.created_at >= r.not_there_at AS whole_life_seen
    FROM ordered o JOIN rows r ON r.id = o.id
    WHERE NOT o.gone
)
SELECT id AS lead_id, row_number() OVER w AS version, since AS valid_from, until AS valid_to, known_from, after AS not_before,
       known_by, is_deleted AS ended_by_deletion, status, step_id, amount, weighted_amount, probability, user_id, currency,
       closed_at, next_action_at, status_before, user_id_before, whole_life_seen,
       count(*) FILTER (is_reassigned) OVER so_far AS times_reassigned,
       count(*) FILTER (is_reopened) OVER so_far AS times_reopened,
       count(*) FILTER (is_postponed) OVER so_far AS times_postponed,
       CAST(since AT TIME ZONE $zone AS DATE) AS valid_from_on, CAST(until AT TIME ZONE $zone AS DATE) AS valid_to_on,
       CAST(known_from AT TIME ZONE $zone AS DATE) AS known_from_on
FROM known
WINDOW w AS (PARTITION BY id ORDER BY since), so_far AS (PARTITION BY id ORDER BY since ROWS UNBOUNDED PRECEDING)
UNION ALL BY NAME
SELECT id AS lead_id, 1 AS version, created_at AS valid_from, CAST(NULL AS TIMESTAMPTZ) AS valid_to,
       known_from, CAST(NULL AS TIMESTAMPTZ) AS not_before, 'journal' AS known_by, false AS ended_by_deletion, status, step_id, amount,
       weighted_amount, probability, user_id, currency, closed_at, next_action_at, CAST(NULL AS VARCHAR) AS status_before,
       CAST(NULL AS BIGINT) AS user_id_before, created_at >= not_there_at AS whole_life_seen, 0 AS times_reassigned,
       0 AS times_reopened, 0 AS times_postponed, CAST(created_at AT TIME ZONE $zone AS DATE) AS valid_from_on,
       CAST(NULL AS DATE) AS valid_to_on,
       CAST(known_from AT TIME ZONE $zone AS DATE) AS known_from_on
FROM still
