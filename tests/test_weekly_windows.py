"""Weeks and windows: labels by ISO 8601, dates that do not exist, the same days of other years."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import NOWHERE
from pipeline.errors import ConfigError
from pipeline.weekly.windows import DAY_NAMES, DayName, record_of, week_named, week_of, weeks_of, windows

DATES = st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 12, 31)).map(pd.Timestamp)
STARTS = st.sampled_from(DAY_NAMES)


@given(DATES)
def test_weeks_from_monday_on_have_the_labels_of_iso_8601(day: pd.Timestamp) -> None:
    year, number, _ = day.isocalendar()
    assert week_of(day, "monday").label == f"{year}-W{number:02d}"


@given(DATES, STARTS)
def test_a_label_names_the_week_that_holds_the_day(day: pd.Timestamp, starts: DayName) -> None:
    week = week_of(day, starts)
    assert week.start <= day <= week.end
    assert week.start.day_of_week == DAY_NAMES.index(starts)
    assert week_named(week.label, starts) == week


@given(st.integers(1990, 2060), STARTS)
def test_the_weeks_of_the_years_follow_each_other(year: int, starts: DayName) -> None:
    weeks = weeks_of(year, starts)
    assert [week.number for week in weeks] == list(range(1, len(weeks) + 1))
    assert weeks_of(year + 1, starts)[0].start - weeks[-1].end == pd.Timedelta(days=1)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("2025-W53", "found '2025-W53'; the weeks of 2025 are 2025-W01 to 2025-W52"),
        ("2025-W00", "the weeks of 2025 are"),
        ("2025-40", "allowed: a year and a week, such as 2025-W40"),
        ("next", "allowed: a year and a week"),
        ("2025-W4", "allowed: a year and a week"),
    ],
)
def test_a_week_that_does_not_exist_is_refused(label: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        week_named(label, "monday")
    assert "\n" not in str(error.value)


def bounds(label: str) -> dict[str, tuple[str, str]]:
    found = windows(week_named(label, "monday"), year_start="01-01", season_start="03-01")
    return {window.name: (f"{window.days[0]:%Y-%m-%d}", f"{window.days[-1]:%Y-%m-%d}") for window in found}


def test_windows_of_a_week_known_beforehand() -> None:
    assert bounds("2025-W40") == {
        "week": ("2025-09-29", "2025-10-05"),
        "month": ("2025-10-01", "2025-10-05"),
        "year": ("2025-01-01", "2025-10-05"),
        "season": ("2025-03-01", "2025-10-05"),
    }
    # over the turn of the year the month and year are those of the last day, the season goes on
    assert bounds("2026-W01") == {
        "week": ("2025-12-29", "2026-01-04"),
        "month": ("2026-01-01", "2026-01-04"),
        "year": ("2026-01-01", "2026-01-04"),
        "season": ("2025-03-01", "2026-01-04"),
    }


def test_a_month_to_date_stands_against_as_many_days_of_the_month_before() -> None:
    week, month, year, season = windows(week_named("2025-W13", "monday"), year_start="01-01", season_start="03-01")
    assert (month.days[-1], month.previous[0], month.previous[-1]) == tuple(
        map(pd.Timestamp, ("2025-03-30", "2025-02-01", "2025-02-28"))
    )
    assert list(week.previous) == list(week.days - pd.Timedelta(days=7))
    assert len(year.previous) == len(season.previous) == 0


def test_the_same_days_of_other_years_are_calendar_days() -> None:
    days = pd.date_range("2019-01-01", "2021-03-10")
    record = record_of(days)
    window = pd.date_range("2020-02-26", "2020-03-03")
    before, own, after = record.places(window, [-1, 0, 1])
    dates = [f"{day:%m-%d}" for day in days[before]]
    assert dates == ["02-26", "02-27", "02-28", "02-28", "03-01", "03-02", "03-03"]  # 29 February meets the 28th
    assert days[own].equals(window)
    assert list(days[after]) == [pd.Timestamp(2021, *map(int, date.split("-"))) for date in dates]
    turn = record.places(pd.date_range("2020-12-29", "2021-01-02"), [-1, 0, 1])
    assert f"{days[turn[0, -1]]:%Y-%m-%d}" == "2020-01-02"
    assert (turn[2] == NOWHERE).all()
    assert not np.isin(NOWHERE, turn[1])
