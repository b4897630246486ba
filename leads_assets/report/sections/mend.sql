-- title: What to mend in the CRM
-- note: Each line is a query away: FROM marts.data_quality.
-- marts: data_quality
-- empty: Nothing that we look for is wrong.
-- finding (text): Finding
-- rows (number): Rows
SELECT finding, count(*) AS rows FROM marts.data_quality GROUP BY finding ORDER BY rows DESC, finding
