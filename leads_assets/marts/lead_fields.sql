-- One row a lead and a custom field that has a value; fields are told apart by their exact name.
-- dated by: leads
-- lead_id: The lead.
-- field_id: The custom field.
-- label: Name of the field.
-- type: Type of the field's values, as the server says.
-- value: The value as text.
-- value_number: The value where it is a number.
-- value_date: The value where it is a day.
-- known_by: Where it was found: the newest event of the webhook log, or a line `label: value` of the description.
SELECT v.lead_id, v.field_id, d.name AS label, d.type, v.value,
       CASE WHEN isfinite(TRY_CAST(v.value AS DOUBLE)) THEN TRY_CAST(v.value AS DOUBLE) END AS value_number,
       TRY_CAST(v.value AS DATE) AS value_date, v.known_by
FROM kept.lead_fields v SEMI JOIN live.leads l ON l.id = v.lead_id JOIN live.fields d ON d.id = v.field_id
