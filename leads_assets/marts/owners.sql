-- One row a user and a currency, over the leads that the user owns now; nobody is a row of its own.
-- dated by: leads
-- owner_id: The user; null for leads of nobody.
-- owner: Name of the user.
-- has_left: Whether the user has left.
-- currency: Currency of the amounts; null where the leads have none.
-- open_leads: Leads that are open.
-- open_amount: Sum of their amounts, in `currency`.
-- won: Leads that were won.
-- lost: Leads that were lost.
-- cancelled: Leads that were cancelled; they are no part of the win rate.
-- won_amount: Sum of the amounts of the won leads, in `currency`.
-- win_rate: won / (won + lost); null where neither happened.
-- median_days_to_win: Median of the days from creation to winning.
WITH counted AS (
    SELECT user_id, currency,
           count(*) FILTER (status IN ('todo', 'standby')) AS open_leads, sum(amount) FILTER (status IN ('todo', 'standby')) AS open_amount,
           count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost,
           count(*) FILTER (status = 'cancelled') AS cancelled, sum(amount) FILTER (status = 'won') AS won_amount,
           median((epoch(closed_at) - epoch(created_at)) / 86400) FILTER (status = 'won') AS median_days_to_win
    FROM live.leads GROUP BY ALL
)
SELECT c.user_id AS owner_id, coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS owner,
       CASE WHEN c.user_id IS NOT NULL THEN coalesce(u.is_disabled, false) OR coalesce(u.is_deleted, false) END AS has_left,
       c.currency, c.open_leads, c.open_amount, c.won, c.lost, c.cancelled, c.won_amount,
       c.won / nullif(c.won + c.lost, 0) AS win_rate, c.median_days_to_win
FROM counted c LEFT JOIN every.users u ON u.id = c.user_id
