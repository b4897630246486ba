-- One row a mart: as of when its rows speak, and what that rests on.
-- model: Name of the mart.
-- as_of: Begin of the oldest read whose changes are all in, over the lists whose rows the mart counts.
-- complete_as_of: Begin of the oldest read that showed a list to be complete, over all lists behind the mart.
-- verdict: The worst verdict of the lists behind the mart: unproven, current, or proven.
-- reason: Why it is unproven, list by list; null where it is not.
-- in_progress: Reads in parts that are under way, list by list; null where there is none.
-- endpoints: The lists behind the mart, also through other marts.
-- not_in_this_account: Those of them that were never read: no fault where the account has no right to them.
-- logs: Those of them that are logs: they add detail, and no verdict rests on them.
SELECT l.model,
       min(f.changes_as_of) FILTER (l.dates) AS as_of,
       min(f.complete_as_of) FILTER (NOT l.is_log) AS complete_as_of,
       CASE WHEN count(f.endpoint) FILTER (l.dates) < count(*) FILTER (l.dates AND l.is_required) THEN 'unproven'
            WHEN bool_or(f.verdict = 'unproven') FILTER (NOT l.is_log) THEN 'unproven'
            WHEN bool_or(f.verdict = 'current') FILTER (NOT l.is_log) THEN 'current'
            WHEN bool_or(f.verdict = 'proven') FILTER (NOT l.is_log) THEN 'proven' ELSE 'unproven' END AS verdict,
       string_agg(l.endpoint || ': ' || coalesce(f.reason, 'never read'), '; ' ORDER BY l.endpoint)
           FILTER (NOT l.is_log AND (f.verdict = 'unproven' OR (l.is_required AND f.verdict IS NULL))) AS reason,
       string_agg(l.endpoint || ': ' || f.in_progress, '; ' ORDER BY l.endpoint) FILTER (f.in_progress <> '') AS in_progress,
       list(l.endpoint ORDER BY l.endpoint) AS endpoints,
       coalesce(list(l.endpoint ORDER BY l.endpoint) FILTER (f.endpoint IS NULL), []) AS not_in_this_account,
       coalesce(list(l.endpoint ORDER BY l.endpoint) FILTER (l.is_log), []) AS logs
FROM ops.lineage l LEFT JOIN ops.freshness f ON f.endpoint = l.endpoint
GROUP BY l.model
