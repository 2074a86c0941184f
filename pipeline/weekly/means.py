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
from pipeline.weekly.windows import Record, Week, Window, record_of

REFERENCES = ("base", "recent")
"""The base period; the last whole years before the week's."""
LAST_YEAR = -1
Period = tuple[pd.Timestamp, pd.Timestamp]


@dataclass(frozen=True)
class Placed:
    """Positions of a window's days along the record: its own (n,), those before it, those of every year (years, n)."""

    own: np.ndarray
    previous: np.ndarray
    years: np.ndarray
    last_year: np.ndarray


@dataclass(frozen=True)
class Plan:
    """What is asked of every city: the same days for all of them, placed along the record once.

    ``base`` and ``recent`` are the reference periods; ``recent`` is None where the record has no whole year before the
    week's. ``weeks`` are those of the week's year, ``years`` all on record and the week's. ``span`` are the days from
    the first of any window, or of what stands before it, to the week's last; ``own_weeks`` (weeks, 7) and ``all_weeks``
    (weeks, years, 7) are positions as in ``placed``.
    """

    windows: tuple[Window, ...]
    weeks: tuple[Week, ...]
    years: tuple[int, ...]
    base: Period
    recent: Period | None
    first_day: pd.Timestamp
    placed: tuple[Placed, ...]
    span: pd.DatetimeIndex
    own_span: np.ndarray
    own_weeks: np.ndarray
    all_weeks: np.ndarray


def planned(
    windows: Sequence[Window], weeks: Sequence[Week], days: pd.DatetimeIndex, *, base: Period, recent_years: int
) -> Plan:
    """The plan for a record of ``days``, of whose whole years the last so many before the week's are recent."""
    record = record_of(days)
    found = [int(year) for year in record.dates.years]
    years = sorted({*found, *(int(window.days[-1].year) for window in windows)})
    before = [year for year in found if year < weeks[0].year and record.dates.complete(year)][-recent_years:]
    recent = (pd.Timestamp(before[0], 1, 1), pd.Timestamp(before[-1], 12, 31)) if before else None
    first = min(days[0] for window in windows for days in (window.days, window.previous) if len(days))
    span = pd.date_range(first, windows[0].days[-1])
    weekly = [record.places(week.days, [0, *(year - week.end.year for year in years)]) for week in weeks]
    return Plan(
        windows=tuple(windows),
        weeks=tuple(weeks),
        years=tuple(years),
        base=base,
        recent=recent,
        first_day=days[0],
        placed=tuple(_placed(window, record, years) for window in windows),
        span=span,
        own_span=record.places(span, [0])[0],
        own_weeks=np.stack([positions[0] for positions in weekly]),
        all_weeks=np.stack([positions[1:] for positions in weekly]),
    )


def _placed(window: Window, record: Record, years: Sequence[int]) -> Placed:
    distances = [0, LAST_YEAR, *(year - window.days[-1].year for year in years)]
    own, last_year, *every = record.places(window.days, distances)
    return Placed(own, record.places(window.previous, [0])[0], np.stack(every), last_year)


def readings(separation: Separation, plan: Plan) -> xr.Dataset:
    """A city's means over every window, as concentrations [unit of the observations]; NaN where nothing is known.

    ``actual`` and ``reference`` (referred, window, year, member): the window's days and the same calendar days of every
    year on record, of which a year needs half; ``previous_*`` the days before the window. ``share`` (window, group,
    member) splits ``actual - reference`` of the base over groups of drivers, ``previous_share`` the same of the days
    before, ``last_year_share`` the change from last year's weather to this year's over the days both know, at the
    base's emissions, whose reference is ``last_year_reference``; ``playing`` (group) is 1 where the place has drivers
    of the group. ``week_*`` (week, member) and ``band_*`` (week, year) are the year's weeks and the estimates of the
    same days in every year. ``known`` (day) is 1 where the base index is known.
    """
    if separation.days[0] != plan.first_day:
        raise ValueError(f"a record from {separation.days[0]:%Y-%m-%d} on, agreed from {plan.first_day:%Y-%m-%d} on")
    dates = calendar(separation.days)
    series = {name: _days_at(separation, dates, period) for name, period in _periods(plan)}
    base = series["base"]
    return xr.merge(
        [
            _over_windows(series, plan),
            _shares(separation, dates, plan, base),
            _over_weeks(base, plan),
            _observed(separation, plan),
            _known(base, plan),
        ],
        join="exact",
    )


def _periods(plan: Plan) -> list[tuple[str, tuple[pd.Timestamp, pd.Timestamp] | None]]:
    return list(zip(REFERENCES, (plan.base, plan.recent), strict=True))


@dataclass(frozen=True)
class _Days:
    """Concentrations (1 + members, n) at reference emissions under each day's and the reference weather; known days."""

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


ORDER = ("referred", "window", "week", "year", "group", "day", "member")
"""Of the dims of a place's means."""


def arrays(place: xr.Dataset) -> dict[str, np.ndarray]:
    """The means of a place as arrays, their dims in ``ORDER``."""
    return {
        str(name): values.transpose(*(dim for dim in ORDER if dim in values.dims)).to_numpy()
        for name, values in place.data_vars.items()
    }


