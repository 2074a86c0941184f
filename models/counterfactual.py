"""The counterfactual table and its readings.

``C[e, w]`` is the concentration that the emissions of period e would give under the weather of period w, day by
calendar day in their order. Members of the separation are carried through every reading; intervals are taken last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from models.calendar import NOWHERE, SLOTS, Calendar
from models.separation import Separation

Statistic = Callable[[np.ndarray], np.ndarray]
"""From days (..., days), none of them NaN and at least one, to a number for each leading index."""

COVERAGE = 0.90
LEAST_SHARED_DAYS = 30
"""Calendar days that two years must share to be compared: a month."""
NEARBY_DAYS = (-14, -7, 0, 7, 14)
"""Whole weeks to days whose residuals a calendar day may carry as well as its own: one a year is few."""
LEAST_SHARE = 0.5
"""Share of a year's days that must have a residual for its residuals to be carried by simulated days.

Also the share of the days of a month, season or week that two years must share to be compared in it.
"""


@dataclass(frozen=True)
class Parts:
    """A change from period p to period q and its parts, each (..., 1 + members) with the estimate first.

    ``meteorology + emissions`` is the predicted change exactly, over ``days`` calendar days with weather in both;
    ``interaction`` is the difference between the two orders in which the parts can be taken. Observed and predicted
    values of both periods are over the ``days_observed`` of those days that were observed in both, NaN for none.
    """

    meteorology: np.ndarray
    emissions: np.ndarray
    interaction: np.ndarray
    observed_from: np.ndarray
    observed_to: np.ndarray
    predicted_from: np.ndarray
    predicted_to: np.ndarray
    days: np.ndarray
    days_observed: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What was observed, and predicted under its own emissions and weather, on calendar days observed in both years.

    ``observed`` and ``predicted`` (..., 2): the first year's, the second's; NaN where there is no such day. ``days``
    (...) counts them.
    """

    observed: np.ndarray
    predicted: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class Exchange:
    """Emissions and weather of every two years p before q, exchanged over the calendar days that both have.

    ``values`` (..., k, k, 2, 2, 1 + members): first year, second year, whose emissions, whose weather (0 the first
    year's, 1 the second's); NaN below the diagonal and where too few days are shared. On the diagonal stands each year
    with itself over all of its days. ``days`` (..., k, k) counts them, ``seen`` (..., k, k) is of those observed in
    both. Leading dims are spans of the calendar, such as months.
    """

    values: np.ndarray
    days: np.ndarray
    seen: Seen

    @property
    def table(self) -> np.ndarray:
        """The counterfactual table, (..., emission year, weather year, 1 + members), on both sides of the diagonal."""
        first = np.moveaxis(self.values[..., 0, 1, :], -1, 0)
        second = np.moveaxis(self.values[..., 1, 0, :], -1, 0).swapaxes(-1, -2)
        below = np.tri(first.shape[-1], k=-1, dtype=bool)
        return np.moveaxis(np.where(below, second, first), 0, -1)

    def parts(self) -> Parts:
        """The changes from first to second years: all fields of ``Parts`` with the leading dims (..., k, k)."""
        return _parts(self.values, self.days, self.seen)


def _parts(values: np.ndarray, days: np.ndarray, seen: Seen) -> Parts:
    """Parts of changes, of ``values`` (..., 2, 2, 1 + members): mean over both orders (two players' Shapley value)."""
    pp, pq, qp, qq = (values[..., e, w, :] for e in (0, 1) for w in (0, 1))
    return Parts(
        meteorology=((pq - pp) + (qq - qp)) / 2,
        emissions=((qp - pp) + (qq - pq)) / 2,
        interaction=(qq - qp) - (pq - pp),
        observed_from=seen.observed[..., 0],
        observed_to=seen.observed[..., 1],
        predicted_from=seen.predicted[..., 0],
        predicted_to=seen.predicted[..., 1],
        days=days,
        days_observed=seen.days,
    )


def interval(members: np.ndarray, coverage: float = COVERAGE) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of the central interval over the last axis, whose first entry is the estimate.

    Normal about the estimate with the members' spread, since few members say more of a spread than of a tail.
    """
    count = members.shape[-1] - 1
    half = _quantile(0.5 + coverage / 2, count - 1) * members[..., 1:].std(axis=-1, ddof=1)
    return members[..., 0] - half, members[..., 0] + half


@cache
def _quantile(share: float, degrees: int) -> float:
    """Of Student's distribution."""
    from scipy.stats import t as student

    return float(student.ppf(share, degrees))


def mean(days: np.ndarray) -> np.ndarray:
    """Mean of the days."""
    return np.asarray(days.mean(axis=-1))


def percentile_90(days: np.ndarray) -> np.ndarray:
    """90th percentile of the days, k = 1 + (n - 1) 0.9 (HJ 663)."""
    place = 0.9 * (days.shape[-1] - 1)
    below = int(place)
    ordered = np.partition(days, below, axis=-1)
    low, above = ordered[..., below], ordered[..., below + 1 :]
    return np.asarray(low + (above.min(axis=-1) - low) * (place - below) if above.shape[-1] else low)


