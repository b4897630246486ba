-- title: Stuck, by amount
-- note: Open leads that have been in their step for longer than four of five won leads were; those with an amount first, in the currency of most of them.
-- marts: stuck_leads
-- empty: No open lead is beyond the usual time of its step, or too few were won to tell what is usual.
-- title (text): Lead
-- pipeline (text): Pipeline
-- step (text): Step
-- owner (text): Owner
-- days (days): Days, at least
-- limit_days (days): Usual limit
-- amount (money): Amount
SELECT title, pipeline, step, coalesce(owner, 'nobody') AS owner, days_in_step_at_least AS days, limit_days, amount, currency
FROM marts.stuck_leads
ORDER BY amount IS NULL, count(amount) OVER (PARTITION BY currency) DESC, currency, amount DESC, lead_id
LIMIT 20
