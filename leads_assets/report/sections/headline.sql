-- title: Now
-- note: The figures of today, and how they have changed within seven days.
-- marts: pipeline_daily, leads, stuck_leads, actions_due, clock
-- empty: There is no lead yet.
WITH k AS (
    SELECT today, time_zone, history_from_day <= today - 7 AS has_week, history_from_day <= date_trunc('month', today) - INTERVAL 1 MONTH AS has_month FROM marts.clock
), per_currency AS (
    SELECT d.currency, sum(d.amount) FILTER (d.is_today) AS value, sum(d.weighted_amount) FILTER (d.is_today) AS weighted,
           sum(d.leads_without_amount) FILTER (d.is_today) AS without_amount, sum(d.open_leads) FILTER (d.is_today) AS leads,
           CASE WHEN any_value(k.has_week) THEN coalesce(sum(d.amount) FILTER (d.day = k.today - 7), 0) END AS before
    FROM marts.pipeline_daily d CROSS JOIN k GROUP BY d.currency
), open AS (
    SELECT l.value, l.nobody,
           CASE WHEN k.has_week THEN (SELECT coalesce(sum(open_leads), 0) FROM marts.pipeline_daily WHERE day = k.today - 7) END AS before
    FROM k, (SELECT count(*) AS value, count(*) - count(user_id) AS nobody FROM live.leads WHERE status IN ('todo', 'standby')) l
), closed AS (          -- of the leads themselves: the mart would work out all that is known of each, only to be counted
    SELECT CAST(l.closed_at AT TIME ZONE k.time_zone AS DATE) AS closed_on FROM live.leads l CROSS JOIN k WHERE l.status = 'won'
), won AS (
    SELECT count(*) FILTER (date_trunc('month', l.closed_on) = date_trunc('month', k.today)) AS value,
           count(*) FILTER (l.closed_on BETWEEN date_trunc('month', k.today) - INTERVAL 1 MONTH AND k.today - INTERVAL 1 MONTH) AS before
    FROM closed l CROSS JOIN k
)
SELECT 1 AS place, 'open' AS what, value::DOUBLE AS value, currency, before::DOUBLE AS before, weighted::DOUBLE AS weighted,
       without_amount::BIGINT AS aside, leads::BIGINT AS leads
FROM per_currency WHERE leads > 0
UNION ALL BY NAME SELECT 2 AS place, 'open leads' AS what, value::DOUBLE AS value, before::DOUBLE AS before, nobody AS aside FROM open
UNION ALL BY NAME SELECT 3 AS place, 'won this month' AS what, value::DOUBLE AS value, before::DOUBLE AS before FROM won
UNION ALL BY NAME SELECT 4 AS place, 'stuck leads' AS what, count(*)::DOUBLE AS value FROM marts.stuck_leads
UNION ALL BY NAME SELECT 5 AS place, 'overdue actions' AS what, count(*)::DOUBLE AS value FROM marts.actions_due WHERE due = 'overdue'
ORDER BY place, leads DESC, currency