def _mean(values: np.ndarray, positions: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Means (..., m) of values (m, n) over the last axis of ``positions`` (..., days), of those that are ``there``."""
    total = np.where(there, values[:, positions], 0.0).sum(axis=-1)
    count = there.sum(axis=-1)
    return np.moveaxis(total / np.where(count, count, np.nan), 0, -1)


def _there(positions: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which positions lie on the record, on ``known`` days (n,) of it."""
    return np.asarray((positions != NOWHERE) & known[positions])


def _over_windows(series: Mapping[str, _Days], plan: Plan) -> xr.Dataset:
    names = ("actual", "reference", "previous_actual", "previous_reference")
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for days in series.values():
        for window, placed in zip(plan.windows, plan.placed, strict=True):
            own, before = _there(placed.own, days.known), _there(placed.previous, days.known)
            other = (np.array(plan.years) != window.days[-1].year)[:, None]
            # like with like: of other years only the days that this one has by now
            there = _there(placed.years, days.known) & (own | ~other)
            enough = there.sum(axis=1, keepdims=True) >= np.where(other, max(LEAST_SHARE * own.sum(), 1), 1)
            for name, values in (("actual", days.actual), ("reference", days.reference)):
                found[name].append(np.where(enough, _mean(values, placed.years, there), np.nan))
                found[f"previous_{name}"].append(_mean(values, placed.previous, before))
    shape = (len(series), len(plan.windows))
    dims = {"actual": ("referred", "window", "year", "member"), "previous_actual": ("referred", "window", "member")}
    return xr.Dataset(
        {
            name: (dims[name.replace("reference", "actual")], np.reshape(values, (*shape, *np.shape(values)[1:])))
            for name, values in found.items()
        },
        coords={
            "referred": list(series),
            "window": [window.name for window in plan.windows],
            "year": list(plan.years),
        },
    )


def _over_weeks(base: _Days, plan: Plan) -> xr.Dataset:
    """The weeks of the year at the base's emissions, and the estimates of the same days in every year on record."""
    own, there = _there(plan.own_weeks, base.known), _there(plan.all_weeks, base.known)
    enough = there.sum(axis=-1) >= LEAST_SHARE * there.shape[-1]
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, values in (("actual", base.actual), ("reference", base.reference)):
        found[f"week_{name}"] = (("week", "member"), _mean(values, plan.own_weeks, own))
        band = _mean(values[:1], plan.all_weeks, there)[..., 0]
        found[f"band_{name}"] = (("week", "year"), np.where(enough, band, np.nan))
    return xr.Dataset(found, coords={"week": [week.label for week in plan.weeks], "year": list(plan.years)})


def _known(base: _Days, plan: Plan) -> xr.Dataset:
    there = _there(plan.own_span, base.known).astype(float)
    return xr.Dataset({"known": ("day", there)}, coords={"day": plan.span})


def _shares(separation: Separation, dates: Calendar, plan: Plan, base: _Days) -> xr.Dataset:
    """Shares of the driver groups over each window, and the days before it: from the base, and from last year."""
    if separation.fitted is None:
        raise ValueError("the drivers' shares need the fitted model, and this separation was made without one")
    columns = [str(name) for name in separation.fitted.drivers]
    groups = {group: own for group in GROUPS if (own := [name for name in columns if group_of(name) == group])}
    games = _Games(separation, dates, list(groups.values()), base)
    from_base, from_last = games.from_base(plan), games.from_last_year(plan)
    played_last = np.isfinite(from_last[0, 0])
    found: dict[str, list[np.ndarray]] = {"share": [], "previous_share": [], "last_year_share": []}
    reference = []
    for placed in plan.placed:
        found["share"].append(_mean_known(from_base, placed.own))
        found["previous_share"].append(_mean_known(from_base, placed.previous))
        found["last_year_share"].append(_mean_known(from_last, placed.own))
        reference.append(_mean(base.reference, placed.own, _there(placed.own, played_last)))
    playing = [group in groups for group in GROUPS]
    dims = ("window", "group", "member")
    return xr.Dataset(
        {
            **{name: (dims, _all_groups(np.array(values), playing)) for name, values in found.items()},
            "last_year_reference": (("window", "member"), np.array(reference)),
            "playing": ("group", np.array(playing, dtype=float)),
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
        inside = np.asarray((days >= plan.base[0]) & (days <= plan.base[1]))
        others = np.unique(self.dates.year[inside])
        return self._played(plan, lambda _: others, inside)

    def from_last_year(self, plan: Plan) -> np.ndarray:
        """In the change at the base's emissions from the same calendar day a year before."""
        return self._played(plan, lambda year: np.array([year + LAST_YEAR]), np.ones(len(self.dates.year), dtype=bool))

    def _played(self, plan: Plan, others: Callable[[int], np.ndarray], allowed: np.ndarray) -> np.ndarray:
        """Means over games of the days of each year against the ``allowed`` ones (n,) of ``others``, on known days."""
        total, count = np.zeros((len(self.groups), *self.separation.weather.shape)), np.zeros(len(allowed))
        own = plan.own_span[_there(plan.own_span, self.base.known)]
        known = allowed & np.isfinite(self.separation.weather[0])
        for year in np.unique(self.dates.year[own]):
            second = own[self.dates.year[own] == year]
            for other in np.intersect1d(others(int(year)), self.dates.years):
                first = self.dates.match[second, self.dates.column(int(other))]
                both = _there(first, known)
                self._play(total, count, first[both], second[both])
        return total / np.where(count, count, np.nan)

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


def _observed(separation: Separation, plan: Plan) -> xr.Dataset:
    """What was observed in each window, the change from last year over the same days, and the weather's part of it.

    The part is that of the attribution: the mean over both orders in which weather and emissions can be exchanged.
    """
    known = np.isfinite(separation.weather[0])
    emissions, weather = np.exp(separation.emissions), np.exp(separation.weather)
    seen = np.isfinite(separation.observed)
    rows = []
    for placed in plan.placed:
        own, last = placed.own, placed.last_year
        there = _there(own, seen)
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
