-- One row a pipeline, a month of creation and a step that has a place: how far the leads of that month came.
-- dated by: leads
-- pipeline_id: The pipeline; a lead is in the funnel of each that it was in.
-- pipeline: Name of the pipeline.
-- cohort: First day of the month in which the leads were created, in the report's time zone.
-- step_id: The step.
-- step: Name of the step.
-- position: Order of the step within its pipeline.
-- leads: Leads of the month that were ever in the pipeline.
-- reached: Came at least this far; steps that were skipped count, and won leads reached all.
-- reached_next: Came at least to the next step; null for the last.
-- entered: Were really seen in this step.
-- won: Of `leads`, won in this pipeline.
-- still_open: Of `leads`, still open in this pipeline: young months are not done.
-- waiting_here: Still open, and in this step now.
-- partly_seen: Of `leads`, created before the history began: `reached` is a floor for them.
-- reached_seen: Of `reached`, leads whose whole life was seen.
WITH visits AS (
    SELECT lead_id, step_id FROM kept.lead_steps
    UNION ALL           -- a lead that was closed before the first read was never seen open: its last step is all there is
    SELECT id, step_id FROM live.leads WHERE status IN ('won', 'lost', 'cancelled')
), far AS (
    SELECT v.lead_id, s.pipeline_id, max(s.position) AS furthest, list_distinct(list(v.step_id)) AS steps
    FROM visits v JOIN every.steps s ON s.id = v.step_id WHERE s.pipeline_id IS NOT NULL
    GROUP BY ALL
), leads AS (
    SELECT f.pipeline_id, f.furthest, f.steps, date_trunc('month', l.created_at AT TIME ZONE $zone)::DATE AS cohort,
           l.step_id AS now_in,
           coalesce(l.status = 'won' AND s.pipeline_id = f.pipeline_id, false) AS is_won,
           coalesce(l.status IN ('todo', 'standby') AND s.pipeline_id = f.pipeline_id, false) AS is_open,
           coalesce(h.whole_life_seen, false) AS whole_life_seen
    FROM far f JOIN live.leads l ON l.id = f.lead_id
    LEFT JOIN every.steps s ON s.id = l.step_id
    LEFT JOIN kept.lead_history h ON h.lead_id = l.id AND h.valid_to IS NULL
), ends AS (            -- leads by the furthest that they came: few rows, whatever the number of leads
    SELECT pipeline_id, cohort, CASE WHEN is_won THEN 'infinity'::DOUBLE ELSE furthest::DOUBLE END AS furthest,
           count(*) AS leads, count(*) FILTER (is_won) AS won, count(*) FILTER (is_open) AS still_open,
           count(*) FILTER (whole_life_seen) AS seen
    FROM leads GROUP BY ALL
), cohorts AS (
    SELECT pipeline_id, cohort, sum(leads) AS leads, sum(won) AS won, sum(still_open) AS still_open, sum(leads - seen) AS partly_seen
    FROM ends GROUP BY ALL
), entered AS (
    SELECT pipeline_id, cohort, step_id, count(*) AS entered
    FROM (SELECT pipeline_id, cohort, unnest(steps) AS step_id FROM leads) GROUP BY ALL
), waiting AS (
    SELECT pipeline_id, cohort, now_in AS step_id, count(*) AS waiting_here FROM leads WHERE is_open GROUP BY ALL
), cells AS (
    SELECT c.pipeline_id, c.cohort, s.id AS step_id, s.name AS step, s.position, c.leads, c.won, c.still_open, c.partly_seen,
           coalesce(sum(e.leads), 0) AS reached, coalesce(sum(e.seen), 0) AS reached_seen
    FROM cohorts c JOIN live.steps s ON s.pipeline_id = c.pipeline_id AND s.position IS NOT NULL
    LEFT JOIN ends e ON e.pipeline_id = c.pipeline_id AND e.cohort IS NOT DISTINCT FROM c.cohort AND e.furthest >= s.position
    GROUP BY ALL
)
SELECT c.pipeline_id, p.name AS pipeline, c.cohort, c.step_id, c.step, c.position, c.leads::BIGINT AS leads, c.reached::BIGINT AS reached,
       (lead(c.reached) OVER (PARTITION BY c.pipeline_id, c.cohort ORDER BY c.position, c.step_id))::BIGINT AS reached_next,
       coalesce(e.entered, 0) AS entered, c.won::BIGINT AS won, c.still_open::BIGINT AS still_open,
       coalesce(w.waiting_here, 0) AS waiting_here, c.partly_seen::BIGINT AS partly_seen, c.reached_seen::BIGINT AS reached_seen
FROM cells c LEFT JOIN every.pipelines p ON p.id = c.pipeline_id
LEFT JOIN entered e ON e.pipeline_id = c.pipeline_id AND e.cohort IS NOT DISTINCT FROM c.cohort AND e.step_id = c.step_id
LEFT JOIN waiting w ON w.pipeline_id = c.pipeline_id AND w.cohort IS NOT DISTINCT FROM c.cohort AND w.step_id = c.step_id
