-- The only row: as of when the marts speak, and whether that is proven.
-- dated by: leads
-- time_zone: Time zone in which days and months are counted.
-- read_at: Begin of the last loaded read of leads, whole or in part, proven or not; `now` of every mart.
-- today: The day of `read_at` in `time_zone`.
-- as_of: Begin of the last read whose changes of leads are all in; null before the first one.
-- complete_as_of: Begin of the last read that showed leads to be complete; null before the first one.
-- verdict: proven, current, or unproven: whether leads are known to be complete.
-- reason: Why leads are unproven; null where they are not.
-- in_progress: How far a read in parts has come; null where none is under way.
-- history_from: Begin of the first loaded whole read: what lies before is assumed, not seen.
-- history_from_day: The day of `history_from` in `time_zone`.
WITH reads AS (
    SELECT arg_max(began_at, (coalesce(number, 0), loaded_at)) AS read_at,
           coalesce(min(began_at) FILTER (mode <> 'part'), min(began_at)) AS history_from
    FROM (              -- since the account that they are of took over
        SELECT *, max(number) FILTER (took_over) OVER () AS taken_over FROM ops.sync_runs WHERE endpoint = 'leads'
    ) WHERE coalesce(number >= taken_over, true)
)
SELECT $zone AS time_zone, r.read_at, CAST(r.read_at AT TIME ZONE $zone AS DATE) AS today,
       f.changes_as_of AS as_of, f.complete_as_of, coalesce(f.verdict, 'unproven') AS verdict,
       CASE WHEN f.verdict IS NULL THEN 'never read' WHEN f.verdict = 'unproven' THEN f.reason END AS reason,
       f.in_progress, r.history_from, CAST(r.history_from AT TIME ZONE $zone AS DATE) AS history_from_day
FROM reads r LEFT JOIN ops.freshness f ON f.endpoint = 'leads'
