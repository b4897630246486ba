-- One row a user and a day on which something happened. Changes count for the owner: nobody knows who made them.
-- dated by: leads
-- user_id: The user.
-- name: Name of the user.
-- day: The day, in the report's time zone.
-- leads_created: Leads that the user created.
-- changes_on_own_leads: Changes of leads that the user owned then, as far as the history was seen.
-- won: Leads of the user that were won on that day; one that was opened again counts each time.
-- lost: Leads of the user that were lost on that day.
WITH happened AS (
    SELECT created_by_id AS user_id, CAST(created_at AT TIME ZONE $zone AS DATE) AS day, 1 AS created, 0 AS changed, 0 AS won, 0 AS lost
    FROM live.leads WHERE created_at IS NOT NULL
    UNION ALL
    SELECT h.user_id, h.valid_from_on, 0, 1, (h.status = 'won' AND h.status_before IS DISTINCT FROM 'won')::INT,
           (h.status = 'lost' AND h.status_before IS DISTINCT FROM 'lost')::INT
    FROM kept.lead_history h SEMI JOIN live.leads l ON l.id = h.lead_id WHERE h.version > 1
    UNION ALL           -- closed before the history began
    SELECT h.user_id, CAST(h.closed_at AT TIME ZONE $zone AS DATE), 0, 0, (h.status = 'won')::INT, (h.status = 'lost')::INT
    FROM kept.lead_history h SEMI JOIN live.leads l ON l.id = h.lead_id
    WHERE h.version = 1 AND h.status IN ('won', 'lost') AND h.closed_at IS NOT NULL
), counted AS (
    SELECT user_id, day, sum(created)::BIGINT AS leads_created, sum(changed)::BIGINT AS changes_on_own_leads,
           sum(won)::BIGINT AS won, sum(lost)::BIGINT AS lost
    FROM happened WHERE user_id IS NOT NULL GROUP BY ALL
)
SELECT c.user_id, coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS name, c.day,
       c.leads_created, c.changes_on_own_leads, c.won, c.lost
FROM counted c LEFT JOIN every.users u ON u.id = c.user_id
