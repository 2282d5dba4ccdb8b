"""Cron arithmetic: which moments a schedule means. Moments are in UTC, to the minute.

A schedule with a fixed minute and hour means wall-clock time as Debian's cron does: what falls
into the hour that a clock change leaves out runs right after it, and what comes twice runs the
first time. One with a star in its minute or hour follows the clock as it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

FIELDS = 5
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)


class CronError(ValueError):
    """A schedule or time zone that means nothing; `reason` is one word for conditions."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule in a time zone."""

    expression: str
    zone: ZoneInfo

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the moments after one and up to another, in order, each once."""
        last = after
        for local in CronSim(self.expression, after.astimezone(self.zone)):
            moment = local.astimezone(UTC)
            if moment > until:
                return
            if moment > last:  # clock changes let the library name a moment twice, or go back
                last = moment
                yield moment

    def next(self, after: datetime) -> datetime | None:
        """Return the first moment after one; None if there is none in fifty years."""
        horizon = after + timedelta(days=366 * 50)
        return next(self.between(after, horizon), None)

    def newest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """Return the last `most` moments after one and up to another, oldest first.

        However long the time between, about three times `most` moments are looked at.
        """
        span = timedelta(minutes=most)
        while True:
            begin = max(after, until - span)
            found = list(self.between(begin, until))
            if begin == after or len(found) >= most:
                return found[-most:]
            span *= 2


def parse_cron(schedule: str, time_zone: str) -> Cron:
    """Read a schedule and its time zone.

    Raises:
        CronError: `InvalidSchedule` or `InvalidTimeZone`; the message names the field.
    """
    expression = _MACROS.get(schedule, schedule)
    if len(expression.split()) != FIELDS:
        raise CronError(
            "InvalidSchedule",
            f"spec.schedule {schedule!r}: give five fields (minute, hour, day of month, month, "
            f"day of week), or one of {', '.join(_MACROS)}",
        )
    try:
        CronSim(expression, _ANY_TIME)
    except CronSimError as error:
        why = str(error).lower()
        text = f"spec.schedule {schedule!r}: {why}; see the cron fields in docs/schedules.md"
        raise CronError("InvalidSchedule", text) from None
    return Cron(expression, _zone(time_zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        text = f"spec.timeZone {name!r}: no such time zone; give an IANA name, as Europe/Berlin"
        raise CronError("InvalidTimeZone", text) from None
