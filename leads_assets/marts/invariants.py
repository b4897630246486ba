"""What holds in the marts of any account: each claim with a query for the rows that break it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A claim about a mart. `broken` selects the ids that break it, one BIGINT column; none if it holds."""

    name: str
    mart: str
    claim: str
    broken: str


_OPEN = "('todo', 'standby')"
_EVER = "TIMESTAMPTZ '2999-01-01 00:00:00+00'"

INVARIANTS = (
    Invariant(
        "versions_have_no_gap",
        "lead_history",
        "The versions of a lead follow each other from its creation on, without gap or overlap but for deleted time.",
        """
        SELECT lead_id FROM (
            SELECT h.*, lead(valid_from) OVER w AS next_from, l.created_at
            FROM marts.lead_history h JOIN live.leads l ON l.id = h.lead_id
            WINDOW w AS (PARTITION BY h.lead_id ORDER BY version))
        WHERE valid_to < valid_from OR (valid_to = valid_from AND NOT ended_by_deletion)
            OR (version = 1 AND valid_from <> created_at)
            OR (NOT ended_by_deletion AND next_from IS DISTINCT FROM valid_to)
            OR (ended_by_deletion AND next_from < valid_to)
        """,
    ),
    Invariant(
        "open_time_is_time_in_steps",
        "lead_steps",
        "The stays of a lead last as long as its versions that are open; with the closed ones that is its age.",
        f"""
        SELECT coalesce(h.lead_id, s.lead_id) FROM (
            SELECT lead_id, sum(epoch(coalesce(valid_to, {_EVER})) - epoch(valid_from)) AS seconds
            FROM marts.lead_history WHERE status IN {_OPEN} GROUP BY lead_id) h
        FULL JOIN (
            SELECT lead_id, sum(epoch(coalesce(left_at, {_EVER})) - epoch(entered_at)) AS seconds
            FROM marts.lead_steps GROUP BY lead_id) s ON s.lead_id = h.lead_id
        WHERE abs(h.seconds - s.seconds) > 1 OR h.seconds IS NULL OR s.seconds IS NULL
        """,
    ),
    Invariant(
        "today_is_what_is_open",
        "pipeline_daily",
        "The last day adds up to the open leads: number, amounts and leads without amount, per step and currency.",
        f"""
        SELECT coalesce(d.step_id, l.step_id, 0) FROM (
            SELECT step_id, currency, open_leads, amount, weighted_amount, leads_without_amount
            FROM marts.pipeline_daily WHERE is_today AND open_leads <> 0) d
        FULL JOIN (
            SELECT step_id, coalesce(currency, '?') AS currency, count(*) AS open_leads,
                coalesce(sum(amount), 0) AS amount, coalesce(sum(weighted_amount), 0) AS weighted_amount,
                count(*) FILTER (amount IS NULL) AS leads_without_amount
            FROM live.leads WHERE status IN {_OPEN} GROUP BY ALL) l
        ON l.step_id IS NOT DISTINCT FROM d.step_id AND l.currency = d.currency
        WHERE d.open_leads IS DISTINCT FROM l.open_leads OR d.amount IS DISTINCT FROM l.amount
            OR d.weighted_amount IS DISTINCT FROM l.weighted_amount
            OR d.leads_without_amount IS DISTINCT FROM l.leads_without_amount
        """,
    ),
    Invariant(
        "never_below_zero",
        "pipeline_daily",
        "No day has fewer than no open leads.",
        """
        SELECT coalesce(step_id, 0) FROM marts.pipeline_daily
        WHERE open_leads < 0 OR leads_without_amount < 0 OR leads_without_amount > open_leads
            OR (open_leads = 0 AND (amount <> 0 OR weighted_amount <> 0))
        """,
    ),
    Invariant(
        "reached_falls",
        "funnel",
        "No more leads reach a step than the one before it, and none more than there are.",
        "SELECT step_id FROM marts.funnel WHERE reached_next > reached OR reached > leads OR reached_seen > reached",
    ),
    Invariant(
        "who_entered_has_reached",
        "funnel",
        "Leads that entered a step, wait in it, or were won, have reached it.",
        "SELECT step_id FROM marts.funnel WHERE entered > reached OR waiting_here > reached OR won > reached",
    ),
    Invariant(
        "one_current_version",
        "lead_history",
        "Each live lead has one current version, which equals its row; a deleted one has none.",
        """
        SELECT coalesce(h.lead_id, l.id)
        FROM (SELECT * FROM marts.lead_history WHERE is_current) h FULL JOIN live.leads l ON l.id = h.lead_id
        WHERE h.lead_id IS NULL OR l.id IS NULL
            OR (h.status, h.step_id, h.amount, h.weighted_amount, h.probability, h.user_id, h.currency, h.closed_at,
                h.next_action_at) IS DISTINCT FROM (l.status, l.step_id, l.amount, l.weighted_amount, l.probability,
                l.user_id, l.currency, l.closed_at, l.next_action_at)
        UNION ALL SELECT lead_id FROM marts.lead_history WHERE is_current GROUP BY lead_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "each_lead_once",
        "leads",
        "Each live lead has one row.",
        """
        SELECT coalesce(m.lead_id, l.id)
        FROM (SELECT lead_id, count(*) AS times FROM marts.leads GROUP BY lead_id) m
        FULL JOIN live.leads l ON l.id = m.lead_id WHERE m.times IS DISTINCT FROM 1 OR l.id IS NULL
        """,
    ),
    Invariant(
        "outcomes_add_up",
        "outcomes",
        "The outcomes add up to the closed leads: numbers, and amounts per currency.",
        """
        SELECT 0 FROM (
            SELECT currency, sum(won) AS won, sum(lost) AS lost, sum(cancelled) AS cancelled,
                sum(won_amount) AS won_amount, sum(lost_amount) AS lost_amount
            FROM marts.outcomes GROUP BY currency) o
        FULL JOIN (
            SELECT currency, count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost,
                count(*) FILTER (status = 'cancelled') AS cancelled, sum(amount) FILTER (status = 'won') AS won_amount,
                sum(amount) FILTER (status = 'lost') AS lost_amount
            FROM live.leads WHERE status IN ('won', 'lost', 'cancelled') GROUP BY currency) l
        ON l.currency IS NOT DISTINCT FROM o.currency
        WHERE (o.won, o.lost, o.cancelled, o.won_amount, o.lost_amount)
            IS DISTINCT FROM (l.won, l.lost, l.cancelled, l.won_amount, l.lost_amount)
        """,
    ),
    Invariant(
        "each_tag_once",
        "lead_tags",
        "Each lead has one row for each different tag.",
        """
        SELECT coalesce(t.lead_id, l.id) FROM (SELECT lead_id, count(*) AS tags FROM marts.lead_tags GROUP BY lead_id) t
        FULL JOIN (SELECT id, len(list_distinct(tags)) AS tags FROM live.leads WHERE len(list_distinct(tags)) > 0) l
        ON l.id = t.lead_id WHERE l.tags IS DISTINCT FROM t.tags
        """,
    ),
    Invariant(
        "stuck_leads_are_open",
        "stuck_leads",
        "No lead that is closed or deleted is stuck, and each is stuck once.",
        f"""
        SELECT s.lead_id FROM marts.stuck_leads s LEFT JOIN live.leads l ON l.id = s.lead_id
        WHERE coalesce(l.status NOT IN {_OPEN}, true)
        UNION ALL SELECT lead_id FROM marts.stuck_leads GROUP BY lead_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "stays_end_after_they_begin",
        "lead_steps",
        "No stay ends before it begins; one without an end is current, says no way out, and belongs to an open lead.",
        f"""
        SELECT s.lead_id FROM marts.lead_steps s LEFT JOIN live.leads l ON l.id = s.lead_id
        WHERE s.left_at < s.entered_at OR (s.left_at IS NULL) <> s.is_current OR (s.left_by IS NULL) <> s.is_current
            OR (s.is_current AND coalesce(l.status NOT IN {_OPEN}, true)) OR s.days_observed > s.days
        """,
    ),
    Invariant(
        "who_came_went_or_is_there",
        "step_flow",
        "Whoever came into a step went on, went back, went elsewhere, was closed or deleted, or is still there.",
        """
        SELECT coalesce(step_id, 0) FROM marts.step_flow
        WHERE entries <> went_on + went_back + went_elsewhere + won + lost + cancelled + deleted + still_there
        """,
    ),
)
"""In the order of the marts that they are about; cheap enough to run after each sync."""
