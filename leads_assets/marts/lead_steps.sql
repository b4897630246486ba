-- One row an unbroken stay of an open lead in a step; closed time and deleted time are no time in a step.
-- dated by: leads
-- lead_id: The lead.
-- stay: Number of the stay, from 1 on.
-- pipeline_id: The step's pipeline.
-- step_id: The step.
-- step: Name of the step, as it is called today.
-- position: Order of the step within its pipeline.
-- entered_at: When the lead came into the step.
-- left_at: When it left; null where it is still there.
-- is_current: Whether it is still there.
-- entered_not_before: The lead came after this moment.
-- start_is_known: Whether the coming was seen; else it is assumed.
-- days: Days in the step, of 24 hours, until now where the lead is still there.
-- days_observed: The part of `days` that was seen.
-- entered_by: first, forward, back, other step, other pipeline, reopened, or restored.
-- left_by: forward, back, other step, other pipeline, won, lost, cancelled, unknown status, or deleted.
-- entered_on: Day of `entered_at` in the report's time zone.
-- left_on: Day of `left_at` in the report's time zone.
SELECT v.lead_id, v.stay, t.pipeline_id, v.step_id, t.name AS step, t.position, v.entered_at, v.left_at,
       v.left_at IS NULL AS is_current, v.entered_not_before, v.known_from <= v.entered_at AS start_is_known,
       greatest(0, (epoch(coalesce(v.left_at, k.read_at)) - epoch(v.entered_at)) / 86400) AS days,
       greatest(0, (epoch(coalesce(v.left_at, k.read_at)) - epoch(greatest(v.entered_at, v.known_from))) / 86400) AS days_observed,
       CASE WHEN v.came_by <> 'step' THEN v.came_by
            WHEN t.pipeline_id IS DISTINCT FROM f.pipeline_id THEN 'other pipeline'
            WHEN t.position < f.position THEN 'back' WHEN t.position > f.position THEN 'forward' ELSE 'other step' END AS entered_by,
       CASE WHEN v.left_by IS NULL THEN NULL WHEN v.left_by <> 'step' THEN v.left_by
            WHEN n.pipeline_id IS DISTINCT FROM t.pipeline_id THEN 'other pipeline'
            WHEN n.position < t.position THEN 'back' WHEN n.position > t.position THEN 'forward' ELSE 'other step' END AS left_by,
       v.entered_on, v.left_on
FROM kept.lead_steps v CROSS JOIN marts.clock k
LEFT JOIN every.steps t ON t.id = v.step_id      -- every: a deleted step keeps its name in history
LEFT JOIN every.steps f ON f.id = v.came_from_step_id
LEFT JOIN every.steps n ON n.id = v.left_to_step_id
