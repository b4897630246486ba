-- One row a month of closing, pipeline, owner, team, source and currency: leads that are closed now.
-- dated by: leads
-- month: First day of the month of closing, in the report's time zone; null where the server gives no time.
-- pipeline_id: The pipeline of the lead's step.
-- pipeline: Name of the pipeline.
-- owner_id: The lead's owner now, not the owner at the closing.
-- owner: Name of the owner.
-- team: Name of the team.
-- source: Where the leads came from.
-- currency: Currency of the amounts.
-- won: Leads that were won.
-- lost: Leads that were lost.
-- cancelled: Leads that were cancelled; they are no part of a win rate.
-- won_amount: Sum of the amounts of the won leads, in `currency`.
-- lost_amount: Sum of the amounts of the lost leads, in `currency`.
-- won_without_amount: Won leads whose amount is not known.
-- won_cycle_days: Median of the days from creation to closing, won leads.
-- lost_cycle_days: Median of the days from creation to closing, lost leads.
WITH closed AS (
    SELECT date_trunc('month', l.closed_at AT TIME ZONE $zone)::DATE AS month, s.pipeline_id, l.pipeline AS pipeline_said, l.user_id,
           coalesce(t.name, l.team_name) AS team, l.created_from AS source, l.currency, l.status, l.amount,
           (epoch(l.closed_at) - epoch(l.created_at)) / 86400 AS cycle_days
    FROM live.leads l LEFT JOIN every.steps s ON s.id = l.step_id LEFT JOIN every.teams t ON t.id = l.team_id
    WHERE l.status IN ('won', 'lost', 'cancelled')
), counted AS (
    SELECT month, pipeline_id, CASE WHEN pipeline_id IS NULL THEN pipeline_said END AS pipeline_said, user_id, team, source, currency,
           count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost,
           count(*) FILTER (status = 'cancelled') AS cancelled,
           sum(amount) FILTER (status = 'won') AS won_amount, sum(amount) FILTER (status = 'lost') AS lost_amount,
           count(*) FILTER (status = 'won' AND amount IS NULL) AS won_without_amount,
           median(cycle_days) FILTER (status = 'won') AS won_cycle_days,
           median(cycle_days) FILTER (status = 'lost') AS lost_cycle_days
    FROM closed GROUP BY ALL
)
SELECT c.month, c.pipeline_id, coalesce(p.name, c.pipeline_said) AS pipeline, c.user_id AS owner_id,
       coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS owner, c.team, c.source, c.currency,
       c.won, c.lost, c.cancelled, c.won_amount, c.lost_amount, c.won_without_amount, c.won_cycle_days, c.lost_cycle_days
FROM counted c LEFT JOIN every.pipelines p ON p.id = c.pipeline_id LEFT JOIN every.users u ON u.id = c.user_id
