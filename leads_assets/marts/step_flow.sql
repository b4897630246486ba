-- One row a step and a month of coming into it: where the leads went. Each return of a lead is one more entry.
-- dated by: leads
-- pipeline_id: The step's pipeline.
-- pipeline: Name of the pipeline.
-- step_id: The step.
-- step: Name of the step.
-- position: Order of the step within its pipeline.
-- month: First day of the month in which they came, in the report's time zone.
-- entries: How often a lead came; equals the sum of the eight next columns.
-- went_on: Left for a later step of the pipeline.
-- went_back: Left for an earlier step of the pipeline.
-- went_elsewhere: Left for another pipeline, a step of unknown place, or an unknown status.
-- won: Left by being won.
-- lost: Left by being lost.
-- cancelled: Left by being cancelled.
-- deleted: Left by being deleted.
-- still_there: Did not leave.
-- leads: How many different leads came.
-- starts_unseen: Entries whose beginning is assumed, not seen; left out of the days.
-- median_days: Days after which half of the ended stays were over.
-- p80_days: Days after which four of five ended stays were over.
SELECT v.pipeline_id, p.name AS pipeline, v.step_id, v.step, v.position, date_trunc('month', v.entered_on)::DATE AS month,
       count(*) AS entries,
       count(*) FILTER (v.left_by = 'forward') AS went_on,
       count(*) FILTER (v.left_by = 'back') AS went_back,
       count(*) FILTER (v.left_by IN ('other pipeline', 'other step', 'unknown status')) AS went_elsewhere,
       count(*) FILTER (v.left_by = 'won') AS won, count(*) FILTER (v.left_by = 'lost') AS lost,
       count(*) FILTER (v.left_by = 'cancelled') AS cancelled, count(*) FILTER (v.left_by = 'deleted') AS deleted,
       count(*) FILTER (v.is_current) AS still_there,
       count(DISTINCT v.lead_id) AS leads,
       count(*) FILTER (NOT v.start_is_known) AS starts_unseen,
       median(v.days) FILTER (v.start_is_known AND NOT v.is_current) AS median_days,
       quantile_cont(v.days, 0.8) FILTER (v.start_is_known AND NOT v.is_current) AS p80_days
FROM marts.lead_steps v LEFT JOIN every.pipelines p ON p.id = v.pipeline_id
GROUP BY ALL
