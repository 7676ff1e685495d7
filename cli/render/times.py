"""Times of day for a reader."""

from datetime import datetime
from typing import Literal


def local_time(seconds: float, timespec: Literal["seconds", "minutes"] = "seconds") -> str:
    """Seconds since the epoch as date and time here, with the zone's distance from UTC: 2026-11-28 09:30:00+01:00."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec=timespec)
