-- One row a day, a step and a currency: what was open at the end of that day; today, when leads were last read.
-- dated by: leads
-- day: The day, in the report's time zone, from the beginning of the history on.
-- is_today: Whether it is the last day.
-- pipeline_id: The step's pipeline.
-- pipeline: Name of the pipeline.
-- step_id: The step; null for leads without one.
-- step: Name of the step, as it is called today.
-- position: Order of the step within its pipeline.
-- currency: Currency of the amounts; ? where there is none.
-- open_leads: Open leads.
-- amount: Sum of their amounts, in `currency`.
-- weighted_amount: Sum of their weighted amounts, in `currency`.
-- leads_without_amount: Open leads whose amount is not known.
WITH states AS (        -- what was learned after the last day counts for the last day
    SELECT h.step_id, coalesce(h.currency, '?') AS currency, coalesce(h.amount, 0) AS amount,
           coalesce(h.weighted_amount, 0) AS weighted, (h.amount IS NULL)::INT AS unpriced,
           greatest(least(h.known_from_on, k.today), k.history_from_day) AS first_day,
           CASE WHEN h.valid_to_on IS NOT NULL THEN greatest(least(h.valid_to_on, k.today), k.history_from_day) END AS day_after
    FROM kept.lead_history h CROSS JOIN marts.clock k
    WHERE h.status IN ('todo', 'standby')
), net AS (
    SELECT day, step_id, currency, sum(leads) AS leads, sum(amount) AS amount, sum(weighted) AS weighted, sum(unpriced) AS unpriced
    FROM (
        SELECT first_day AS day, step_id, currency, count(*) AS leads, sum(amount) AS amount, sum(weighted) AS weighted,
               sum(unpriced) AS unpriced
        FROM states WHERE day_after IS NULL OR first_day < day_after GROUP BY ALL
        UNION ALL
        SELECT day_after, step_id, currency, -count(*), -sum(amount), -sum(weighted), -sum(unpriced)
        FROM states WHERE first_day < day_after GROUP BY ALL
    ) GROUP BY ALL
), days AS (
    SELECT k.history_from_day + CAST(n AS INTEGER) AS day
    FROM marts.clock k, range(0, date_diff('day', k.history_from_day, k.today) + 1) t(n)
), sums AS (
    SELECT d.day, g.step_id, g.currency, sum(coalesce(n.leads, 0)) OVER w AS open_leads, sum(coalesce(n.amount, 0)) OVER w AS amount,
           sum(coalesce(n.weighted, 0)) OVER w AS weighted_amount, sum(coalesce(n.unpriced, 0)) OVER w AS leads_without_amount
    FROM days d CROSS JOIN (SELECT DISTINCT step_id, currency FROM net) g
    LEFT JOIN net n ON n.day = d.day AND n.step_id IS NOT DISTINCT FROM g.step_id AND n.currency = g.currency
    WINDOW w AS (PARTITION BY g.step_id, g.currency ORDER BY d.day)
)
SELECT s.day, s.day = k.today AS is_today, t.pipeline_id, p.name AS pipeline, s.step_id, t.name AS step, t.position, s.currency,
       s.open_leads::BIGINT AS open_leads, s.amount, s.weighted_amount, s.leads_without_amount::BIGINT AS leads_without_amount
FROM sums s CROSS JOIN marts.clock k
LEFT JOIN every.steps t ON t.id = s.step_id LEFT JOIN every.pipelines p ON p.id = t.pipeline_id
