"""Weeks and what runs to their end: month, year and seasonal year to date; and the same days of other years."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from models.calendar import NOWHERE, Calendar, calendar, slots
from pipeline.errors import ConfigError

DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAY_NAMES: tuple[DayName, ...] = get_args(DayName)
WindowName = Literal["week", "month", "year", "season"]
WINDOWS: tuple[WindowName, ...] = get_args(WindowName)
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Week:
    """Seven days with the label of ISO 8601 where they start on Monday, and by its rule where they do not.

    The rule: a week belongs to the year, and is numbered by the first of its year, in which its middle day lies. Weeks
    from Sunday on are thereby those of epidemiology.
    """

    start: pd.Timestamp

    @property
    def end(self) -> pd.Timestamp:
        """The last day."""
        return self.start + 6 * DAY

    @property
    def days(self) -> pd.DatetimeIndex:
        """All seven."""
        return pd.date_range(self.start, self.end)

    @property
    def year(self) -> int:
        """The year of its label."""
        return int((self.start + 3 * DAY).year)

    @property
    def number(self) -> int:
        """The number of its label, from 1."""
        return int((self.start + 3 * DAY).day_of_year - 1) // 7 + 1

    @property
    def label(self) -> str:
        """Such as 2025-W40."""
        return f"{self.year}-W{self.number:02d}"


def week_of(day: pd.Timestamp, starts: DayName) -> Week:
    """The week that holds ``day``."""
    return Week(day.normalize() - (day.day_of_week - DAY_NAMES.index(starts)) % 7 * DAY)


def weeks_of(year: int, starts: DayName) -> list[Week]:
    """Every week of a year by its labels, 52 or 53."""
    week = week_of(pd.Timestamp(year, 1, 4), starts)
    first = week if week.number == 1 and week.year == year else Week(week.start + (7 if week.year < year else -7) * DAY)
    return [own for k in range(53) if (own := Week(first.start + 7 * k * DAY)).year == year]


def week_named(label: str, starts: DayName) -> Week:
    """The week of a label such as 2025-W40; ConfigError for another form and for a week that its year does not have."""
    if not re.fullmatch(r"[12]\d{3}-W\d{2}", label):
        raise ConfigError(f"--week: found {label!r}; allowed: a year and a week, such as 2025-W40")
    year, number = int(label[:4]), int(label[6:])
    weeks = weeks_of(year, starts)
    if not 1 <= number <= len(weeks):
        raise ConfigError(f"--week: found {label!r}; the weeks of {year} are {weeks[0].label} to {weeks[-1].label}")
    return weeks[number - 1]


@dataclass(frozen=True)
class Window:
    """Consecutive days up to the end of a week; ``previous`` are as many before them, empty where that says nothing."""

    name: WindowName
    days: pd.DatetimeIndex
    previous: pd.DatetimeIndex


def windows(week: Week, *, year_start: str, season_start: str) -> list[Window]:
    """The week, its month, year and seasonal year to date; ``year_start`` and ``season_start`` are MM-DD.

    The week before stands before a week; before a month to date the same days of the month before, as far as it has
    them; year and seasonal year are compared with those of the year before only.
    """
    nothing = pd.DatetimeIndex([])
    month = pd.date_range(week.end.replace(day=1), week.end)
    first_before = month[0] - pd.DateOffset(months=1)
    month_before = pd.date_range(first_before, min(first_before + (len(month) - 1) * DAY, month[0] - DAY))
    return [
        Window("week", week.days, week.days - 7 * DAY),
        Window("month", month, month_before),
        Window("year", pd.date_range(_last(year_start, week.end), week.end), nothing),
        Window("season", pd.date_range(_last(season_start, week.end), week.end), nothing),
    ]


def _last(month_day: str, day: pd.Timestamp) -> pd.Timestamp:
    """The last ``month_day`` on or before ``day``."""
    found = pd.Timestamp(f"{day.year}-{month_day}")
    return found if found <= day else pd.Timestamp(f"{day.year - 1}-{month_day}")


@dataclass(frozen=True)
class Record:
    """Where calendar days lie along consecutive days: asked often, and so made once. ``dates`` has calendar years."""

    dates: Calendar
    met: np.ndarray

    def places(self, days: pd.DatetimeIndex, years: Sequence[int]) -> np.ndarray:
        """Positions (years, n) of the same calendar days so many ``years`` away, ``NOWHERE`` where there are none.

        29 February meets 28 February in common years.
        """
        if not len(days):
            return np.full((len(years), 0), NOWHERE)
        year = np.asarray(days.year) + np.array(years)[:, None]
        row = year - self.dates.years[0]
        inside = (row >= 0) & (row < len(self.dates.years))
        return np.where(inside, self.met[np.where(inside, row, 0), slots(days)], NOWHERE)


def record_of(days: pd.DatetimeIndex) -> Record:
    """The record of consecutive ``days``."""
    dates = calendar(days)
    return Record(dates, dates.positions()[1])
