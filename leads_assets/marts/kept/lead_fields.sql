-- One row a lead and a custom field that has a value. The load keeps it, read marts.lead_fields.
-- kept by: lead_id of every.leads
-- lead_id: The lead.
-- field_id: The custom field.
-- value: The value as text.
-- known_by: Where it was found: the newest event, or a line of the description.
WITH defined AS (
    SELECT id AS field_id, name AS label FROM live.fields WHERE parent_type IS NULL OR lower(parent_type) LIKE 'lead%'
), newest AS (          -- lists of leads do not carry custom fields, events do
    SELECT lead_id, arg_max(fields, event_id) AS fields FROM kept.lead_events e SEMI JOIN wanted ON wanted.key = e.lead_id
    GROUP BY lead_id
), labels AS (
    SELECT lead_id, fields, unnest(json_keys(fields)) AS label FROM newest
), told AS (
    SELECT e.lead_id, d.field_id, e.fields->>('/' || replace(replace(e.label, '~', '~0'), '/', '~1')) AS value
    FROM labels e JOIN defined d ON d.label = e.label
), lines AS (
    SELECT id AS lead_id, unnest(string_split(description, chr(10))) AS line,
           generate_subscripts(string_split(description, chr(10)), 1) AS number
    FROM live.leads l SEMI JOIN wanted ON wanted.key = l.id WHERE contains(description, ':')
), written AS (
    SELECT n.lead_id, d.field_id,
           arg_min(trim(substr(n.line, length(d.label) + 2), chr(32) || chr(9) || chr(13)), n.number) AS value
    FROM lines n JOIN defined d ON d.label = split_part(n.line, ':', 1)
    GROUP BY n.lead_id, d.field_id
)
SELECT lead_id, field_id, value, 'event' AS known_by FROM told WHERE value <> ''
UNION ALL
SELECT w.lead_id, w.field_id, w.value, 'description' FROM written w
ANTI JOIN told t ON t.lead_id = w.lead_id AND t.field_id = w.field_id AND t.value <> ''
WHERE w.value <> ''
