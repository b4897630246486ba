"""The people and the structure of the demo account at a moment: users, teams, customers, pipelines and steps."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import IdScheme, SeededRandom, iso
from leads_assets.demo.account.staff import SELLERS, has_left, last_change
from leads_assets.demo.account.stages import (
    PLACES,
    RENAMED_SLOT,
    REPLACED_SLOT,
    renamed_at,
    replaced_at,
    slot_of,
    step_index,
    step_name,
)
from leads_assets.demo.account.worktime import DAY

Row = dict[str, Any]

OPENED = 1_546_819_200_000
"""When the demo account was opened, in epoch milliseconds; nothing in it is older."""

SIZES: Mapping[str, int] = {
    "pipelines": 3,
    "clients_folders": 61,
    "categories": 6,
    "predefined_tags": 27,
    "fields": 17,
    "users": 23,
    "teams": 4,
    "webhooks": 7,
    "activities": 12,
    "prospecting_lists": 130,
}
_ID_BASES: Mapping[str, tuple[int, int]] = {
    "steps": (41_000, 3),
    "pipelines": (9_100, 5),
    "clients_folders": (310_000, 11),
    "categories": (7_200, 3),
    "predefined_tags": (88_000, 5),
    "fields": (15_500, 4),
    "leads": (21_000_000, 7),
    "follow_ups": (5_600_000, 9),
    "users": (64_000, 13),
    "teams": (2_300, 6),
    "webhooks": (3_700, 8),
    "webhook_events": (730_000_000, 17),
    "activities": (12_400, 3),
    "prospecting_lists": (450_000, 19),
}


class Directory:
    """Makes the rows of these lists from their ids as they are at a moment (`now`, in epoch milliseconds).

    It knows the ids of every list.
    """

    def __init__(self, seed: int, now: int) -> None:
        self.seed = seed
        self.now = now
        self.ids: Mapping[str, IdScheme] = {name: IdScheme(seed, *base) for name, base in _ID_BASES.items()}
        self.makers: Mapping[str, Callable[[int], Row]] = {
            "steps": self.step,
            "pipelines": self.pipeline,
            "clients_folders": self.client,
            "users": self.user,
            "teams": self.team,
        }

    @cached_property
    def all_users(self) -> tuple[Row, ...]:
        """The users of the untouched account."""
        return tuple(self.user(self.ids["users"].at(index)) for index in range(SIZES["users"]))

    @cached_property
    def all_steps(self) -> tuple[Row, ...]:
        """The steps of the untouched account, by pipeline and place."""
        indexes = (step_index(slot, self.now) for slot in range(len(PLACES)))
        return tuple(self.step(self.ids["steps"].at(index)) for index in indexes)

    @cached_property
    def all_clients(self) -> tuple[Row, ...]:
        """The customers of the untouched account."""
        return tuple(self.client(self.ids["clients_folders"].at(index)) for index in range(SIZES["clients_folders"]))

    def start(self, endpoint: str, row_id: int) -> tuple[int, SeededRandom, str, str]:
        """Position, dice, creation and change time of a row."""
        index = self.ids[endpoint].index(row_id)
        dice = SeededRandom(self.seed, endpoint, row_id)
        created = OPENED + index * DAY * 9 + dice.below(DAY * 9)
        changed = created + dice.below(DAY * 200)
        return index, dice, iso(min(created, self.now)), iso(min(changed, self.now))

    def pipeline(self, row_id: int) -> Row:
        """A row of `pipelines`."""
        index, _, created, changed = self.start("pipelines", row_id)
        return {
            "id": row_id,
            "created_at": created,
            "is_default": index == 0,
            "name": words.PIPELINES[index] if 0 <= index < len(words.PIPELINES) else f"Pipeline {index + 1}",
            "updated_at": changed,
        }

    def step(self, row_id: int) -> Row:
        """A row of `steps`."""
        index, _, created, changed = self.start("steps", row_id)
        slot = slot_of(index, self.now)
        if slot == REPLACED_SLOT:
            created = changed = iso(replaced_at(self.now))
        elif slot == RENAMED_SLOT:
            changed = iso(renamed_at(self.now))
        pipeline, place = (index % len(words.PIPELINES), abs(index)) if slot is None else PLACES[slot]
        parent = self.pipeline(self.ids["pipelines"].at(pipeline))
        return {
            "id": row_id,
            "created_at": created,
            "name": f"Step {index + 1}" if slot is None else step_name(slot, self.now),
            "pipeline": parent,
            "pipeline_id": parent["id"],
            "position": place + 1,
            "updated_at": changed,
        }

    def client(self, row_id: int) -> Row:
        """A row of `clients_folders`."""
        index, dice, created, _ = self.start("clients_folders", row_id)
        root = words.COMPANY_ROOTS[index % len(words.COMPANY_ROOTS)]
        owner = None if dice.chance(15) else self.ids["users"].at(dice.pick(SELLERS))
        return {
            "id": row_id,
            "description": dice.pick(words.SENTENCES) if dice.chance(60) else None,
            "created_at": created,
            "is_active": dice.chance(90),
            "name": f"{root} {dice.pick(words.COMPANY_FORMS)}",
            "user_id": owner,
        }

    def user(self, row_id: int) -> Row:
        """A row of `users`."""
        index, dice, created, changed = self.start("users", row_id)
        first, last = words.FIRST_NAMES[index % len(words.FIRST_NAMES)], dice.pick(words.LAST_NAMES)
        moved = last_change(index, self.now)
        return {
            "id": row_id,
            "created_at": created,
            "email": f"user{index + 1}@sales.example",
            "firstname": first,
            "has_activated": dice.chance(90),
            "is_admin": index == 0 or dice.chance(10),
            "is_disabled": has_left(index, self.now),
            "lastname": last,
            "locale": dice.pick(words.LOCALES),
            "permalink": f"https://app.example.com/users/{row_id}",
            "teams": [self.team_name(index)],
            "time_zone": dice.pick(words.TIME_ZONES),
            "updated_at": changed if moved is None else max(changed, iso(moved)),
            "phone": f"+33 1 99 00 {dice.below(90) + 10} {dice.below(90) + 10}" if dice.chance(70) else None,
            "mobile_phone": f"+44 7700 900{dice.below(900) + 100}" if dice.chance(50) else None,
            "job_title": dice.pick(words.JOB_TITLES) if dice.chance(80) else None,
            "avatar_url": f"https://app.example.com/avatars/{row_id}.png" if dice.chance(40) else None,
        }

    def team_name(self, user_index: int) -> Row:
        """The team of the user at a position, as it is nested in the user."""
        place = user_index % len(words.TEAMS)
        return {"id": self.ids["teams"].at(place), "name": words.TEAMS[place]}

    def team(self, row_id: int) -> Row:
        """A row of `teams`, with its users nested."""
        index, _, created, changed = self.start("teams", row_id)
        known = 0 <= index < len(words.TEAMS)
        members = range(index, SIZES["users"], len(words.TEAMS)) if known else range(0)
        return {
            "id": row_id,
            "created_at": created,
            "name": words.TEAMS[index] if known else f"Team {index + 1}",
            "updated_at": changed,
            "users": [self.person(self.all_users[place]) for place in members],
        }

    @staticmethod
    def person(user: Row) -> Row:
        """A user as other records nest it."""
        return {key: user[key] for key in ("email", "firstname", "id", "lastname")}
