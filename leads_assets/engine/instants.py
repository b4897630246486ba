"""Instants in UTC: the present one, parsing and formatting."""

from datetime import UTC, datetime, timedelta

ISO = "%Y-%m-%dT%H:%M:%SZ"
"""ISO-8601 in UTC, to the second (RFC 3339)."""
READABLE = "%Y-%m-%d %H:%M UTC"
DAY = "%Y-%m-%d"
CLOCK_SLACK = timedelta(minutes=1)
"""What is further ahead of now than this comes from a clock that is wrong, here or on the server."""


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def parse_instant(text: object) -> datetime | None:
    """The instant that an ISO-8601 text states, in UTC; one without a zone is meant in UTC. None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # the first and the last hours of the calendar, in another zone
        return None


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC; one without a zone is meant in UTC. Raises OverflowError beyond the calendar."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_instant(moment: datetime, form: str = ISO) -> str:
    """An instant in UTC; `form` as `strftime` takes it."""
    return in_utc(moment).strftime(form)
