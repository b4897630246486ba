"""The person behind each lead of the demo account, and the custom fields that somebody has filled in."""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import day, mix, pick
from leads_assets.demo.account.worktime import DAY


class Contact(NamedTuple):
    """Name, address and phone of a lead's contact, and its custom fields by label, with values as their types want."""

    first_name: str
    last_name: str
    email: str
    phone: str
    fields: Mapping[str, str | int | float]


def contact(seed: int, lead_id: int, created: int) -> Contact:
    """The contact of the lead that came at a moment in epoch milliseconds."""
    draw = Random(mix(seed + 60, lead_id)).random
    values: dict[str, str | int | float] = {
        "Ville": pick(draw, words.TOWNS),
        "Country": pick(draw, words.COUNTRIES),
        "Contract ends": day(created // DAY + 30 + int(draw() * 700)),
        "Seats": 1 + int(draw() * draw() * 480),
        "Discount %": int(draw() * 31) / 2,
        "Remarques 📝": pick(draw, words.REMARKS),
    }
    return Contact(
        first_name=pick(draw, words.FIRST_NAMES),
        last_name=pick(draw, words.LAST_NAMES),
        email=f"contact{lead_id}@client.example",
        phone=f"+33 1 99 00 {10 + int(draw() * 90)} {10 + int(draw() * 90)}",
        fields={label: value for label, value in values.items() if draw() < 0.55},
    )
