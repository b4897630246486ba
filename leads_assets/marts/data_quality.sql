-- One row a finding and the row that has it: what to mend in the CRM.
-- dated by: leads, follow_ups
-- finding: What is wrong.
-- endpoint: The list that the row is in.
-- id: The row.
-- owner_id: Its owner.
-- title: Its title.
-- currency: Currency of the amount.
-- amount: Amount of the lead, in `currency`.
WITH judged AS (
    SELECT l.id, l.user_id, l.title, l.currency, l.amount, unnest(list_filter([
        CASE WHEN l.is_open AND l.user_id IS NULL THEN 'open lead without owner' END,
        CASE WHEN l.is_open AND (u.is_disabled OR u.is_deleted) THEN 'open lead of a user who has left' END,
        CASE WHEN l.is_open AND l.amount IS NULL THEN 'open lead without amount' END,
        CASE WHEN l.status = 'won' AND l.amount IS NULL THEN 'won lead without amount' END,
        CASE WHEN l.is_open AND l.estimated_closing_date < k.today THEN 'open lead expected to close in the past' END,
        CASE WHEN l.is_open AND l.next_action_at IS NULL THEN 'open lead without a next action' END,
        CASE WHEN l.is_closed AND l.closed_at IS NULL THEN 'closed lead without a time of closing' END,
        CASE WHEN l.is_open AND l.closed_at IS NOT NULL THEN 'open lead with a time of closing' END,
        CASE WHEN l.closed_at < l.created_at THEN 'lead closed before it was created' END,
        CASE WHEN NOT (l.is_open OR l.is_closed) THEN 'lead with an unknown status' END,
        CASE WHEN g.steps > 0 AND s.id IS NULL AND (l.is_open OR l.step_id IS NOT NULL) THEN 'lead without a known step' END,
        CASE WHEN g.customers > 0 AND l.customer_id IS NOT NULL AND c.id IS NULL THEN 'lead of an unknown customer' END,
        CASE WHEN abs(l.weighted_amount - CAST(l.amount AS DOUBLE) * l.probability / 100) > 0.01
             THEN 'weighted amount differs from amount times probability' END,
        CASE WHEN l.amount IS NOT NULL AND l.currency IS NULL THEN 'amount without a currency' END
    ], lambda x: x IS NOT NULL)) AS finding
    FROM (SELECT *, coalesce(status IN ('todo', 'standby'), false) AS is_open,
                 coalesce(status IN ('won', 'lost', 'cancelled'), false) AS is_closed FROM live.leads) l
    CROSS JOIN (SELECT today FROM marts.clock) k
    CROSS JOIN (SELECT (SELECT count(*) FROM every.steps) AS steps, (SELECT count(*) FROM every.clients_folders) AS customers) g
    LEFT JOIN every.users u ON u.id = l.user_id
    LEFT JOIN every.steps s ON s.id = l.step_id
    LEFT JOIN every.clients_folders c ON c.id = l.customer_id
)
SELECT finding, 'leads' AS endpoint, id, user_id AS owner_id, title, currency, amount FROM judged
UNION ALL
SELECT 'follow-up of a lead that is gone', 'follow_ups', f.id, f.user_id, f.title, NULL, NULL
FROM live.follow_ups f ANTI JOIN live.leads l ON l.id = f.lead_id
WHERE f.lead_id IS NOT NULL AND f.status IS DISTINCT FROM 'done'
