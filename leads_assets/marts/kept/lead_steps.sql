-- One row an unbroken stay of an open lead in a step, by ids alone. The load keeps it, read marts.lead_steps.
-- kept by: lead_id of every.leads
-- lead_id: The lead.
-- stay: Number of the stay, from 1 on.
-- step_id: The step.
-- entered_at: When the lead came into the step.
-- left_at: When it left; null where it is still there.
-- entered_on: Day of `entered_at` in the report's time zone.
-- left_on: Day of `left_at` in the report's time zone.
-- entered_not_before: The lead came after this moment.
-- known_from: From when on the lead was seen to be there; before it is assumed.
-- came_by: first, step, reopened, or restored.
-- came_from_step_id: The step that it came from, where it was open before.
-- left_by: step, won, lost, cancelled, unknown status, or deleted; null where it is still there.
-- left_to_step_id: The step that it went to, where it stayed open.
WITH versions AS (
    SELECT h.*, coalesce(h.status IN ('todo', 'standby'), false) AS is_open
    FROM kept.lead_history h SEMI JOIN wanted ON wanted.key = h.lead_id
), marked AS (
    SELECT *, lag(valid_to) OVER w AS left_before, lag(valid_to_on) OVER w AS left_before_on,
           lag(step_id) OVER w AS step_before, lag(is_open) OVER w AS was_open,
           last_value(valid_to) OVER whole AS ends_at, last_value(valid_to_on) OVER whole AS ends_on
    FROM versions
    WINDOW w AS (PARTITION BY lead_id ORDER BY version),
           whole AS (PARTITION BY lead_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), moves AS (           -- the first version after each move, opening, closing and restoration
    SELECT *, version > 1 AND valid_from IS DISTINCT FROM left_before AS is_restored
    FROM marked
    WHERE version = 1 OR is_open <> was_open OR step_id IS DISTINCT FROM step_before
        OR valid_from IS DISTINCT FROM left_before
), parts AS (
    SELECT *, lead(version) OVER w IS NULL AS is_last, lead(left_before) OVER w AS next_at,
           lead(left_before_on) OVER w AS next_on, lead(is_restored) OVER w AS next_is_restored,
           lead(is_open) OVER w AS next_is_open, lead(status) OVER w AS next_status, lead(step_id) OVER w AS next_step_id
    FROM moves WINDOW w AS (PARTITION BY lead_id ORDER BY version)
), stays AS (
    SELECT *, CASE WHEN is_last THEN ends_at ELSE next_at END AS left_at,
           CASE WHEN is_last THEN ends_on ELSE next_on END AS left_on
    FROM parts WHERE is_open
)
SELECT lead_id, row_number() OVER (PARTITION BY lead_id ORDER BY version) AS stay, step_id,
       valid_from AS entered_at, left_at, valid_from_on AS entered_on, left_on, not_before AS entered_not_before, known_from,
       CASE WHEN version = 1 THEN 'first' WHEN is_restored THEN 'restored' WHEN NOT was_open THEN 'reopened'
            ELSE 'step' END AS came_by,
       CASE WHEN version > 1 AND was_open AND NOT is_restored THEN step_before END AS came_from_step_id,
       CASE WHEN left_at IS NULL THEN NULL WHEN is_last OR next_is_restored THEN 'deleted' WHEN next_is_open THEN 'step'
            WHEN next_status IN ('won', 'lost', 'cancelled') THEN next_status ELSE 'unknown status' END AS left_by,
       CASE WHEN left_at IS NOT NULL AND next_is_open AND NOT next_is_restored THEN next_step_id END AS left_to_step_id
FROM stays
