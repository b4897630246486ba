-- title: Funnel
-- note: Leads that came at least this far. Percent: how many of them came further. Paler: leads from before the history, of which that is a floor.
-- marts: funnel, leads
-- empty: No lead was ever in a step of a pipeline.
-- step (text): Step
-- reached (number): Came this far
-- reached_seen (number): Of them seen from the start
-- goes_on (percent): Came further
-- waiting_here (number): Are here now
WITH steps AS (
    SELECT pipeline_id, any_value(pipeline) AS pipeline, step, position, step_id, sum(reached) AS reached,
           sum(reached_seen) AS reached_seen, sum(waiting_here) AS waiting_here
    FROM marts.funnel GROUP BY pipeline_id, step, position, step_id
), won AS (
    SELECT pipeline_id, count(*) AS reached, count(*) FILTER (whole_life_seen) AS reached_seen
    FROM marts.leads WHERE is_won AND pipeline_id IS NOT NULL GROUP BY ALL
), ends AS (
    SELECT s.pipeline_id, any_value(s.pipeline) AS pipeline, 'Won' AS step, max(s.position) + 1 AS position, NULL::BIGINT AS step_id,
           coalesce(any_value(w.reached), 0) AS reached, coalesce(any_value(w.reached_seen), 0) AS reached_seen, NULL AS waiting_here
    FROM steps s LEFT JOIN won w ON w.pipeline_id = s.pipeline_id GROUP BY s.pipeline_id
), both_kinds AS (
    SELECT *, sum(reached) OVER (PARTITION BY pipeline_id) AS of_pipeline FROM (FROM steps UNION ALL BY NAME FROM ends)
)
SELECT pipeline, step, position, reached::BIGINT AS reached, reached_seen::BIGINT AS reached_seen, (reached - reached_seen)::BIGINT AS reached_before,
       waiting_here::BIGINT AS waiting_here,
       lead(reached) OVER (PARTITION BY pipeline_id ORDER BY position, step_id) / nullif(reached, 0) AS goes_on
FROM both_kinds
QUALIFY dense_rank() OVER (ORDER BY of_pipeline DESC, pipeline_id) <= 6
ORDER BY pipeline, position, step_id