STATISTICS: dict[str, Statistic] = {"mean": mean, "p90": percentile_90}


def statistic_of(
    separation: Separation,
    calendar: Calendar,
    emission_days: np.ndarray,
    weather_days: np.ndarray,
    statistic: str,
) -> np.ndarray:
    """A statistic of simulated days, (1 + members,): the emissions of some days under the weather of others.

    The mean is that of the expected days. A percentile is taken of days that also carry what the model leaves
    unexplained: once with each series of ``carried_ratios``, then averaged.
    """
    expected = np.exp(separation.emissions[:, emission_days] + separation.weather[:, weather_days])
    return of_simulated_days(expected, carried_ratios(separation.ratio, calendar.match[emission_days]), statistic)


def carried_ratios(ratio: np.ndarray, match: np.ndarray) -> np.ndarray:
    """What ``ratio`` (n,) of observed to predicted simulated days carry, (series, days), NaN where none has it.

    A series for each year and shift of ``NEARBY_DAYS``: the ratios of the days ``match`` (days, years) of that year, so
    many days later. Those of which half or more is missing are left out; of the others a missing day, whose season a
    percentile would lose, carries the ratio of the next series that has it.
    """
    positions = np.concatenate([np.where(match.T == NOWHERE, NOWHERE, match.T + shift) for shift in NEARBY_DAYS])
    outside = (positions < 0) | (positions >= len(ratio))
    found = np.where(outside, np.nan, ratio[np.where(outside, 0, positions)])
    enough = np.isfinite(found).mean(axis=1) > LEAST_SHARE
    filled = found
    for step in range(1, len(found)):
        if np.isfinite(filled[enough]).all():
            break
        filled = np.where(np.isfinite(filled), filled, np.roll(found, -step, axis=0))
    return np.asarray(filled[enough])


def of_simulated_days(expected: np.ndarray, ratios: np.ndarray, statistic: str) -> np.ndarray:
    """A statistic of expected days (1 + members, days), which a percentile takes with each year's ``ratios``."""
    if statistic == "mean" or not len(ratios):
        return STATISTICS[statistic](expected)
    there = np.isfinite(ratios)
    found = [STATISTICS[statistic](expected[:, own] * ratio[own]) for ratio, own in zip(ratios, there, strict=True)]
    return np.asarray(np.mean(found, axis=0))


