"""What the index of any window is made of: concentrations at fixed reference emissions, in means over days and cities.

Everything is read off two series of days, the concentrations that the reference emissions give under each day's weather
and under the reference weather of its calendar day (``models.counterfactual.index_days``). A city's readings are their
means over windows; a region's are the means of its cities' readings; indices are ratios of those, taken last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from models import game
from models.calendar import NOWHERE, Calendar, calendar
from models.counterfactual import LEAST_SHARE, index_days
from models.separation import Separation
from pipeline.vocabulary import GROUPS, group_of
from pipeline.weekly.windows import Week, Window, places_of

REFERENCES = ("base", "recent")
"""The base period; the last whole years before the week's."""
LAST_YEAR = -1


@dataclass(frozen=True)
class Plan:
    """What is asked of every city: the same days for all of them.

    ``base`` and ``recent`` are first and last days of the reference periods; ``recent`` is None where the record has no
    whole year before the week's. ``weeks`` are those of the week's year, ``years`` all on record.
    """

    windows: tuple[Window, ...]
    weeks: tuple[Week, ...]
    years: tuple[int, ...]
    base: tuple[pd.Timestamp, pd.Timestamp]
    recent: tuple[pd.Timestamp, pd.Timestamp] | None

    @property
    def span(self) -> pd.DatetimeIndex:
        """From the first day of any window, or of what stands before it, to the week's last."""
        first = min(days[0] for window in self.windows for days in (window.days, window.previous) if len(days))
        return pd.date_range(first, self.windows[0].days[-1])


def planned(
    windows: Sequence[Window],
    weeks: Sequence[Week],
    record: Calendar,
    *,
    base: tuple[pd.Timestamp, pd.Timestamp],
    recent_years: int,
) -> Plan:
    """The plan for a ``record`` in calendar years, of whose whole years the last so many before the week's are recent."""
    years = {int(year) for year in record.years} | {int(window.days[-1].year) for window in windows}
    before = [int(year) for year in record.years if year < weeks[0].year and record.complete(int(year))][-recent_years:]
    recent = (pd.Timestamp(before[0], 1, 1), pd.Timestamp(before[-1], 12, 31)) if before else None
    return Plan(tuple(windows), tuple(weeks), tuple(sorted(years)), base, recent)


def readings(separation: Separation, plan: Plan) -> xr.Dataset:
    """A city's means over every window, as concentrations [unit of the observations]; NaN where nothing is known.

    ``actual`` and ``reference`` (reference, window, year, member): the window's days and the same calendar days of every
    year on record, of which a year needs half; ``previous_*`` the days before the window. ``share`` (window, group,
    member) splits ``actual - reference`` of the base over groups of drivers, ``previous_share`` the same of the days
    before, ``last_year_share`` the change from last year's weather to this year's over the days both know, at the base's
    emissions, whose reference is ``last_year_reference``. ``week_*`` (week, member) and ``band_*`` (week, year) are the
    year's weeks and the estimates of the same days in every year. ``known`` (day) is 1 where the base index is known.
    """
    dates = calendar(separation.days)
    series = {name: _days_at(separation, dates, period) for name, period in _periods(plan)}
    base = series["base"]
    return xr.merge(
        [
            _over_windows(series, dates, plan),
            _shares(separation, dates, plan, base),
            _over_weeks(base, dates, plan),
            _observed(separation, dates, plan),
            _known(base, dates, plan),
        ],
        join="exact",
    )


def _periods(plan: Plan) -> list[tuple[str, tuple[pd.Timestamp, pd.Timestamp] | None]]:
    return list(zip(REFERENCES, (plan.base, plan.recent), strict=True))


@dataclass(frozen=True)
class _Days:
    """Concentrations (1 + members, n) at reference emissions: each day's weather, reference weather; which are known."""

    actual: np.ndarray
    reference: np.ndarray
    known: np.ndarray


def _days_at(separation: Separation, dates: Calendar, period: tuple[pd.Timestamp, pd.Timestamp] | None) -> _Days:
    days = separation.days
    if period is None:
        nothing = np.full_like(separation.weather, np.nan)
        return _Days(nothing, nothing, np.zeros(len(days), dtype=bool))
    actual, reference = index_days(separation, dates, np.asarray((days >= period[0]) & (days <= period[1])))
    return _Days(actual, reference, np.isfinite(actual[0]) & np.isfinite(reference[0]))


