"""The counterfactual table and its readings.

``C[e, w]`` is the concentration that the emissions of period e would give under the weather of period w, day by
calendar day in their order. Members of the separation are carried through every reading; intervals are taken last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.calendar import NOWHERE, Calendar
from models.separation import Separation

Statistic = Callable[[np.ndarray], np.ndarray]
"""From days (..., days), none of them NaN and at least one, to a number for each leading index."""

COVERAGE = 0.90
LEAST_SHARED_DAYS = 30
"""Calendar days that two years must share to be compared: a month."""
LEAST_SHARE = 0.5
"""Share of a year's days that must have a residual for its residuals to be carried by simulated days."""


@dataclass(frozen=True)
class Parts:
    """A change from period p to period q and its parts, each (1 + members,) with the estimate first.

    ``meteorology + emissions`` is the predicted change exactly; ``interaction`` is the difference between the two
    orders in which the parts can be taken; ``observed_from`` and ``observed_to`` are over the same calendar days.
    """

    meteorology: np.ndarray
    emissions: np.ndarray
    interaction: np.ndarray
    observed_from: float
    observed_to: float
    days: int


def interval(members: np.ndarray, coverage: float = COVERAGE) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of the central interval over the last axis, whose first entry is the estimate.

    Normal about the estimate with the members' spread, since few members say more of a spread than of a tail.
    """
    from scipy.stats import t as student

    count = members.shape[-1] - 1
    half = student.ppf(0.5 + coverage / 2, count - 1) * members[..., 1:].std(axis=-1, ddof=1)
    return members[..., 0] - half, members[..., 0] + half


def mean(days: np.ndarray) -> np.ndarray:
    """Mean of the days."""
    return np.asarray(days.mean(axis=-1))


def percentile_90(days: np.ndarray) -> np.ndarray:
    """90th percentile of the days, k = 1 + (n - 1) 0.9 (HJ 663)."""
    return np.asarray(np.quantile(days, 0.9, axis=-1))


STATISTICS: dict[str, Statistic] = {"mean": mean, "p90": percentile_90}


def simulated(separation: Separation, emission_days: np.ndarray, weather_days: np.ndarray) -> np.ndarray:
    """Expected concentration of the emissions of some days under the weather of others, (1 + members, days)."""
    return np.asarray(np.exp(separation.emissions[:, emission_days] + separation.weather[:, weather_days]))


def statistic_of(
    separation: Separation,
    calendar: Calendar,
    emission_days: np.ndarray,
    weather_days: np.ndarray,
    statistic: str,
) -> np.ndarray:
    """A statistic of simulated days, (1 + members,).

    The mean is that of the expected days. A percentile is taken of days that also carry what the model leaves
    unexplained: once with the observed-to-predicted ratio of the same calendar days of each year, then averaged.
    """
    expected = simulated(separation, emission_days, weather_days)
    if statistic == "mean":
        return mean(expected)
    found = []
    for positions in calendar.match[emission_days].T:
        ratio = np.where(positions == NOWHERE, np.nan, separation.ratio[positions])
        there = np.isfinite(ratio)
        if there.mean() > LEAST_SHARE:
            found.append(STATISTICS[statistic](expected[:, there] * ratio[there]))
    return np.mean(found, axis=0) if found else STATISTICS[statistic](expected)


def paired_days(separation: Separation, calendar: Calendar, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the calendar days that two years share and on which both have weather."""
    days = calendar.of_year(first)
    other = calendar.match[days, calendar.column(second)]
    known = np.isfinite(separation.weather[0])
    both = (other != NOWHERE) & known[days] & known[other]
    return days[both], other[both]


def table(separation: Separation, calendar: Calendar, statistic: str) -> np.ndarray:
    """The counterfactual table of all years, (emission year, weather year, 1 + members); NaN where no day is shared."""
    years = calendar.years
    result = np.full((len(years), len(years), len(separation.emissions)), np.nan)
    for row, emission_year in enumerate(years):
        for column, weather_year in enumerate(years):
            days, other = paired_days(separation, calendar, emission_year, weather_year)
            if len(days):
                result[row, column] = statistic_of(separation, calendar, days, other, statistic)
    return result


def parts(separation: Separation, calendar: Calendar, first: int, second: int, statistic: str) -> Parts | None:
    """The change from year ``first`` to year ``second`` over the calendar days they share; None for fewer than 30.

    Weather's part: mean over both orders of changing weather and emissions (the Shapley value of two players).
    """
    p, q = paired_days(separation, calendar, first, second)
    if len(p) < LEAST_SHARED_DAYS:
        return None
    pp, pq, qp, qq = (
        statistic_of(separation, calendar, emissions, weather, statistic)
        for emissions, weather in ((p, p), (p, q), (q, p), (q, q))
    )
    seen = [separation.observed[days] for days in (p, q)]
    seen = [days[np.isfinite(days)] for days in seen]
    observed = [float(STATISTICS[statistic](days)) if len(days) else np.nan for days in seen]
    return Parts(
        meteorology=((pq - pp) + (qq - qp)) / 2,
        emissions=((qp - pp) + (qq - pq)) / 2,
        interaction=(qq - qp) - (pq - pp),
        observed_from=observed[0],
        observed_to=observed[1],
        days=len(p),
    )


def normalized(separation: Separation, calendar: Calendar) -> np.ndarray:
    """Each day's emissions under the mean of the weather of its calendar day in every year, (n,)."""
    total, count = np.zeros(len(separation.days)), np.zeros(len(separation.days))
    weather = np.exp(separation.weather[0])
    for positions in calendar.match.T:
        value = np.where(positions == NOWHERE, np.nan, weather[positions])
        total += np.nan_to_num(value)
        count += np.isfinite(value)
    return np.asarray(np.exp(separation.emissions[0]) * total / np.where(count, count, np.nan))


def index_days(separation: Separation, calendar: Calendar, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What reference emissions give under each day's weather, and under reference weather: two (1 + members, n).

    ``base`` (n,) marks the days of the base period. The meteorological condition index of any set of days is 100 times
    the ratio of their sums. NaN on days whose calendar day is not in the base period, or without weather.
    """
    reference = [np.where((p != NOWHERE) & base[p], p, NOWHERE) for p in calendar.match.T]
    actual, expected = np.zeros_like(separation.weather), np.zeros_like(separation.weather)
    emissions, weather, count = np.zeros_like(actual), np.zeros_like(actual), np.zeros(actual.shape[1])
    for positions in reference:
        here = (positions != NOWHERE) & np.isfinite(separation.weather[0, positions])
        emissions += np.where(here, np.exp(separation.emissions[:, positions]), 0.0)
        weather += np.where(here, np.exp(separation.weather[:, positions]), 0.0)
        count += here
    with np.errstate(invalid="ignore", divide="ignore"):
        actual = emissions / count * np.exp(separation.weather)
        expected = emissions * weather / count**2
    expected[:, ~np.isfinite(separation.weather[0])] = np.nan
    return actual, expected
