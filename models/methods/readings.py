"""Results: three ways to know the parts of a change, and what is read from each in the same manner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from models import counterfactual
from models.calendar import NOWHERE, Calendar
from models.counterfactual import LEAST_SHARE, carried_ratios, of_simulated_days
from models.methods.task import Dates, Shares, Task
from models.separation import Separation

Expected = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From positions of days whose emissions, and of days whose weather, to expected concentrations (1 + members, days)."""

GAP, SPAN = 28, 28
"""Days left out beside an intervention, and days beyond them that it is compared with."""


@dataclass(frozen=True)
class Separated:
    """The result of a method that adds emissions and weather in the logarithm: read as our own separation is."""

    separation: Separation
    calendar: Calendar
    sizes: Mapping[Dates, float] = field(default_factory=dict)

    def parts(self, first: int, second: int, statistic: str = "mean") -> Shares | None:
        """See ``Result``."""
        found = counterfactual.parts(self.separation, self.calendar, first, second, statistic)
        return None if found is None else Shares(found.meteorology, found.emissions)

    def index_days(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See ``Result``."""
        return counterfactual.index_days(self.separation, self.calendar, base)

    def normalized(self) -> np.ndarray:
        """See ``Result``."""
        return counterfactual.normalized(self.separation, self.calendar)

    def declared(self, dates: Dates) -> float:
        """See ``Result``."""
        return self.sizes.get(dates, float("nan"))

    def expected(self, emission_days: np.ndarray, weather_days: np.ndarray) -> np.ndarray:
        """Expected concentrations (1, days) of the emissions of some days under the weather of others."""
        found = self.separation
        return np.asarray(np.exp(found.emissions[:1, emission_days] + found.weather[:1, weather_days]))


@dataclass(frozen=True)
class Swapped:
    """The result of any model that can be asked for one day's emissions under another day's weather."""

    task: Task
    expected: Expected
    sizes: Mapping[Dates, float] = field(default_factory=dict)

    def parts(self, first: int, second: int, statistic: str = "mean") -> Shares | None:
        """See ``Result``."""
        calendar, known = self.task.calendar, self.task.known
        days = calendar.of_year(first)
        other = calendar.match[days, calendar.column(second)]
        both = (other != NOWHERE) & known[days] & known[other]
        if not both.any():
            return None
        p, q = days[both], other[both]
        pp, pq, qp, qq = (self._statistic(e, w, statistic) for e, w in ((p, p), (p, q), (q, p), (q, q)))
        return Shares(((pq - pp) + (qq - qp)) / 2, ((qp - pp) + (qq - pq)) / 2)

    def index_days(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See ``Result``."""
        days = np.arange(len(self.task.target))
        references = [(p, np.flatnonzero((p != NOWHERE) & base[p])) for p in self.task.calendar.match.T]
        references = [(p, here) for p, here in references if len(here)]
        actual = self._summed([(p[here], days[here], here) for p, here in references])
        both = [(p, w, np.intersect1d(one, two)) for p, one in references for w, two in references]
        return actual, self._summed([(p[here], w[here], here) for p, w, here in both])

    def normalized(self) -> np.ndarray:
        """See ``Result``."""
        days = np.arange(len(self.task.target))
        pairs = [(days, p, np.flatnonzero(p != NOWHERE)) for p in self.task.calendar.match.T]
        return np.asarray(self._summed([(e[here], w[here], here) for e, w, here in pairs])[0])

    def declared(self, dates: Dates) -> float:
        """See ``Result``."""
        return self.sizes.get(dates, float("nan"))

    @cached_property
    def _ratio(self) -> np.ndarray:
        days = np.arange(len(self.task.target))
        return np.asarray(self.task.observed / self.expected(days, days)[0])

    def _statistic(self, emission_days: np.ndarray, weather_days: np.ndarray, statistic: str) -> np.ndarray:
        """As ``counterfactual.statistic_of``: a percentile is of days that carry what the model leaves unexplained."""
        expected = self.expected(emission_days, weather_days)
        if statistic == "mean":
            return counterfactual.mean(expected)
        ratios = carried_ratios(self._ratio, self.task.calendar.match[emission_days])
        return of_simulated_days(expected, ratios, statistic)

    def _summed(self, pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
        """Mean over (emission days, weather days, where to) of what is expected, (1 + members, n)."""
        count = np.zeros(len(self.task.target))
        total = np.zeros((1, len(count)))
        for emission_days, weather_days, where in pairs:
            values = self.expected(emission_days, weather_days)
            placed = np.zeros((len(values), len(count)))
            placed[:, where] = np.nan_to_num(values)
            total = total + placed
            count[where] += np.isfinite(values[0])
        return np.asarray(total / np.where(count, count, np.nan))


@dataclass(frozen=True)
class TwoSeries:
    """The result of a method that ends with two daily series, whose yearly means change by the parts.

    ``freed`` (n,) is the concentration freed of the weather, ``effect`` (n,) what the weather did to each day in the
    same unit, ``factor`` (n,) the same as a ratio, from which the index is read.
    """

    calendar: Calendar
    freed: np.ndarray
    effect: np.ndarray
    factor: np.ndarray
    sizes: Mapping[Dates, float] = field(default_factory=dict)

    def parts(self, first: int, second: int, statistic: str = "mean") -> Shares | None:
        """See ``Result``. Of other statistics than the mean such a method knows nothing."""
        if statistic != "mean":
            return None
        years = [self.calendar.of_year(year) for year in (first, second)]
        weather, emissions = (
            np.nanmean(series[years[1]]) - np.nanmean(series[years[0]]) for series in (self.effect, self.freed)
        )
        return Shares(np.array([weather]), np.array([emissions]))

    def index_days(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See ``Result``."""
        references = [np.where((p != NOWHERE) & base[p], self.factor[p], np.nan) for p in self.calendar.match.T]
        there = [r for r in references if np.isfinite(r).any()]
        count = np.sum(np.isfinite(there), axis=0)
        reference = np.nansum(there, axis=0) / np.where(count, count, np.nan)
        missing = np.isnan(reference) | np.isnan(self.factor)
        return np.where(missing, np.nan, self.factor)[None], np.where(missing, np.nan, reference)[None]

    def normalized(self) -> np.ndarray:
        """See ``Result``."""
        return self.freed

    def declared(self, dates: Dates) -> float:
        """See ``Result``."""
        return self.sizes.get(dates, float("nan"))


def undeclared(normalized: np.ndarray, calendar: Calendar, dates: Dates) -> float:
    """Relative change by an intervention as read off a normalized series (n,) by somebody who sees the dates on it.

    The ratio of its days to days before and after it, against the same ratio on the calendar days of the other years
    (the difference in differences of Shi et al. 2021, doi 10.1126/sciadv.abd6696). NaN without another year.
    """
    days = calendar.days
    start, end = (int((date - days[0]).days) for date in dates)
    event = np.arange(start, end + 1)
    before = np.arange(start - GAP - SPAN, start - GAP)
    after = np.arange(end + 1 + GAP, end + 1 + GAP + SPAN)
    beside = np.concatenate([before, after])
    beside = beside[(beside >= 0) & (beside < len(days))]
    shifts = calendar.years - calendar.year[start]
    ratios = {int(shift): _ratio(normalized, calendar, (event, beside), int(shift)) for shift in shifts}
    others = np.array([ratio for shift, ratio in ratios.items() if shift and np.isfinite(ratio)])
    return float(ratios[0] / np.exp(np.log(others).mean()) - 1) if len(others) else float("nan")


def _ratio(values: np.ndarray, calendar: Calendar, groups: tuple[np.ndarray, np.ndarray], shift: int) -> float:
    """Mean over the first group of days over that of the second, both ``shift`` years away; NaN where days lack."""
    means = []
    for group in groups:
        moved = np.array([_moved(calendar, int(day), shift) for day in group])
        if not len(moved) or (moved == NOWHERE).mean() > 1 - LEAST_SHARE:
            return float("nan")
        means.append(np.nanmean(values[moved[moved != NOWHERE]]))
    return float(means[0] / means[1])


def _moved(calendar: Calendar, day: int, shift: int) -> int:
    columns = np.flatnonzero(calendar.years == calendar.year[day] + shift)
    return int(calendar.match[day, columns[0]]) if len(columns) else NOWHERE
