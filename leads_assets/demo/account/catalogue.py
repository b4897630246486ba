"""The lists of the demo account that nothing else is made from: tags, fields, webhooks, activities and lists."""

from collections.abc import Callable, Mapping

from leads_assets.demo.account import words
from leads_assets.demo.account.directory import Directory, Row


class Catalogue:
    """Makes the rows of these lists from their ids."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._ids = directory.ids
        self.makers: Mapping[str, Callable[[int], Row]] = {
            "categories": self.category,
            "predefined_tags": self.tag,
            "fields": self.field,
            "webhooks": self.webhook,
            "activities": self.activity,
            "prospecting_lists": self.prospecting_list,
        }

    def category(self, row_id: int) -> Row:
        """A row of `categories`, with its tags nested."""
        index, dice, created, changed = self._directory.start("categories", row_id)
        known = 0 <= index < len(words.CATEGORIES)
        first = sum(len(group) for group in words.TAGS[:index]) if known else 0
        names = words.TAGS[index] if known else ()
        return {
            "id": row_id,
            "created_at": created,
            "is_required": dice.chance(30),
            "name": words.CATEGORIES[index] if known else f"Category {index + 1}",
            "updated_at": changed,
            "supertags": [
                {"id": self._ids["predefined_tags"].at(first + place), "name": name, "position": place + 1}
                for place, name in enumerate(names)
            ],
        }

    def tag(self, row_id: int) -> Row:
        """A row of `predefined_tags`."""
        index, _, created, _ = self._directory.start("predefined_tags", row_id)
        places = [(group, place) for group, names in enumerate(words.TAGS) for place in range(len(names))]
        known = 0 <= index < len(places)
        group, place = places[index] if known else (index % len(words.CATEGORIES), abs(index))
        return {
            "id": row_id,
            "category": words.CATEGORIES[group],
            "category_id": self._ids["categories"].at(group),
            "created_at": created,
            "name": words.TAGS[group][place] if known else f"tag {index + 1}",
            "position": place + 1,
        }

    def field(self, row_id: int) -> Row:
        """A row of `fields`."""
        index, _, created, changed = self._directory.start("fields", row_id)
        known = 0 <= index < len(words.FIELDS)
        name, kind = words.FIELDS[index] if known else (f"Field {index + 1}", "string")
        return {
            "id": row_id,
            "type": kind,
            "created_at": created,
            "is_key": index == 2,
            "name": name,
            "parent_type": "client" if name in words.CLIENT_FIELDS else "lead",
            "position": index + 1,
            "updated_at": changed,
        }

    def webhook(self, row_id: int) -> Row:
        """A row of `webhooks`."""
        index, dice, _, _ = self._directory.start("webhooks", row_id)
        return {
            "id": row_id,
            "event": words.LEAD_EVENTS[index % len(words.LEAD_EVENTS)],
            "is_disabled": dice.chance(20),
            "target": f"https://hooks.example.org/in/{dice.below(1 << 60):015x}",
            "target_type": dice.pick(("url", "url", "email")),
            "name": f"Hook {index + 1}" if dice.chance(70) else None,
            "params": {"Pipeline cible": dice.pick(words.PIPELINES), "retry count": 3} if dice.chance(60) else {},
        }

    def activity(self, row_id: int) -> Row:
        """A row of `activities`: the later types refine the first ones."""
        index, dice, _, _ = self._directory.start("activities", row_id)
        known = 0 <= index < len(words.ACTIVITIES)
        return {
            "id": row_id,
            "color": dice.pick(words.COLORS),
            "icon": dice.pick(words.ICONS),
            "is_disabled": dice.chance(10),
            "kind": "system" if 0 <= index < 3 else "custom",
            "name": words.ACTIVITIES[index] if known else f"Activity {index + 1}",
            "parent_id": self._ids["activities"].at(dice.below(3)) if index >= 7 else None,
            "position": index + 1,
        }

    def prospecting_list(self, row_id: int) -> Row:
        """A row of `prospecting_lists`."""
        index, dice, created, changed = self._directory.start("prospecting_lists", row_id)
        columns = [name for name, _ in words.FIELDS[: 3 + dice.below(8)]]
        total = dice.below(900)
        return {
            "id": row_id,
            "description": dice.pick(words.SENTENCES) if dice.chance(50) else None,
            "column_count": len(columns),
            "column_names": columns,
            "created_at": created,
            "is_archived": dice.chance(30),
            "permalink": f"https://app.example.com/lists/{row_id}",
            "privacy": dice.below(3),
            "tags": [dice.pick(words.TAGS[1])] if dice.chance(60) else [],
            "title": f"{dice.pick(words.TOPICS).capitalize()} {2019 + index % 7}",
            "to_qualify_row_count": dice.below(total + 1),
            "total_row_count": total,
            "updated_at": changed,
            "user": None if dice.chance(5) else self._directory.person(dice.pick(self._directory.all_users)),
        }
