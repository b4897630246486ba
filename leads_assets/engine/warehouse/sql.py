"""Names and values written into SQL."""

from datetime import datetime


def quoted(name: str) -> str:
    """An identifier for use in SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for use in SQL."""
    return "'" + text.replace("'", "''") + "'"


def moment(at: datetime) -> str:
    """A time (with its zone) for use in SQL."""
    return f"TIMESTAMPTZ {literal(at.isoformat())}"
