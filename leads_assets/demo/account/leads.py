"""The leads of the demo account at a moment: rows made from the id alone, so that a million cost nothing."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from leads_assets.demo.account import words
from leads_assets.demo.account.contacts import contact
from leads_assets.demo.account.dice import Draw, day, iso, mix, pick
from leads_assets.demo.account.directory import Directory, Row
from leads_assets.demo.account.fates import Fate, Fates
from leads_assets.demo.account.staff import ASSISTANT, INTEGRATION
from leads_assets.demo.account.stages import PLACES, step_index, step_name
from leads_assets.demo.account.walks import Act, State, Walks
from leads_assets.demo.account.worktime import DAY, HOUR, moment, worktime

_CHANCES = ((10, 25, 45, 65, 85), (20, 40, 60, 75, 90), (10, 30, 55, 80))
"""Chance of winning in percent, by pipeline and place in it."""
_HUNCHES = (-10, -5, -5, 0, 0, 0, 0, 0, 0, 0, 5, 5, 10, 10, None)
_NO_REMINDER: Row = {"next_action_at": None, "remind_date": None, "remind_time": None}
_NO_CLIENT = (None, None, "EUR")
_NO_TEAM: Row = {"id": None, "name": None}


class _Lasting(NamedTuple):
    """What does not change in a lead's life: whole fields, and what others are made from.

    `hunch` is what is added to a step's usual chance (None: nobody says), `delay` in days.
    """

    fields: Row
    title: str
    hunch: int | None
    delay: int | None


class LeadRows:
    """Makes leads as they are at the directory's moment. Creation times ascend with the ids."""

    def __init__(self, directory: Directory, fates: Fates) -> None:
        self.ids = directory.ids["leads"]
        self._directory = directory
        self._users: list[int] = [user["id"] for user in directory.all_users]
        self._step_ids: dict[int, int] = {}
        self._seed = directory.seed
        self._fates = fates
        self._walks = Walks(directory.seed, fates.staff)
        self._work = worktime(directory.now)

    def row(self, row_id: int) -> Row:
        """The lead with that id: as it was last if it has been deleted, as it will come if it is still to come."""
        fate = self._fates.fate(self.ids.index(row_id))
        life = self._walks.life(fate, self._work)
        state = life.at(self._end(fate))
        return self._row(self._lasting(row_id, fate, life.draw), state, max(self._directory.now, moment(fate.begins)))

    def newborn(self, row_id: int, now: int) -> Row:
        """The lead with that id as if it came at a moment in epoch milliseconds."""
        fate = self._fates.fate(self.ids.index(row_id))
        life = self._walks.life(fate, fate.begins)
        state = life.at(fate.begins)
        state.touched = worktime(now)
        return self._row(self._lasting(row_id, fate, life.draw), state, now)

    def history(self, row_id: int, since: float) -> Iterator[tuple[Act, Row | None]]:
        """What happened to the lead after a work time and up to now, and the lead as it was then; None: deleted."""
        fate = self._fates.fate(self.ids.index(row_id))
        end, life = self._end(fate), self._walks.life(fate, self._work)
        lasting = self._lasting(row_id, fate, life.draw)
        for act, state in life.states(end):
            if since < act[0] <= self._work:
                yield act, self._row(lasting, state, moment(act[0]))
        if since < end < self._work:
            yield (end, "lead.deleted", "status", None), None

    def is_quiet(self, row_id: int, since: float) -> bool:
        """Whether the lead's fate alone tells that nothing has happened to it since a work time."""
        fate = self._fates.fate(self.ids.index(row_id))
        return fate.stays_put and fate.ends <= since and not self._fates.is_doomed(fate.number)

    def won_at(self, row_id: int) -> int | None:
        """When the lead was won for good, in epoch milliseconds; None where it was not."""
        fate = self._fates.fate(self.ids.index(row_id))
        return moment(fate.ends) if fate.outcome == "won" and fate.ends <= self._work else None

    def updated(self, row_id: int) -> int:
        """Time of the last change in epoch milliseconds."""
        fate = self._fates.fate(self.ids.index(row_id))
        is_over = fate.stays_put and fate.ends <= self._work and not self._fates.is_doomed(fate.number)
        return moment(fate.ends if is_over else self._state(fate).touched)

    def owner(self, row_id: int) -> int | None:
        """The id of the user who owns the lead."""
        fate = self._fates.fate(self.ids.index(row_id))
        is_settled = fate.keeps_owner and (fate.seller is None or fate.ends <= self._work)
        index = fate.seller if is_settled else self._state(fate).owner
        return None if index is None else self._users[index]

    def _end(self, fate: Fate) -> float:
        """The work time up to which the lead lives: now, or its deletion."""
        return min(self._work, self._fates.deleted(fate.number)) if self._fates.is_doomed(fate.number) else self._work

    def _state(self, fate: Fate) -> State:
        return self._walks.life(fate, self._work).at(self._end(fate))

    def _lasting(self, row_id: int, fate: Fate, draw: Draw) -> _Lasting:
        """What does not change in the life of a lead, drawn for it after its walk."""
        created = moment(fate.begins)
        # Some customers come back again and again.
        known = draw() < 0.85
        client, customer, currency = self._clients[int(draw() * draw() * len(self._clients))] if known else _NO_CLIENT
        name = customer or f"{pick(draw, words.FIRST_NAMES)} {pick(draw, words.LAST_NAMES)}"
        text = [pick(draw, words.SENTENCES), pick(draw, words.SENTENCES)] if draw() < 0.9 else []
        if text and draw() < 0.25:
            text += [f"{label}: {value}" for label, value in contact(self._seed, row_id, created).fields.items()]
        fields: Row = {
            "id": row_id,
            "description": "\n".join(text) or None,
            "created_at": iso(created),
            "created_by_id": self._creator(fate),
            "created_from": fate.source,
            "currency": currency,
            "html_description": f"<p>{'</p><p>'.join(text)}</p>" if text else None,
            "starred": draw() < 0.12,
            "tags": [pick(draw, group) for group in words.TAGS[: int(draw() * 4)]],
            "amount_percentage": 100 if draw() < 0.8 else 50,
            "client_folder_id": client,
            "client_folder_name": customer,
        }
        delay = int(draw() * 30) if draw() < 0.72 else None
        return _Lasting(fields, f"{name}: {pick(draw, words.TOPICS)}", pick(draw, _HUNCHES), delay)

    @cached_property
    def _clients(self) -> Sequence[tuple[int, str, str]]:
        """Id, name and currency of each customer."""
        currencies = words.CURRENCIES
        return [
            (client["id"], client["name"], currencies[mix(self._seed + 40, client["id"]) % len(currencies)])
            for client in self._directory.all_clients
        ]

    def _creator(self, fate: Fate) -> int:
        """The assistant imports, another program sends what comes from the web; the rest is entered by its owner."""
        by_itself = INTEGRATION if fate.source in ("web", "api") else ASSISTANT
        return self._users[by_itself if fate.seller is None or fate.source not in ("email", "mobile") else fate.seller]

    def _step_id(self, slot: int, now: int) -> int:
        index = step_index(slot, now)
        if index not in self._step_ids:
            self._step_ids[index] = self._directory.ids["steps"].at(index)
        return self._step_ids[index]

    def _row(self, lasting: _Lasting, state: State, now: int) -> Row:
        """The lead in a state, with the names that things have at a moment in epoch milliseconds."""
        touched = moment(state.touched)
        closed = None if state.closed is None else moment(state.closed)
        pipeline, place = (None, 0) if state.slot is None else PLACES[state.slot]
        percent = _percent(lasting, state, pipeline, place)
        team = _NO_TEAM if state.owner is None else self._directory.team_name(state.owner)
        return {
            **lasting.fields,
            **self._reminder(lasting.fields["id"], state, touched),
            "attachment_count": state.acts // 3,
            "closed_at": None if closed is None else iso(closed),
            "pipeline": None if pipeline is None else words.PIPELINES[pipeline],
            "status": state.status,
            "step": None if state.slot is None else step_name(state.slot, now),
            "step_id": None if state.slot is None else self._step_id(state.slot, now),
            "title": words.RETITLED[state.title].format(lasting.title),
            "updated_at": iso(touched),
            "probability": percent,
            "amount": None if state.cents is None else state.cents / 100,
            "probalized_amount": None if state.cents is None or percent is None else state.cents * percent / 10_000,
            "estimated_closing_date": _expected(
                lasting, closed or touched, 0 if closed else _steps_left(pipeline, place)
            ),
            "user_id": None if state.owner is None else self._users[state.owner],
            "team_id": team["id"],
            "team_name": team["name"],
        }

    def _reminder(self, row_id: int, state: State, touched: int) -> Row:
        """Who works on a lead says when he goes on; later, if the lead has to wait."""
        if state.closed is not None:
            return _NO_REMINDER
        draw = mix(self._seed + 41, row_id + state.acts)
        if draw & 3 == 0:
            return _NO_REMINDER
        ahead = 20 + (draw >> 2) % 70 if state.status == "standby" else 1 + (draw >> 2) % 16
        due = touched // DAY + ahead
        # The first of January 1970 was a Thursday: nobody is reminded on a weekend.
        due += (0, 0, 0, 0, 0, 2, 1)[(due + 3) % 7]
        quarter = 32 + (draw >> 10) % 40
        return {
            "next_action_at": iso(due * DAY + quarter * HOUR // 4),
            "remind_date": day(due),
            "remind_time": f"{quarter // 4:02d}:{quarter % 4 * 15:02d}",
        }


def _steps_left(pipeline: int | None, place: int) -> int:
    return len(_CHANCES[pipeline or 0]) - place


def _expected(lasting: _Lasting, since: int, steps: int) -> str | None:
    """The day on which the lead is to close: a fortnight a step; of a closed lead somewhere around the real one."""
    if lasting.delay is None:
        return None
    return day(since // DAY + lasting.delay + (14 * steps if steps else -10))


def _percent(lasting: _Lasting, state: State, pipeline: int | None, place: int) -> int | None:
    if state.closed is not None:
        return 100 if state.status == "won" else 0
    if pipeline is None or lasting.hunch is None:
        return None
    return min(95, max(5, _CHANCES[pipeline][place] + lasting.hunch))
