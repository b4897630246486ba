-- One row a version of a lead: what it was from one change to the next; deleted time is no version.
-- dated by: leads
-- lead_id: The lead.
-- version: Number of the version, from 1 on.
-- valid_from: From when on it was so; for the first version the lead's creation.
-- valid_to: Until when it was so; null for now.
-- is_current: Whether it is so now.
-- known_from: From when on this was seen; before it is assumed.
-- not_before: The change lies after this moment: the latest at which the version before was seen.
-- known_by: What told of it: the journal of the syncs, or an event of the webhook log.
-- ended_by_deletion: Whether the version ended because the lead was deleted.
-- status: Status then.
-- step_id: Step then.
-- amount: Amount then, in `currency`.
-- weighted_amount: Amount times probability then, in `currency`.
-- probability: Chance of winning then, in percent.
-- user_id: Owner then.
-- currency: Currency then; today's for versions from before it was kept.
-- closed_at: When the lead was closed, as it was said then.
-- next_action_at: Next action, as it was planned then.
-- status_before: Status of the version before; null for the first.
-- user_id_before: Owner of the version before.
-- times_reassigned: How often the owner had changed by then.
-- times_reopened: How often it had been opened again after it was closed, by then.
-- times_postponed: How often its next action had been moved to a later time, by then.
-- whole_life_seen: Whether the lead was created after the history began, so that nothing of it is assumed.
-- valid_from_on: Day of `valid_from` in the report's time zone.
-- valid_to_on: Day of `valid_to` in the report's time zone.
-- known_from_on: Day of `known_from` in the report's time zone.
SELECT lead_id, version, valid_from, valid_to, valid_to IS NULL AS is_current, known_from, not_before, known_by,
       ended_by_deletion, status, step_id, amount, weighted_amount, probability, user_id, currency, closed_at,
       next_action_at, status_before, user_id_before, times_reassigned, times_reopened,
       times_postponed, whole_life_seen, valid_from_on, valid_to_on, known_from_on
FROM kept.lead_history
