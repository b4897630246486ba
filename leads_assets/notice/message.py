"""A message as chat webhooks and plain receivers take it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

MOST_LINES = 30
"""Lines of a text: chats cut longer ones, somewhere. The list in the message has all causes."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is new, and what is well again: names of causes with their sentences. `place`: whose warehouse it is."""

    place: str
    new: Mapping[str, str]
    over: Mapping[str, str]

    @property
    def text(self) -> str:
        """A line a cause."""
        lines = [f"✗ {says}" for says in self.new.values()] + [f"✓ well again: {says}" for says in self.over.values()]
        cut = [f"… and {len(lines) - MOST_LINES:,} more"] if len(lines) > MOST_LINES else []
        return "\n".join([f"leads_assets, {self.place}", *lines[:MOST_LINES], *cut])

    def encoded(self) -> bytes:
        """JSON: `text` and `content` are what chats show, each by its own name for it; the rest is for programs."""
        return msgspec.json.encode(
            {
                "text": self.text,
                "content": self.text,
                "place": self.place,
                "new": [{"cause": name, "says": says} for name, says in self.new.items()],
                "over": [{"cause": name, "says": says} for name, says in self.over.items()],
            }
        )
