-- title: Open pipeline
-- note: Amount of open leads at the end of each day, by step, in the currency of most open leads.
-- marts: pipeline_daily, clock
-- empty: No open lead has a step of a pipeline.
-- day (date): Day
-- step (text): Step
-- open_leads (number): Open leads
-- amount (money): Amount
WITH open AS (
    SELECT currency, pipeline_id, sum(open_leads) AS leads FROM marts.pipeline_daily
    WHERE is_today AND pipeline_id IS NOT NULL GROUP BY ALL
), currency AS (
    SELECT currency FROM open GROUP BY ALL ORDER BY sum(leads) DESC, currency LIMIT 1
), pipelines AS (
    SELECT pipeline_id FROM open GROUP BY ALL ORDER BY sum(leads) DESC, pipeline_id LIMIT 6
), chosen AS (         -- no more points than a page can carry: every day of a small account, every few days of a large one
    SELECT ceil(count(*) / 800) AS stride FROM marts.pipeline_daily d JOIN currency USING (currency) JOIN pipelines USING (pipeline_id)
    CROSS JOIN marts.clock k WHERE d.day > k.today - 365
), days AS (
    SELECT d.pipeline, d.pipeline_id, d.day, d.step, d.step_id, d.position, d.open_leads, d.amount, d.currency, d.is_today, k.today
    FROM marts.pipeline_daily d JOIN currency USING (currency) JOIN pipelines USING (pipeline_id) CROSS JOIN marts.clock k
    CROSS JOIN chosen c WHERE d.day > k.today - 365 AND ((k.today - d.day) % c.stride = 0 OR k.today - d.day = 7)
), stacked AS (
    SELECT *, sum(coalesce(amount, 0)) OVER (PARTITION BY pipeline_id, day ORDER BY position, step_id) AS amount_to,
           sum(coalesce(amount, 0)) OVER (PARTITION BY pipeline_id, day) AS amount_of_day
    FROM days
)
SELECT pipeline, day, step, position, open_leads, amount, currency, amount_to - coalesce(amount, 0) AS amount_from, amount_to,
       CASE WHEN is_today AND amount > 0.06 * max(amount_of_day) OVER (PARTITION BY pipeline_id) THEN step END AS label,
       is_today OR day = today - 7 AS in_table
FROM stacked
ORDER BY pipeline, day DESC, position, step_id