def paired_days(separation: Separation, calendar: Calendar, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the calendar days that two years share and on which both have weather."""
    days = calendar.of_year(first)
    other = calendar.match[days, calendar.column(second)]
    known = np.isfinite(separation.weather[0])
    both = (other != NOWHERE) & known[days] & known[other]
    return days[both], other[both]


def exchange(separation: Separation, calendar: Calendar, statistic: str) -> Exchange:
    """A statistic of whole years, exchanged between every two of them; NaN where no day is shared."""
    if statistic == "mean":
        whole = exchanged_means(separation, calendar, [np.arange(len(SLOTS))], least_share=0.0)
        seen = Seen(whole.seen.observed[0], whole.seen.predicted[0], whole.seen.days[0])
        return Exchange(whole.values[0], whole.days[0], seen)
    years, members = calendar.years, len(separation.emissions)
    values = np.full((len(years), len(years), 2, 2, members), np.nan)
    counts = np.zeros((len(years), len(years)))
    seen = Seen(np.full(values.shape[:3], np.nan), np.full(values.shape[:3], np.nan), np.zeros_like(counts))
    emissions, weather = np.exp(separation.emissions), np.exp(separation.weather)
    for row, column in zip(*np.triu_indices(len(years)), strict=True):
        days = paired_days(separation, calendar, int(years[row]), int(years[column]))
        if not len(days[0]):
            continue
        counts[row, column] = len(days[0])
        own_seen = _seen(separation, calendar, days, statistic)
        seen.observed[row, column], seen.predicted[row, column] = own_seen.observed, own_seen.predicted
        seen.days[row, column] = own_seen.days
        for e, own in enumerate(days if row != column else days[:1]):
            ratios, of_emissions = carried_ratios(separation.ratio, calendar.match[own]), emissions[:, own]
            for w, other in enumerate(days if row != column else days[:1]):
                values[row, column, e, w] = of_simulated_days(of_emissions * weather[:, other], ratios, statistic)
        if row == column:
            values[row, column] = values[row, column, 0, 0]
    return Exchange(values, counts, seen)


def _seen(separation: Separation, calendar: Calendar, days: tuple[np.ndarray, np.ndarray], statistic: str) -> Seen:
    """A statistic of those paired days that were observed in both years."""
    both = np.isfinite(separation.observed[days[0]]) & np.isfinite(separation.observed[days[1]])
    if not both.any():
        return Seen(np.full(2, np.nan), np.full(2, np.nan), np.asarray(0))
    own = [positions[both] for positions in days]
    observed = [STATISTICS[statistic](separation.observed[positions]) for positions in own]
    predicted = [
        of_simulated_days(
            separation.predicted[positions][None],
            carried_ratios(separation.ratio, calendar.match[positions]),
            statistic,
        )[0]
        for positions in own
    ]
    return Seen(np.array(observed), np.array(predicted), np.asarray(both.sum()))


def exchanged_means(
    separation: Separation, calendar: Calendar, spans: Sequence[np.ndarray], *, least_share: float = LEAST_SHARE
) -> Exchange:
    """Means over each of the ``spans`` of the calendar, exchanged between every two years; the leading dim is the span.

    A span is a set of calendar days (places in ``calendar.SLOTS``); two years are compared in it when they share at
    least ``least_share`` of them and one. Expected concentrations are products, so that every sum is one of matrices.
    """
    own, met = (_Slots.at(separation, positions) for positions in calendar.positions())
    values, counts, seen = [], [], []
    upper = np.triu(np.ones((len(calendar.years),) * 2, dtype=bool))
    for span in spans:
        first, second = own.within(span), met.within(span)
        days = first.known @ second.known.T
        both = upper & (days > 0) & (days >= least_share * len(span))
        divided = np.where(both, days, np.nan)
        sums = np.stack(
            [
                np.stack([first.both @ second.known.T, first.emissions @ second.weather.swapaxes(-1, -2)]),
                np.stack(
                    [first.weather @ second.emissions.swapaxes(-1, -2), first.known @ second.both.swapaxes(-1, -2)]
                ),
            ]
        )
        values.append(np.transpose(sums / divided, (3, 4, 0, 1, 2)))
        seen.append(_seen_in_both(first, second, both))
        counts.append(np.where(both, days, 0.0))
    names = ("observed", "predicted", "days")
    return Exchange(
        np.stack(values),
        np.stack(counts),
        Seen(*(np.stack([getattr(one, name) for one in seen]) for name in names)),
    )


def _seen_in_both(first: _Slots, second: _Slots, compared: np.ndarray) -> Seen:
    """Means over the calendar days observed in both, for the pairs of years that are ``compared`` (k, k)."""
    days = np.where(compared, first.seen @ second.seen.T, 0.0)
    observed, predicted = (
        np.stack([one @ second.seen.T, first.seen @ other.T], axis=-1) / np.where(days > 0, days, np.nan)[..., None]
        for one, other in (
            (first.observed, second.observed),
            (first.both[0] * first.seen, second.both[0] * second.seen),
        )
    )
    return Seen(observed, predicted, days)


@dataclass(frozen=True)
class _Slots:
    """What each year has on each calendar day, zero where it has none: (k, slots), of members (1 + members, k, slots).

    ``emissions`` and ``weather`` are factors of the expected concentration ``both``; ``known`` and ``seen`` are 1 on
    days with weather, and on those that have an observation too.
    """

    emissions: np.ndarray
    weather: np.ndarray
    both: np.ndarray
    observed: np.ndarray
    known: np.ndarray
    seen: np.ndarray

    @classmethod
    def at(cls, separation: Separation, positions: np.ndarray) -> _Slots:
        """The days at ``positions`` (k, slots)."""
        known = (positions != NOWHERE) & np.isfinite(separation.weather[0, positions])
        emissions = np.where(known, np.exp(separation.emissions)[:, positions], 0.0)
        weather = np.where(known, np.exp(separation.weather)[:, positions], 0.0)
        observed = separation.observed[positions]
        seen = known & np.isfinite(observed)
        return cls(
            emissions,
            weather,
            emissions * weather,
            np.where(seen, observed, 0.0),
            known.astype(float),
            seen.astype(float),
        )

    def within(self, span: np.ndarray) -> _Slots:
        """The calendar days of a span only."""
        return _Slots(
            self.emissions[..., span],
            self.weather[..., span],
            self.both[..., span],
            self.observed[..., span],
            self.known[..., span],
            self.seen[..., span],
        )


def table(separation: Separation, calendar: Calendar, statistic: str) -> np.ndarray:
    """The counterfactual table of all years, (emission year, weather year, 1 + members); NaN where no day is shared."""
    return exchange(separation, calendar, statistic).table


def parts(separation: Separation, calendar: Calendar, first: int, second: int, statistic: str) -> Parts | None:
    """The change from year ``first`` to year ``second`` over the calendar days they share; None for fewer than 30."""
    days = paired_days(separation, calendar, first, second)
    if len(days[0]) < LEAST_SHARED_DAYS:
        return None
    values = [[statistic_of(separation, calendar, e, w, statistic) for w in days] for e in days]
    return _parts(np.array(values), np.asarray(len(days[0])), _seen(separation, calendar, days, statistic))


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
