-- title: Since the last working day
-- note: What became of leads since that day began; the latest 20.
-- marts: lead_history, leads, clock
-- empty: Nothing has happened to a lead since the last working day began.
-- at (time): When
-- what (text): What
-- title (text): Lead
-- step (text): Step
-- owner (text): Owner
-- amount (money): Amount
WITH since AS (
    SELECT k.time_zone, k.today - CASE isodow(k.today) WHEN 1 THEN 3 WHEN 7 THEN 2 ELSE 1 END AS day FROM marts.clock k
), versions AS (
    SELECT h.*, lag(h.step_id) OVER w AS step_id_before, lag(h.amount) OVER w AS amount_before
    FROM marts.lead_history h WINDOW w AS (PARTITION BY h.lead_id ORDER BY h.version)
), happened AS (
    SELECT v.lead_id, v.valid_from AS at, v.step_id, v.user_id, v.amount, v.currency,
           CASE WHEN v.version = 1 THEN 'new'
                WHEN v.status IN ('won', 'lost', 'cancelled') AND v.status IS DISTINCT FROM v.status_before THEN v.status
                WHEN v.status_before IN ('won', 'lost', 'cancelled') AND v.status IS DISTINCT FROM v.status_before THEN 'reopened'
                WHEN v.step_id IS DISTINCT FROM v.step_id_before THEN
                    CASE WHEN s.pipeline_id IS DISTINCT FROM b.pipeline_id THEN 'came from another pipeline'
                         WHEN s.position < b.position THEN 'went back' ELSE 'went on' END
                WHEN v.user_id IS DISTINCT FROM v.user_id_before THEN 'another owner'
                WHEN v.amount IS DISTINCT FROM v.amount_before THEN 'another amount' END AS what
    FROM versions v JOIN since ON v.valid_from_on >= since.day
    LEFT JOIN every.steps s ON s.id = v.step_id LEFT JOIN every.steps b ON b.id = v.step_id_before
    UNION ALL
    SELECT v.lead_id, v.valid_to, v.step_id, v.user_id, v.amount, v.currency, 'deleted'
    FROM versions v JOIN since ON v.valid_to_on >= since.day WHERE v.ended_by_deletion
)
SELECT h.at, h.what, l.title, s.name AS step, h.amount, h.currency,
       coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS owner
FROM happened h JOIN every.leads l ON l.id = h.lead_id
LEFT JOIN every.steps s ON s.id = h.step_id LEFT JOIN every.users u ON u.id = h.user_id
WHERE h.what IS NOT NULL
ORDER BY h.at DESC, h.lead_id
LIMIT 20
