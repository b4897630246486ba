-- title: Who waits too long
-- note: Each mark is an open lead. Orange triangles: longer in the step than four of five won leads were (the upright line, where there is such a lead). Of many leads the 300 that wait longest; in the table 40.
-- marts: leads, stuck_leads
-- empty: No open lead is in a step.
-- title (text): Lead
-- step (text): Step
-- owner (text): Owner
-- days (days): Days in the step, at least
-- limit_days (days): Usual limit
SELECT l.pipeline, l.step, l.step_position AS position, l.title, coalesce(l.owner, 'nobody') AS owner,
       l.days_in_step_at_least AS days, s.limit_days, l.amount, l.currency,
       CASE WHEN s.lead_id IS NULL THEN 'within' ELSE 'beyond' END AS standing, s.lead_id IS NOT NULL
           AND row_number() OVER (ORDER BY s.lead_id IS NULL, l.days_in_step_at_least DESC, l.lead_id) <= 40 AS in_table
FROM marts.leads l LEFT JOIN marts.stuck_leads s ON s.lead_id = l.lead_id
WHERE l.is_open AND l.step IS NOT NULL AND l.pipeline IS NOT NULL
QUALIFY dense_rank() OVER (ORDER BY l.pipeline_id) <= 6
    AND row_number() OVER (ORDER BY s.lead_id IS NULL, l.days_in_step_at_least DESC, l.lead_id) <= 300
ORDER BY l.pipeline, position, days DESC, l.lead_id
