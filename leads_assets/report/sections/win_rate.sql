-- title: Win rate by owner
-- note: Won of won and lost, where 10 or more were decided; cancelled leads are left out. The line is the 95 % range: owners whose lines overlap may not differ.
-- marts: owners
-- empty: No owner has 10 decided leads yet.
-- owner (text): Owner
-- decided (number): Decided
-- won (number): Won
-- win_rate (percent): Win rate
-- lowest (percent): At least
-- highest (percent): At most
WITH decided AS (
    SELECT coalesce(owner, 'nobody') || CASE WHEN any_value(has_left) THEN ' (has left)' ELSE '' END AS name, owner_id,
           sum(won) AS won, sum(won) + sum(lost) AS decided, 1.96 AS z
    FROM marts.owners WHERE owner_id IS NOT NULL GROUP BY owner, owner_id
)
SELECT CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' ' || owner_id ELSE name END AS owner,
       decided::BIGINT AS decided, won::BIGINT AS won, won / decided AS win_rate,
       (won / decided + z * z / (2 * decided) - z * sqrt(won / decided * (1 - won / decided) / decided + z * z / (4 * decided * decided)))
           / (1 + z * z / decided) AS lowest,
       (won / decided + z * z / (2 * decided) + z * sqrt(won / decided * (1 - won / decided) / decided + z * z / (4 * decided * decided)))
           / (1 + z * z / decided) AS highest,
       sum(won) OVER () / sum(decided) OVER () AS of_all
FROM decided WHERE decided >= 10
ORDER BY win_rate DESC, owner
LIMIT 25
