"""Partial dependence of a place's concentration on its drivers (Friedman 2001, doi 10.1214/aos/1013203451).

What is varied is the day's own value of a driver, and ``companions`` of the same day (its afternoon) by the same
amount. Everything else keeps its observed value: the other drivers, the season, the emissions, and the memory
(yesterday's value, means of three and seven days, what the effect of the days before leaves). A curve is so the answer
to one such day, which is less than that to a spell of them; and where drivers go together in nature, a value is also
put on days that never had it.

The mean is taken over ``DAYS`` days, evenly chosen from the record without chance, and on each of them it is exact:
drivers enter the angles of the random features linearly, so that the cosine of their sum is a product, taken once for
the days and once for the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from models import relaxation
from models.response import Carried
from models.separation import Fitted, Separation

DAYS = 400
"""Days over which the mean is taken; a shorter record gives all of its own."""
BEFORE = 2
"""Days at the start of a record that have not yet the days before that the response looks back to."""
POINTS = 15
RANGE = (2, 98)
"""Percentiles of the driver between which its values are varied."""
COARSE, STRONGEST = 5, 4
"""Values of each driver, and how many drivers, among which the pair with the strongest joint effect is sought."""

Companions = Mapping[str, Sequence[str]]
"""Of a driver, the columns that move with it."""


def one_way(separation: Separation, driver: str, grid: np.ndarray, *, companions: Sequence[str] = ()) -> np.ndarray:
    """Mean concentration (1 + members, g) with the day's own ``driver`` at each value of ``grid`` (g,).

    Values are on the scale on which the driver acts. Raises ValueError for a separation that came without its model,
    KeyError for a driver it does not have.
    """
    return curve(Days(separation, {driver: companions}), driver, grid)


def two_way(
    separation: Separation,
    first: str,
    second: str,
    grids: tuple[np.ndarray, np.ndarray],
    *,
    companions: Companions | None = None,
) -> np.ndarray:
    """Mean concentration (g1, g2) of the estimate with two drivers of the day at each pair of values.

    Raises as ``one_way``.
    """
    return surface(Days(estimate_of(separation), companions or {}), (first, second), grids)


def estimate_of(separation: Separation) -> Separation:
    """The separation without its members."""
    model = fitted(separation)
    return replace(
        separation,
        emissions=separation.emissions[:1],
        weather=separation.weather[:1],
        fitted=replace(model, weather=model.weather.estimate),
    )


def fitted(separation: Separation) -> Fitted:
    """The model behind a separation; ValueError where it came without."""
    if separation.fitted is None:
        raise ValueError("dependence needs the fitted model, and this separation was made without one")
    return separation.fitted


def grids_of(separation: Separation, points: int = POINTS) -> dict[str, np.ndarray]:
    """Of each main driver even steps (points,) over its values; drivers that hardly ever vary are left out."""
    model = fitted(separation)
    table = model.drivers[list(model.weather.columns.drivers.main)]
    ends = np.nanpercentile(table.to_numpy(dtype=float), RANGE, axis=0)
    return {
        str(name): np.linspace(low, high, points)
        for name, low, high in zip(table, *ends, strict=True)
        if high > low
    }  # fmt: skip


def curve(days: Days, driver: str, grid: np.ndarray) -> np.ndarray:
    """``one_way`` on days that are at hand."""
    return days.means([driver], np.asarray(grid, dtype=float)[:, None])


def surface(days: Days, pair: tuple[str, str], grids: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The estimate's ``two_way`` on days that are at hand."""
    values = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(days.means(list(pair), values)[0].reshape(len(grids[0]), len(grids[1])))


def days_near(table: pd.DataFrame, grids: Mapping[str, np.ndarray]) -> np.ndarray:
    """How many days of ``table`` lie within one step of each value (g,), or pair of values (g1, g2), of the grids."""
    near = []
    for name, grid in grids.items():
        step = grid[1] - grid[0]
        near.append(np.abs(table[name].to_numpy(dtype=float) - grid[:, None]) <= step)
    counted = near[0] if len(near) == 1 else near[0][:, None] & near[1][None]
    return np.asarray(counted.sum(axis=-1))


def strongest_pair(
    days: Days, grids: Mapping[str, np.ndarray], curves: Mapping[str, np.ndarray]
) -> tuple[str, str] | None:
    """The two drivers whose joint effect differs most between the days that there were; None for less than two.

    Sought among the drivers with the strongest ``curves`` (g,) of the estimate, on a coarse grid. What differs is the
    logarithm of the joint mean, its squares weighted by the days near each pair of values.
    """
    table = fitted(days.separation).drivers
    spread = {name: float(np.log(curves[name]).std()) for name in grids}
    leading = sorted(grids, key=lambda name: -spread[name])[:STRONGEST]
    strength = {}
    for first, second in combinations(leading, 2):
        coarse = {name: np.linspace(grids[name][0], grids[name][-1], COARSE) for name in (first, second)}
        weight = days_near(table, coarse)
        joint = np.log(surface(days, (first, second), (coarse[first], coarse[second])))
        mean = np.average(joint, weights=weight)
        strength[first, second] = float(np.average((joint - mean) ** 2, weights=weight))
    return max(strength, key=lambda pair: strength[pair]) if strength else None


