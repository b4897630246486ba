-- One row an action that is to be done: the next one of an open lead, or of a follow-up that is not done.
-- dated by: leads, follow_ups
-- kind: lead or follow_up.
-- id: The lead or the follow-up.
-- lead_id: The lead; of a follow-up the lead that it follows.
-- title: Title of the lead or the follow-up.
-- owner_id: The owner.
-- owner: Name of the owner.
-- owner_has_left: Whether the owner has left.
-- next_action_at: When the action is due.
-- time_zone: Time zone in which the day is counted: the owner's where it is known, else the report's.
-- due_on: Day of `next_action_at` in that time zone.
-- owner_today: Today in that time zone.
-- due: overdue, today, next 7 days, or later.
-- days_late: Days from `due_on` to `owner_today`; negative for days to come.
WITH actions AS (
    SELECT 'lead' AS kind, id, id AS lead_id, title, user_id, next_action_at FROM live.leads WHERE status IN ('todo', 'standby')
    UNION ALL
    SELECT 'follow_up', id, lead_id, title, user_id, next_action_at FROM live.follow_ups WHERE status IS DISTINCT FROM 'done'
), people AS (          -- a zone that nobody knows would fail the whole query
    SELECT u.id, coalesce(nullif(trim(concat_ws(' ', u.firstname, u.lastname)), ''), u.email) AS owner,
           coalesce(u.is_disabled, false) OR u.is_deleted AS has_left, z.name AS time_zone
    FROM every.users u LEFT JOIN pg_timezone_names() z ON z.name = u.time_zone
), placed AS (
    SELECT a.*, p.owner, CASE WHEN a.user_id IS NOT NULL THEN coalesce(p.has_left, false) END AS owner_has_left,
           coalesce(p.time_zone, $zone) AS zone
    FROM actions a LEFT JOIN people p ON p.id = a.user_id
    WHERE a.next_action_at IS NOT NULL
), dated AS (
    SELECT p.*, CAST(p.next_action_at AT TIME ZONE p.zone AS DATE) AS due_on, CAST(k.read_at AT TIME ZONE p.zone AS DATE) AS owner_today
    FROM placed p CROSS JOIN marts.clock k
)
SELECT kind, id, lead_id, title, user_id AS owner_id, owner, owner_has_left, next_action_at, zone AS time_zone, due_on, owner_today,
       CASE WHEN due_on < owner_today THEN 'overdue' WHEN due_on = owner_today THEN 'today'
            WHEN due_on <= owner_today + 7 THEN 'next 7 days' ELSE 'later' END AS due,
       date_diff('day', due_on, owner_today) AS days_late
FROM dated
