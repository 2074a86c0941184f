"""Which day's weather meets which day's emissions: calendar day by calendar day, whole years apart."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import ContractError

IntArray = npt.NDArray[np.intp]
Period = tuple[pd.Timestamp, pd.Timestamp]
Frequency = Literal["year", "month", "week"]

NEAREST = 3  # days by which a week may lie off its calendar place in another year


def periods(days: pd.DatetimeIndex, frequency: Frequency) -> list[Period]:
    """The complete calendar years, months or Monday-to-Sunday weeks within ``days``, as (first, last) day."""
    code = {"year": "Y", "month": "M", "week": "W-SUN"}[frequency]
    spans = days.to_period(code).unique()
    bounds = [(period.start_time, period.end_time.normalize()) for period in spans]
    return [(first, last) for first, last in bounds if first >= days[0] and last <= days[-1]]


def positions(days: pd.DatetimeIndex, period: Period) -> IntArray:
    """Positions of the days of ``period`` along ``days``; ContractError where it lies outside of them."""
    first, last = (int((day - days[0]).days) for day in period)
    if first < 0 or last >= len(days) or first > last:
        asked, known = (f"{one:%Y-%m-%d} to {other:%Y-%m-%d}" for one, other in (period, (days[0], days[-1])))
        raise ContractError(f"worlds: period {asked} is not within the world's days {known}")
    return np.arange(first, last + 1)


def with_spin_up(run: IntArray, spin_up: int) -> IntArray:
    """``run`` preceded by the ``spin_up`` days before it, mirrored where the record has not begun."""
    return np.concatenate([np.abs(np.arange(run[0] - spin_up, run[0])), run])


def swapped(
    days: pd.DatetimeIndex, emission_period: Period, weather_period: Period, *, spin_up: int
) -> IntArray | None:
    """Positions of the weather that meets the days of ``emission_period`` and the ``spin_up`` days before it.

    The weather is that of the same calendar days in the year of ``weather_period``; 29 February meets
    28 February. None where no whole number of years brings the two periods within ``NEAREST`` days of each
    other, or where the weather asked for lies outside the record.
    """
    run = positions(days, emission_period)
    shift = _year_shift(emission_period[0], weather_period[0])
    if shift is None:
        return None
    weather = _on_year(days, np.full(len(days), shift))
    met = weather[run]
    if met.min() < 0 or met.max() >= len(days):
        return None
    before = with_spin_up(run, spin_up)[:spin_up]
    return np.concatenate([np.abs(weather[before]), met]) if run[0] >= spin_up else with_spin_up(met, spin_up)


def same_days_of(days: pd.DatetimeIndex, base: Period) -> IntArray:
    """For every day, the position of the same calendar day within ``base``, a period of twelve months."""
    positions(days, base)
    start = base[0]
    before = days.month * 100 + days.day < start.month * 100 + start.day
    target = np.where(before, start.year + 1, start.year)
    return _on_year(days, target - days.year.to_numpy())


def _year_shift(emission_start: pd.Timestamp, weather_start: pd.Timestamp) -> int | None:
    """Whole years from one period to the other, or None where no year brings them together."""
    near = weather_start.year - emission_start.year
    gaps = {
        shift: abs((emission_start + pd.DateOffset(years=shift) - weather_start).days)
        for shift in (near - 1, near, near + 1)
    }
    shift = min(gaps, key=lambda candidate: gaps[candidate])
    return shift if gaps[shift] <= NEAREST else None


def _on_year(days: pd.DatetimeIndex, shift: npt.NDArray[np.int_]) -> IntArray:
    """Positions of the same calendar days ``shift`` years later; 29 February may become 28 February."""
    year = days.year.to_numpy() + shift
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    day = days.day.to_numpy() - ((days.month == 2) & (days.day == 29) & ~leap)
    months = (12 * (year - 1970) + days.month.to_numpy() - 1).astype("datetime64[M]")
    shifted = months.astype("datetime64[D]").astype(np.intp) + day - 1
    return np.asarray(shifted - days[0].to_datetime64().astype("datetime64[D]").astype(np.intp))
