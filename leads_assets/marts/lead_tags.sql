-- One row a lead and a tag of it, each tag once.
-- dated by: leads
-- lead_id: The lead.
-- tag: The tag, as the lead writes it.
-- category: Category of the predefined tag of that name, in whatever case it is written.
-- is_predefined: Whether there is such a predefined tag.
WITH known AS (         -- of tags that differ by case only, the oldest
    SELECT lower(t.name) AS name, arg_min(coalesce(c.name, t.category), t.id) AS category
    FROM live.predefined_tags t LEFT JOIN every.categories c ON c.id = t.category_id
    GROUP BY ALL
), tagged AS (
    SELECT id AS lead_id, unnest(list_distinct(tags)) AS tag FROM live.leads
)
SELECT t.lead_id, t.tag, k.category, k.name IS NOT NULL AS is_predefined
FROM tagged t LEFT JOIN known k ON k.name = lower(t.tag)
