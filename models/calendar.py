"""Which day of another year stands on the same calendar day: season is always matched with season."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

NOWHERE = -1
"""Position of a calendar day that a year does not have."""
SLOTS = pd.date_range("2000-01-01", "2000-12-31")
"""The 366 calendar days, 29 February among them, as the days of a leap year."""
LEAP_SLOT = 59
"""The place of 29 February among them."""
WEEKS = 52
"""Weeks of the calendar: seven days each from 1 January; 29 February is in that of 28 February, the last has eight."""


def months() -> dict[str, np.ndarray]:
    """The slots of each calendar month, "1" to "12"."""
    return {str(month): np.flatnonzero(SLOTS.month == month) for month in range(1, 13)}


def seasons() -> dict[str, np.ndarray]:
    """The slots of each season: MAM, JJA, SON, DJF; the winter of a year is that of its own months."""
    found = {"MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11), "DJF": (12, 1, 2)}
    return {name: np.flatnonzero(np.isin(SLOTS.month, own)) for name, own in found.items()}


def weeks() -> dict[str, np.ndarray]:
    """The slots of each of the calendar's weeks, "1" to "52": the same calendar days in every year."""
    common = np.arange(len(SLOTS)) - (np.arange(len(SLOTS)) >= LEAP_SLOT)
    week = np.minimum(common // 7, WEEKS - 1)
    return {str(number + 1): np.flatnonzero(week == number) for number in range(WEEKS)}


@dataclass(frozen=True)
class Calendar:
    """Consecutive days, the year each belongs to, and where its calendar day lies in every other year.

    ``days`` has n consecutive days; ``year`` (n,) labels a year by the calendar year it starts in; ``years`` (k,)
    are the labels; ``match`` (n, k) holds positions, ``NOWHERE`` where the record has no such day. 29 February
    meets 28 February in common years.
    """

    days: pd.DatetimeIndex
    year: np.ndarray
    years: np.ndarray
    match: np.ndarray

    def of_year(self, year: int) -> np.ndarray:
        """Positions of the days of a year, in order."""
        return np.flatnonzero(self.year == year)

    def column(self, year: int) -> int:
        """The column of ``match`` that belongs to a year."""
        return int(np.flatnonzero(self.years == year)[0])

    def complete(self, year: int) -> bool:
        """Whether the record has the whole of a year."""
        return len(self.of_year(year)) >= 365

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each calendar day lies in each year, (k, 366): as it is, and with 28 February for a 29 that is not.

        ``NOWHERE`` where the record has no such day.
        """
        own = _placed(self.year, self.years, slots(self.days))
        return own, _met(own)


def calendar(days: pd.DatetimeIndex, *, year_start: str = "01-01") -> Calendar:
    """The calendar of consecutive ``days``, with years that start on ``year_start`` (MM-DD)."""
    month_day = np.asarray(days.month * 100 + days.day)
    first = int(year_start[:2]) * 100 + int(year_start[3:])
    year = np.asarray(days.year) - (month_day < first)
    years = np.unique(year)
    slot = slots(days)
    met = _met(_placed(year, years, slot))
    return Calendar(days, year, years, np.ascontiguousarray(met[:, slot].T))


def day_of_every_year(value: str) -> str:
    """``value`` when it is a day MM-DD that every year has; otherwise a ValueError that says so."""
    try:
        if not re.fullmatch(r"\d\d-\d\d", value):
            raise ValueError
        datetime.date.fromisoformat(f"2001-{value}")
    except (ValueError, TypeError):
        raise ValueError(f"found {value!r}; allowed: MM-DD, a day that every year has, such as '03-01'") from None
    return value


def slots(days: pd.DatetimeIndex) -> np.ndarray:
    """The place of each day's calendar day in ``SLOTS``, (n,)."""
    before = np.flatnonzero(SLOTS.day == 1)
    return np.asarray(before[days.month - 1] + days.day - 1)


def _placed(year: np.ndarray, years: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Positions (years, 366) of days with their ``year`` (n,) and ``slot`` (n,), ``NOWHERE`` elsewhere."""
    own = np.full((len(years), len(SLOTS)), NOWHERE, dtype=np.intp)
    own[np.searchsorted(years, year), slot] = np.arange(len(slot))
    return own


def _met(own: np.ndarray) -> np.ndarray:
    """``own`` (k, 366) with 28 February where a year has no 29."""
    met = own.copy()
    met[:, LEAP_SLOT] = np.where(own[:, LEAP_SLOT] == NOWHERE, own[:, LEAP_SLOT - 1], own[:, LEAP_SLOT])
    return met
