-- One row a lead that is not deleted: everything about it, without a join.
-- dated by: leads
-- lead_id: The lead.
-- title: Title of the lead.
-- status: todo, standby, won, lost or cancelled.
-- is_open: Whether it is still worked on: todo or standby.
-- is_won: Whether it was won.
-- step_id: The lead's step.
-- step: Name of the step.
-- step_position: Order of the step within its pipeline.
-- pipeline_id: The step's pipeline.
-- pipeline: Name of the pipeline; of the step where it is known, else as the lead says.
-- owner_id: The user who owns the lead.
-- owner: Name of the owner.
-- owner_has_left: Whether the owner has left.
-- team: Name of the team.
-- customer: Name of the customer.
-- created_by: Name of the user who created the lead.
-- source: Where the lead came from.
-- currency: Currency of the amounts, ISO 4217.
-- amount: Expected amount, in `currency`.
-- probability: Chance of winning, in percent.
-- weighted_amount: Amount times probability, in `currency`, as the server says.
-- starred: Whether the lead is marked as important.
-- tags: The lead's tags.
-- tag_list: The tags as one text, each once, in the order of the alphabet.
-- created_at: When the lead was created.
-- updated_at: When the lead was last changed.
-- closed_at: When the lead was closed.
-- next_action_at: When the next action is due.
-- estimated_closing_date: Day on which the lead is expected to close.
-- created_on: Day of `created_at` in the report's time zone.
-- closed_on: Day of `closed_at` in the report's time zone.
-- age_days: Days, of 24 hours, from its creation to its closing, or until now.
-- cycle_days: Days from its creation to its closing; null where it is open.
-- in_step_since: When it came into its step; null where it is closed.
-- days_in_step: Days in its step, until now; null where it is closed.
-- days_in_step_at_least: The part of `days_in_step` that was seen.
-- days_untouched: Days since it was last changed.
-- times_back: How often it went back to an earlier step of its pipeline.
-- times_reopened: How often it was opened again after it was closed.
-- times_reassigned: How often its owner changed.
-- times_postponed: How often its next action was moved to a later time.
-- whole_life_seen: Whether it was created after the history began, so that nothing of it is assumed.
-- description: Free text about the lead.
WITH people AS (
    SELECT id, coalesce(nullif(trim(concat_ws(' ', firstname, lastname)), ''), email) AS name,
           coalesce(is_disabled, false) OR is_deleted AS has_left
    FROM every.users
), back AS (
    SELECT v.lead_id, count(*) AS times_back
    FROM kept.lead_steps v JOIN every.steps t ON t.id = v.step_id
    JOIN every.steps f ON f.id = v.came_from_step_id AND f.pipeline_id = t.pipeline_id AND f.position > t.position
    WHERE v.came_by = 'step' GROUP BY v.lead_id
)
SELECT l.id AS lead_id, l.title, l.status, coalesce(l.status IN ('todo', 'standby'), false) AS is_open,
       coalesce(l.status = 'won', false) AS is_won,
       l.step_id, coalesce(s.name, l.step) AS step, s.position AS step_position, s.pipeline_id, coalesce(p.name, l.pipeline) AS pipeline,
       l.user_id AS owner_id, u.name AS owner,
       CASE WHEN l.user_id IS NOT NULL THEN coalesce(u.has_left, false) END AS owner_has_left,
       coalesce(t.name, l.team_name) AS team, coalesce(c.name, l.customer_name) AS customer,
       b.name AS created_by,
       l.created_from AS source, l.currency, l.amount, l.probability, l.weighted_amount, l.starred,
       l.tags, array_to_string(list_sort(list_distinct(l.tags)), ', ') AS tag_list,
       l.created_at, l.updated_at, l.closed_at, l.next_action_at, l.estimated_closing_date,
       CAST(l.created_at AT TIME ZONE $zone AS DATE) AS created_on, CAST(l.closed_at AT TIME ZONE $zone AS DATE) AS closed_on,
       CASE WHEN l.created_at IS NOT NULL THEN greatest(0, (epoch(CASE WHEN l.status IN ('won', 'lost', 'cancelled')
           THEN coalesce(l.closed_at, k.read_at) ELSE k.read_at END) - epoch(l.created_at)) / 86400) END AS age_days,
       CASE WHEN l.status IN ('won', 'lost', 'cancelled') THEN (epoch(l.closed_at) - epoch(l.created_at)) / 86400 END AS cycle_days,
       v.entered_at AS in_step_since,       -- greatest skips nulls
       CASE WHEN v.lead_id IS NOT NULL THEN greatest(0, (epoch(k.read_at) - epoch(v.entered_at)) / 86400) END AS days_in_step,
       CASE WHEN v.lead_id IS NOT NULL THEN greatest(0, (epoch(k.read_at) - epoch(greatest(v.entered_at, v.known_from))) / 86400) END
           AS days_in_step_at_least,
       CASE WHEN l.updated_at IS NOT NULL THEN greatest(0, (epoch(k.read_at) - epoch(l.updated_at)) / 86400) END AS days_untouched,
       coalesce(m.times_back, 0) AS times_back, h.times_reopened, h.times_reassigned, h.times_postponed, h.whole_life_seen, l.description,
       f.* EXCLUDE (lead_id, as_of, verdict)
FROM live.leads l CROSS JOIN marts.clock k
LEFT JOIN every.steps s ON s.id = l.step_id
LEFT JOIN every.pipelines p ON p.id = s.pipeline_id
LEFT JOIN people u ON u.id = l.user_id
LEFT JOIN people b ON b.id = l.created_by_id
LEFT JOIN every.teams t ON t.id = l.team_id
LEFT JOIN every.clients_folders c ON c.id = l.customer_id
LEFT JOIN kept.lead_steps v ON v.lead_id = l.id AND v.left_at IS NULL
LEFT JOIN kept.lead_history h ON h.lead_id = l.id AND h.valid_to IS NULL
LEFT JOIN back m ON m.lead_id = l.id
LEFT JOIN marts.lead_field_columns f ON f.lead_id = l.id
