"""Times as people read them."""

from datetime import datetime

from core.humanize import duration


def local_time(stored: str) -> str:
    """`24 Nov, 14:03` on this machine's clock, from UTC in ISO 8601; with the year if it is not this one."""
    if not stored:
        return ""
    try:
        at = datetime.fromisoformat(stored).astimezone()
    except (ValueError, OverflowError, OSError):  # no time of ours
        return "at an unknown time"
    year = "" if at.year == datetime.now().year else f" {at.year}"
    return f"{at.day} {at:%b}{year}, {at:%H:%M}"


def remaining(seconds: float) -> str:
    """`about 2 min left`."""
    return f"about {duration(seconds)} left"
