"""Which day of another year stands on the same calendar day: season is always matched with season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

NOWHERE = -1
"""Position of a calendar day that a year does not have."""


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


def calendar(days: pd.DatetimeIndex, *, year_start: str = "01-01") -> Calendar:
    """The calendar of consecutive ``days``, with years that start on ``year_start`` (MM-DD)."""
    month_day = np.asarray(days.month * 100 + days.day)
    first = int(year_start[:2]) * 100 + int(year_start[3:])
    year = np.asarray(days.year) - (month_day < first)
    years = np.unique(year)
    position = {(y, md): i for i, (y, md) in enumerate(zip(year, month_day, strict=True))}

    def find(y: int, md: int) -> int:
        here = position.get((y, md), NOWHERE)
        return position.get((y, 228), NOWHERE) if here == NOWHERE and md == 229 else here

    match = np.array([[find(y, md) for y in years] for md in month_day], dtype=np.intp).reshape(len(days), len(years))
    return Calendar(days, year, years, match)
