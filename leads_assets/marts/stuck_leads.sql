-- One row an open lead that has been in its step for longer than four of five won leads were.
-- dated by: leads
-- lead_id: The lead.
-- title: Title of the lead.
-- status: todo or standby.
-- pipeline: Name of the pipeline.
-- step_id: The step.
-- step: Name of the step.
-- owner_id: The owner.
-- owner: Name of the owner.
-- customer: Name of the customer.
-- currency: Currency of the amount.
-- amount: Expected amount, in `currency`.
-- days_in_step: Days in the step.
-- days_in_step_at_least: The part of them that was seen; it is what is compared.
-- limit_days: The days after which four of five won leads had left.
-- limit_from: What the limit was learned from: won leads in this step, or in this pipeline where the step has too few.
-- based_on: Number of ended stays that the limit was learned from; never fewer than 10.
-- times_the_limit: `days_in_step_at_least` in multiples of the limit.
-- next_action_at: When the next action is due.
-- days_untouched: Days since the lead was last changed.
WITH won AS (
    SELECT v.step_id, s.pipeline_id, (epoch(v.left_at) - epoch(v.entered_at)) / 86400 AS days
    FROM kept.lead_steps v JOIN live.leads l ON l.id = v.lead_id AND l.status = 'won' LEFT JOIN every.steps s ON s.id = v.step_id
    WHERE v.known_from <= v.entered_at AND v.left_at IS NOT NULL
), in_step AS (
    SELECT step_id, quantile_cont(days, 0.8) AS p80, count(*) AS based_on FROM won GROUP BY ALL
), in_pipeline AS (
    SELECT pipeline_id, quantile_cont(days, 0.8) AS p80, count(*) AS based_on FROM won GROUP BY ALL
), limits AS (
    SELECT s.id AS step_id, CASE WHEN u.based_on >= 10 THEN u.p80 WHEN w.based_on >= 10 THEN w.p80 END AS limit_days,
           CASE WHEN u.based_on >= 10 THEN 'won leads in this step' WHEN w.based_on >= 10 THEN 'won leads in this pipeline' END AS limit_from,
           CASE WHEN u.based_on >= 10 THEN u.based_on ELSE w.based_on END AS based_on
    FROM every.steps s LEFT JOIN in_step u ON u.step_id = s.id LEFT JOIN in_pipeline w ON w.pipeline_id = s.pipeline_id
), stays AS (
    SELECT v.lead_id, v.step_id, m.limit_days, m.limit_from, m.based_on,
           greatest(0, (epoch(k.read_at) - epoch(v.entered_at)) / 86400) AS days_in_step,
           greatest(0, (epoch(k.read_at) - epoch(greatest(v.entered_at, v.known_from))) / 86400) AS days_in_step_at_least
    FROM kept.lead_steps v JOIN limits m ON m.step_id = v.step_id CROSS JOIN marts.clock k
    WHERE v.left_at IS NULL
)
SELECT v.lead_id, l.title, l.status, coalesce(p.name, l.pipeline) AS pipeline, v.step_id, s.name AS step, l.user_id AS owner_id,
       coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS owner,
       coalesce(c.name, l.customer_name) AS customer, l.currency, l.amount, v.days_in_step, v.days_in_step_at_least,
       v.limit_days, v.limit_from, v.based_on, v.days_in_step_at_least / nullif(v.limit_days, 0) AS times_the_limit, l.next_action_at,
       CASE WHEN l.updated_at IS NOT NULL THEN greatest(0, (epoch(k.read_at) - epoch(l.updated_at)) / 86400) END AS days_untouched
FROM stays v JOIN live.leads l ON l.id = v.lead_id CROSS JOIN marts.clock k
LEFT JOIN every.steps s ON s.id = v.step_id
LEFT JOIN every.pipelines p ON p.id = s.pipeline_id
LEFT JOIN every.users u ON u.id = l.user_id
LEFT JOIN every.clients_folders c ON c.id = l.customer_id
WHERE v.days_in_step_at_least > v.limit_days
