-- title: Next actions due
-- note: Of open leads and follow-ups, each day counted in its owner's time zone.
-- marts: actions_due
-- empty: No action is due within seven days.
-- owner (text): Owner
-- overdue (number): Overdue
-- today (number): Today
-- next_days (number): Next 7 days
-- oldest (number): Oldest, days
SELECT coalesce(owner, 'nobody') || CASE WHEN any_value(owner_has_left) THEN ' (has left)' ELSE '' END AS owner,
       count(*) FILTER (due = 'overdue') AS overdue, count(*) FILTER (due = 'today') AS today,
       count(*) FILTER (due = 'next 7 days') AS next_days, max(days_late) FILTER (due = 'overdue') AS oldest
FROM marts.actions_due WHERE due <> 'later'
GROUP BY owner_id, owner
ORDER BY overdue DESC, today DESC, next_days DESC, owner
LIMIT 25
