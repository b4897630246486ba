-- One row an event of the webhook log that shows a lead as it was; parsed once, when the load brings it.
-- kept by: event_id of every.webhook_events
-- event_id: The event.
-- lead_id: The lead.
-- shown_at: The lead's last change, as the event shows it: from when on it was so.
-- status: Status then; a struct tells "not in the event" from "null", here and below.
-- step_id: Step then.
-- amount: Amount then.
-- weighted_amount: Amount times probability then.
-- probability: Chance of winning then, in percent.
-- user_id: Owner then.
-- currency: Currency then.
-- closed_at: Time of closing then.
-- next_action_at: Next action then.
-- fields: The values of custom fields by their labels.
WITH leads AS (         -- whose the leads are now, and the run that brought that account
    SELECT arg_max(account, number) AS account, arg_max(run_id, number) FILTER (took_over) AS run_id
    FROM ops.sync_runs WHERE endpoint = 'leads'
), log AS (             -- since when the log can be of the same account
    SELECT any_value(l.account) AS account,
           greatest(max(r.number) FILTER (r.endpoint = 'webhook_events' AND r.took_over),
                    min(r.number) FILTER (r.run_id = l.run_id)) AS number
    FROM ops.sync_runs r CROSS JOIN leads l
), loads AS (
    SELECT loaded_at, min(number) AS number, any_value(account) AS account
    FROM ops.sync_runs WHERE endpoint = 'webhook_events' GROUP BY loaded_at
), told AS (
    SELECT e.id, e.data, TRY_CAST(e.data->>'amount' AS DECIMAL(18, 4)) AS amount, TRY_CAST(e.data->>'probability' AS DOUBLE) AS probability
    FROM every.webhook_events e SEMI JOIN wanted ON wanted.key = e.id
    CROSS JOIN log LEFT JOIN loads ON loads.loaded_at = e._first_seen_at
    WHERE e.event LIKE 'lead.%' AND e.event <> 'lead.deleted'
        AND coalesce(loads.account = log.account, true)
        AND (log.number IS NULL OR coalesce(loads.number >= log.number, false))
)
SELECT id AS event_id, TRY_CAST(data->>'id' AS BIGINT) AS lead_id, TRY_CAST(data->>'updated_at' AS TIMESTAMPTZ) AS shown_at,
       CASE WHEN json_exists(data, '$.status') THEN {'v': data->>'status'} END AS status,
       CASE WHEN json_exists(data, '$.step_id') THEN {'v': TRY_CAST(data->>'step_id' AS BIGINT)} END AS step_id,
       CASE WHEN json_exists(data, '$.amount') THEN {'v': amount} END AS amount,
       CASE WHEN json_exists(data, '$.probalized_amount') THEN {'v': TRY_CAST(data->>'probalized_amount' AS DECIMAL(18, 4))}
            WHEN json_exists(data, '$.amount') AND json_exists(data, '$.probability')
            THEN {'v': TRY_CAST(CAST(amount AS DOUBLE) * probability / 100 AS DECIMAL(18, 4))} END AS weighted_amount,
       CASE WHEN json_exists(data, '$.probability') THEN {'v': probability} END AS probability,
       CASE WHEN json_exists(data, '$.user') THEN {'v': TRY_CAST(data->'user'->>'id' AS BIGINT)} END AS user_id,
       CASE WHEN json_exists(data, '$.currency') THEN {'v': data->>'currency'} END AS currency,
       CASE WHEN json_exists(data, '$.closed_at') THEN {'v': TRY_CAST(data->>'closed_at' AS TIMESTAMPTZ)} END AS closed_at,
       CASE WHEN json_exists(data, '$.next_action_at') THEN {'v': TRY_CAST(data->>'next_action_at' AS TIMESTAMPTZ)} END AS next_action_at,
       coalesce(data->'extended_info'->'fields_by_name', data->'fields_by_name') AS fields
FROM told
