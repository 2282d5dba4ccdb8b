"""Cron arithmetic: fields, time zones, and the two days a year on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.schedule.cron import CronError, parse_cron

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def local(schedule: str, zone: str, day: str, days: int = 1) -> list[str]:
    """Return the moments of a day, as a clock in the zone and one in UTC show them."""
    cron = parse_cron(schedule, zone)
    begin = datetime.fromisoformat(day).replace(tzinfo=cron.zone)
    until = begin + days * DAY - timedelta(seconds=1)
    moments = cron.between(begin.astimezone(UTC) - timedelta(seconds=1), until.astimezone(UTC))
    return [f"{at.astimezone(cron.zone):%H:%M} {at:%H:%MZ}" for at in moments]


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("*/15 * * * *", "2026-01-01T00:15"),
        ("30 6 * * 1-5", "2026-01-01T06:30"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 12 * * SUN", "2026-01-04T12:00"),
        ("@hourly", "2026-01-01T01:00"),
        ("@daily", "2026-01-02T00:00"),
        ("@weekly", "2026-01-04T00:00"),
        ("@monthly", "2026-02-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
    ],
)
def test_the_next_moment_of_a_schedule(schedule: str, first: str) -> None:
    found = parse_cron(schedule, "UTC").next(START)
    assert found is not None
    assert found.isoformat()[:16] == first


def test_a_moment_is_after_the_one_that_is_asked_from() -> None:
    cron = parse_cron("0 0 * * *", "UTC")
    assert cron.next(START) == START + DAY
    assert cron.next(START - timedelta(seconds=1)) == START


def test_a_time_zone_shifts_the_moments_and_follows_summer_time() -> None:
    assert local("30 7 * * *", "Europe/Berlin", "2026-01-15") == ["07:30 06:30Z"]
    assert local("30 7 * * *", "Europe/Berlin", "2026-07-15") == ["07:30 05:30Z"]


def test_a_time_that_does_not_exist_runs_once_right_after_the_gap() -> None:
    assert local("30 2 * * *", "Europe/Berlin", "2026-03-29") == ["03:00 01:00Z"]
    assert local("0,30 2 * * *", "Europe/Berlin", "2026-03-29") == ["03:00 01:00Z"]


def test_a_time_that_comes_twice_runs_once_the_first_time() -> None:
    assert local("30 2 * * *", "Europe/Berlin", "2026-10-25") == ["02:30 00:30Z"]


def test_from_the_second_of_two_equal_times_the_first_one_does_not_come_again() -> None:
    cron = parse_cron("30 2 * * *", "Europe/Berlin")
    second = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time
    assert cron.next(second) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_every_hour_means_every_hour_that_there_is() -> None:
    spring = local("0 * * * *", "Europe/Berlin", "2026-03-29")
    autumn = local("0 * * * *", "Europe/Berlin", "2026-10-25")
    assert len(spring) == 23
    assert len(autumn) == 25
    assert [text for text in autumn if text.startswith("02:")] == ["02:00 00:00Z", "02:00 01:00Z"]


def test_half_hours_of_summer_time_are_possible() -> None:
    assert local("15 2 * * *", "Australia/Lord_Howe", "2026-10-04") == ["02:30 15:30Z"]


@pytest.mark.parametrize(
    "schedule",
    ["", "* * * *", "0 * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
     "* * * * 8", "*/0 * * * *", "5-1 * * * *", "0 0 31 2 *", "every day", "@reboot"],
)  # fmt: skip
def test_a_schedule_that_means_nothing_is_refused_by_name(schedule: str) -> None:
    with pytest.raises(CronError, match=r"^spec\.schedule") as caught:
        parse_cron(schedule, "UTC")
    assert caught.value.reason == "InvalidSchedule"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", "CEST2"])
def test_a_time_zone_that_does_not_exist_is_refused_by_name(zone: str) -> None:
    with pytest.raises(CronError, match=r"^spec\.timeZone") as caught:
        parse_cron("@daily", zone)
    assert caught.value.reason == "InvalidTimeZone"


def test_the_newest_moments_of_a_gap_are_found_however_long_it_is() -> None:
    cron = parse_cron("* * * * *", "UTC")
    found = cron.newest(START, START + 3650 * DAY, 100)
    assert len(found) == 100
    assert found[-1] == START + 3650 * DAY
    assert found[0] == found[-1] - timedelta(minutes=99)


def test_the_newest_moments_of_a_rare_schedule_are_all_there_are() -> None:
    cron = parse_cron("0 0 1 * *", "UTC")
    found = cron.newest(START, START + 90 * DAY, 100)
    assert [at.month for at in found] == [2, 3, 4]


MINUTES = st.sampled_from(["0", "30", "*", "*/20", "7,45"])
HOURS = st.sampled_from(["0", "2", "*", "*/6", "1-3"])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
MOMENTS = st.integers(0, 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))


@given(minute=MINUTES, hour=HOURS, zone=ZONES, begin=MOMENTS)
def test_moments_grow_and_do_not_depend_on_where_one_begins(
    minute: str, hour: str, zone: str, begin: datetime
) -> None:
    cron = parse_cron(f"{minute} {hour} * * *", zone)
    found = list(cron.between(begin, begin + 2 * DAY))
    assert found == sorted(set(found))
    assert all(begin < at <= begin + 2 * DAY for at in found)
    again = cron.newest(begin, begin + 2 * DAY, len(found) or 1)
    assert again == found
    for before, after in pairwise(found):
        assert cron.next(before) == after