def _mean(values: np.ndarray, positions: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Means (..., m) of values (m, n) over the last axis of ``positions`` (..., days), of those that are ``there``."""
    total = np.where(there, values[:, positions], 0.0).sum(axis=-1)
    count = there.sum(axis=-1)
    return np.moveaxis(total / np.where(count, count, np.nan), 0, -1)


def _same_days(days: pd.DatetimeIndex, dates: Calendar, years: Sequence[int]) -> np.ndarray:
    """Positions (years, days) of the calendar days of a window that ends in each of the ``years``."""
    return np.stack([places_of(days, dates, year - days[-1].year) for year in years])


def _over_windows(series: Mapping[str, _Days], dates: Calendar, plan: Plan) -> xr.Dataset:
    found: dict[str, list[list[np.ndarray]]] = {
        "actual": [],
        "reference": [],
        "previous_actual": [],
        "previous_reference": [],
    }
    for days in series.values():
        rows: dict[str, list[np.ndarray]] = {name: [] for name in found}
        for window in plan.windows:
            positions = _same_days(window.days, dates, plan.years)
            there = (positions != NOWHERE) & days.known[positions]
            own = places_of(window.days, dates, 0)
            known = (own != NOWHERE) & days.known[own]
            # like with like: of other years only the days that this one has by now
            other = np.array(plan.years) != window.days[-1].year
            there &= known | ~other[:, None]
            enough = there.sum(axis=1) >= np.where(other, max(LEAST_SHARE * known.sum(), 1), 1)
            before = places_of(window.previous, dates, 0)
            there_before = (before != NOWHERE) & days.known[before]
            for name, values in (("actual", days.actual), ("reference", days.reference)):
                rows[name].append(np.where(enough[:, None], _mean(values, positions, there), np.nan))
                rows[f"previous_{name}"].append(_mean(values, before, there_before))
        for name, row in rows.items():
            found[name].append(row)
    coordinates = {
        "referred": list(REFERENCES), "window": [window.name for window in plan.windows], "year": list(plan.years)
    }  # fmt: skip
    dims = {"actual": ("referred", "window", "year", "member"), "previous_actual": ("referred", "window", "member")}
    return xr.Dataset(
        {name: (dims[name.replace("reference", "actual")], np.array(values)) for name, values in found.items()},
        coords=coordinates,
    )


def _over_weeks(base: _Days, dates: Calendar, plan: Plan) -> xr.Dataset:
    """The weeks of the year at the base's emissions, and the estimates of the same days in every year on record."""
    positions = np.stack([_same_days(week.days, dates, plan.years) for week in plan.weeks])
    there = (positions != NOWHERE) & base.known[positions]
    enough = there.sum(axis=-1) >= max(LEAST_SHARE * positions.shape[-1], 1)
    own = np.stack([places_of(week.days, dates, 0) for week in plan.weeks])
    known = (own != NOWHERE) & base.known[own]
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, values in (("actual", base.actual), ("reference", base.reference)):
        found[f"week_{name}"] = (("week", "member"), _mean(values, own, known))
        band = _mean(values[:1], positions, there)[..., 0]
        found[f"band_{name}"] = (("week", "year"), np.where(enough, band, np.nan))
    coordinates = {"week": [week.label for week in plan.weeks], "year": list(plan.years)}
    return xr.Dataset(found, coords=coordinates)


def _known(base: _Days, dates: Calendar, plan: Plan) -> xr.Dataset:
    positions = places_of(plan.span, dates, 0)
    there = (positions != NOWHERE) & base.known[positions]
    return xr.Dataset({"known": ("day", there.astype(float))}, coords={"day": plan.span})


def _shares(separation: Separation, dates: Calendar, plan: Plan, base: _Days) -> xr.Dataset:
    """Shares of the driver groups over each window, and the days before it: from the base, and from last year."""
    if separation.fitted is None:
        raise ValueError("the drivers' shares need the fitted model, and this separation was made without one")
    columns = [str(name) for name in separation.fitted.drivers]
    groups = {group: own for group in GROUPS if (own := [name for name in columns if group_of(name) == group])}
    games = _Games(separation, dates, list(groups.values()), base)
    from_base, from_last = games.from_base(plan), games.from_last_year(plan)
    found = {"share": [], "previous_share": [], "last_year_share": []}
    reference = []
    for window in plan.windows:
        own, before = (places_of(days, dates, 0) for days in (window.days, window.previous))
        found["share"].append(_mean_known(from_base, own))
        found["previous_share"].append(_mean_known(from_base, before))
        found["last_year_share"].append(_mean_known(from_last, own))
        both = own[(own != NOWHERE) & np.isfinite(from_last[0, 0, own])]
        reference.append(base.reference[:, both].mean(axis=1) if len(both) else np.full(len(base.actual), np.nan))
    playing = [group in groups for group in GROUPS]
    dims = ("window", "group", "member")
    return xr.Dataset(
        {
            **{name: (dims, _all_groups(np.array(values), playing)) for name, values in found.items()},
            "last_year_reference": (("window", "member"), np.array(reference)),
        },
        coords={"window": [window.name for window in plan.windows], "group": list(GROUPS)},
    )


def _mean_known(shares: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Means (groups, members) of shares (groups, members, n) over the days at ``positions`` that have any."""
    days = positions[positions != NOWHERE]
    days = days[np.isfinite(shares[0, 0, days])]
    return shares[..., days].mean(axis=-1) if len(days) else np.full(shares.shape[:2], np.nan)


def _all_groups(values: np.ndarray, playing: Sequence[bool]) -> np.ndarray:
    """Shares (windows, every group, members): zero for groups of which the place has no driver."""
    whole = np.zeros((len(values), len(playing), values.shape[-1]))
    whole[:, playing] = values
    return np.where(np.isnan(values[:, :1]), np.nan, whole)


@dataclass(frozen=True)
class _Games:
    """Shapley's shares of the days of a plan, day by day: (groups, 1 + members, n), NaN on other days."""

    separation: Separation
    dates: Calendar
    groups: list[list[str]]
    base: _Days

    def from_base(self, plan: Plan) -> np.ndarray:
        """In ``actual - reference`` at the base's emissions: for several base years the mean of one game for each."""
        days = self.separation.days
        inside = np.asarray((days >= plan.base[0]) & (days <= plan.base[1])) & np.isfinite(self.separation.weather[0])
        own = places_of(plan.span, self.dates, 0)
        own = own[own != NOWHERE]
        own = own[self.base.known[own]]
        total, count = self._nothing(0.0), np.zeros(len(days))
        for year in np.unique(self.dates.year[inside]):
            for first, second in self._pairs(own, int(year).__sub__):
                both = inside[first]
                self._play(total, count, first[both], second[both])
        return total / np.where(count, count, np.nan)

    def from_last_year(self, plan: Plan) -> np.ndarray:
        """In the change at the base's emissions from the same calendar day a year before."""
        own = places_of(plan.span, self.dates, 0)
        own = own[own != NOWHERE]
        own = own[self.base.known[own]]
        total, count = self._nothing(0.0), np.zeros(len(self.separation.days))
        for first, second in self._pairs(own, lambda _: LAST_YEAR):
            both = np.isfinite(self.separation.weather[0, first])
            self._play(total, count, first[both], second[both])
        return total / np.where(count, count, np.nan)

    def _nothing(self, value: float) -> np.ndarray:
        return np.full((len(self.groups), *self.separation.weather.shape), value)

    def _pairs(self, own: np.ndarray, away: Callable[[int], int]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positions of the same calendar days of another year and ``own``, for each calendar year of these."""
        found = []
        for year in np.unique(self.dates.year[own]):
            second = own[self.dates.year[own] == year]
            first = places_of(self.separation.days[second], self.dates, away(int(year)))
            found.append((first[first != NOWHERE], second[first != NOWHERE]))
        return found

    def _play(self, total: np.ndarray, count: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        """Adds the shares of the days ``second`` against the days ``first``, at the base's emissions."""
        if not len(first):
            return
        # what the reference emissions give without weather
        weight = self.base.actual[:, second] / np.exp(self.separation.weather[:, second])
        total[..., second] += game.daily_driver_shares(
            self.separation, self.dates, (first, second), self.groups, weight
        )
        count[second] += 1


def _observed(separation: Separation, dates: Calendar, plan: Plan) -> xr.Dataset:
    """What was observed in each window, the change from last year over the same days, and the weather's part of it.

    The part is that of the attribution: the mean over both orders in which weather and emissions can be exchanged.
    """
    known = np.isfinite(separation.weather[0])
    emissions, weather = np.exp(separation.emissions), np.exp(separation.weather)
    seen = np.isfinite(separation.observed)
    rows = []
    for window in plan.windows:
        own, last = (places_of(window.days, dates, away) for away in (0, LAST_YEAR))
        there = (own != NOWHERE) & seen[own]
        both = (own != NOWHERE) & (last != NOWHERE)
        paired = both & known[own] & known[last]
        p, q = last[paired], own[paired]
        compared = both & seen[own] & seen[last]
        part = (emissions[:, p] + emissions[:, q]) / 2 * (weather[:, q] - weather[:, p])
        rows.append(
            {
                "observed": _mean_or_nan(separation.observed[own[there]]),
                "observed_days": float(there.sum()),
                "observed_from": _mean_or_nan(separation.observed[last[compared]]),
                "observed_to": _mean_or_nan(separation.observed[own[compared]]),
                "observed_weather": part.mean(axis=1) if paired.any() else np.full(len(weather), np.nan),
            }
        )
    return xr.Dataset(
        {
            name: (
                ("window", "member") if name == "observed_weather" else ("window",),
                np.array([r[name] for r in rows]),
            )
            for name in rows[0]
        },
        coords={"window": [window.name for window in plan.windows]},
    )


def _mean_or_nan(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