@dataclass(frozen=True)
class Memory:
    """What the days before leave to the chosen ones.

    ``before`` (n, 2 + members) is the air that they begin with (``relaxation.followed``); ``carried`` has
    ``coefficients`` (1 + members, q); ``yesterday`` (n,) is the effect of relaxed air on the day before and ``known``
    (n,) whether there was one; ``rest`` (n, 1, 1 + members) what the effects of earlier days leave.
    """

    before: np.ndarray
    carried: Carried
    coefficients: np.ndarray
    yesterday: np.ndarray
    known: np.ndarray
    rest: np.ndarray | float = 0.0

    def effect(self, target: np.ndarray, rate: np.ndarray, by_main: np.ndarray) -> np.ndarray:
        """The effect (n, g, 1 + members) of the chosen days, from logarithms of target and rate (n, g)."""
        relaxed = relaxation.one_day(target, rate, self.before)
        return np.asarray(relaxed[..., 1:] + self.short(relaxed[..., 0], by_main) + self.rest)

    def short(self, effect: np.ndarray, by_main: np.ndarray) -> np.ndarray:
        """What would be carried over (n, g, 1 + members), had every earlier day been as yesterday."""
        before = np.broadcast_to(self.yesterday[:, None], effect.shape)
        three_days = np.stack([before, before, effect], axis=-1)
        there = np.stack([self.known, self.known, np.ones_like(self.known)], axis=-1)[:, None]
        return np.asarray(self.carried.applied(self.coefficients, three_days, by_main[:, :, None], there)[:, :, -1])


class Days:
    """The chosen days of a separation, on which drivers take any values; ``companions`` move with them."""

    def __init__(self, separation: Separation, companions: Companions, count: int = DAYS) -> None:
        self.separation = separation
        self.companions = companions
        self.model = fitted(separation)
        self.positions = chosen_days(separation, count)

    def means(self, drivers: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Mean concentration (1 + members, g) with ``drivers`` at ``values`` (g, drivers)."""
        logarithm = self.effects(drivers, values) + self.separation.emissions[:, self.positions].T[:, None]
        return np.asarray(np.exp(logarithm).mean(axis=0).T)

    def effects(self, drivers: Sequence[str], values: np.ndarray) -> np.ndarray:
        """The weather's part of the logarithm (n, g, 1 + members) of each chosen day at each of the ``values``."""
        response = self.model.weather
        tables = [self._at_zero(drivers)]
        tables += [self._raised(tables[0], driver) for driver in drivers]
        linear, rate, by_main = zip(*(response.additive(table) for table in tables), strict=True)
        angles = [response.columns.phase(table) for table in tables]
        turns = values @ np.stack([angle[0] - angles[0][0] for angle in angles[1:]])
        target = _along(linear, values) + self._smooth(angles[0], turns)
        rates = _along([own[:, None] for own in rate], values)[..., 0]
        return self._memory.effect(target, rates, _along(by_main, values))

    def _at_zero(self, drivers: Sequence[str]) -> pd.DataFrame:
        table = self.model.drivers.iloc[self.positions].copy()
        for driver in drivers:
            own = table[driver]
            for companion in self.companions.get(driver, ()):
                table[companion] = table[companion] - own
            table[driver] = 0.0
        return table

    def _raised(self, table: pd.DataFrame, driver: str) -> pd.DataFrame:
        moved = [driver, *self.companions.get(driver, ())]
        return table.assign(**{name: table[name] + 1.0 for name in moved})

    def _smooth(self, angles: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """The smooth part (n, g, columns) at ``angles`` (n, waves), turned for each value by ``turns`` (g, waves)."""
        weights, nothing = self._waves
        of_days = np.hstack([np.cos(angles), -np.sin(angles)])
        of_values = np.hstack([np.cos(turns), np.sin(turns)])[:, :, None] * np.vstack([weights, weights])
        found = of_days @ of_values.swapaxes(0, 1).reshape(of_days.shape[1], -1)
        return np.asarray(found.reshape(len(angles), len(turns), -1) + nothing)

    @cached_property
    def _waves(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (waves, columns) of the random features, and what is left without any."""
        response, count = self.model.weather, self.model.weather.columns.directions.shape[1]
        nothing = response.smooth(np.zeros((1, count)))
        return response.smooth(np.eye(count)) - nothing, nothing

    @cached_property
    def _memory(self) -> Memory:
        """What the whole record leaves to the chosen days."""
        response, table = self.model.weather, self.model.drivers
        known, held = response.columns.known(table), response.columns.held(table)
        linear, rate, by_main = response.additive(held)
        target = linear + response.smooth(np.cos(response.columns.phase(held)))
        relaxed, before = relaxation.followed(target, rate)
        carried = response.carried.applied(response.of_carried, relaxed[:, 0], by_main, known)
        today, yesterday = self.positions, self.positions - 1
        found = Memory(before[today], response.carried, response.of_carried, relaxed[yesterday, 0], known[yesterday])
        short = found.short(relaxed[today, None, 0], by_main[today, None])
        return replace(found, rest=carried[today, None] - short)


def _along(parts: Sequence[np.ndarray], values: np.ndarray) -> np.ndarray:
    """What is linear in the drivers (n, g, columns), from it at zero and with each driver at one: each (n, columns)."""
    steps = np.stack([part - parts[0] for part in parts[1:]])
    return np.asarray(parts[0][:, None] + np.einsum("gk,knc->ngc", values, steps))


def chosen_days(separation: Separation, count: int = DAYS) -> np.ndarray:
    """Positions of at most ``count`` days with drivers, evenly spread over the record."""
    known = np.flatnonzero(np.isfinite(separation.weather[0]))
    known = known[known >= BEFORE]
    return np.asarray(known[np.linspace(0, len(known) - 1, min(count, len(known))).round().astype(int)])
