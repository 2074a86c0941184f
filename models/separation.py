"""The separation of a series into what moves with the emissions and what moves with the weather.

``C = exp(emissions + weather) + noise``: season and trend on one side, a smooth response to the weather of today and
of the days before on the other (``basis``), fitted together under noise that persists (``regression``). Both parts
are known on every day of the record with weather, so that the emissions of any day can meet the weather of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models import regression, scores
from models.basis import (
    TREND_DAYS,
    YEAR,
    Drivers,
    EmissionResponse,
    Pass,
    WeatherColumns,
    WeatherResponse,
    carried,
    dated,
    emission_blocks,
    level_and_season,
    weather_columns,
)
from models.bootstrap import block_weights, coefficient_draws
from models.splits import held_out_months

YEARLY_CHANGE = 0.03
"""Emissions are known to change by about this share in a year (one standard deviation) before the data are asked."""
TREND_SPREAD = YEARLY_CHANGE * (TREND_DAYS / YEAR) ** 0.5
WEATHER_MODEL_ERROR, EMISSIONS_MODEL_ERROR = 2.0, 1.2
"""How much larger errors are than resampling can see, because every resample shares the model's form.

Found on the benchmark's worlds of known truth (BENCHMARK.md, Intervals); without them 90 % intervals hold the truth in
63 % (weather) and 85 % (emissions) of the pairs of years.
"""
PASSES = 2
"""Turns in which the weather effect of the days before is refined."""
FLOOR = 0.02
"""Least value of a series that is fitted, as a share of its median: zeros are below detection, not nothing."""


@dataclass(frozen=True)
class Settings:
    """How a series is separated; ``members`` counts the bootstrap members beside the estimate."""

    members: int = 20
    block_days: int = 14
    score_folds: int = 6
    seed: int = 1
    interventions: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()


@dataclass(frozen=True)
class Fitted:
    """The model behind a separation and the table of drivers it was fitted to: answers for other days too."""

    drivers: pd.DataFrame
    emissions: EmissionResponse
    weather: WeatherResponse


@dataclass(frozen=True)
class Separation:
    """Both parts of a series on consecutive days.

    ``emissions`` and ``weather`` (1 + members, n) add up to the logarithm of the expected concentration; row 0 is the
    estimate, the others are bootstrap members. ``weather`` is NaN on days without drivers. ``observed`` (n,) is the
    series itself, NaN where nothing was observed; ``ratio`` (n,) is observed over predicted. ``fitted`` is None for
    parts that come from elsewhere.
    """

    days: pd.DatetimeIndex
    observed: np.ndarray
    emissions: np.ndarray
    weather: np.ndarray
    ratio: np.ndarray
    fitted: Fitted | None = None

    @property
    def predicted(self) -> np.ndarray:
        """Expected concentration under each day's own emissions and weather, (n,)."""
        return np.asarray(np.exp(self.emissions[0] + self.weather[0]))


@dataclass(frozen=True)
class Design:
    """A series' columns: ``fixed`` and ``emission`` blocks move with the emissions, ``weather`` blocks do not."""

    days: pd.DatetimeIndex
    known: np.ndarray
    fixed: np.ndarray
    emission: Mapping[str, np.ndarray]
    weather: Mapping[str, np.ndarray]
    columns: WeatherColumns
    passes: tuple[Pass, ...] = ()

    def with_carried(self, coefficients: np.ndarray) -> Design:
        """The same columns, and what the weather effect of the ``coefficients`` (p,) leaves on the days after."""
        _, effect = self.parts(coefficients)
        main = self.weather["main"]
        left = carried(effect, main, self.known)
        blocks = {**self.weather, **left.blocks(effect, main, self.known)}
        passes = (*self.passes, Pass(coefficients[self.split :], left))
        return replace(self, weather=blocks, passes=passes)

    @property
    def split(self) -> int:
        """How many coefficients belong to the emissions' part; the weather's follow."""
        return int(self.fixed.shape[1] + sum(block.shape[1] for block in self.emission.values()))

    def fit(self, target: np.ndarray, seen: np.ndarray, start: regression.Prior | None, rounds: int) -> regression.Fit:
        """The regression on the days ``seen`` (n,)."""
        blocks = {**self.emission, **self.weather}
        return regression.fit(
            target, self.fixed, blocks, seen, least_spread={"trend": TREND_SPREAD}, start=start, rounds=rounds
        )

    def parts(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Emissions' and weather's part of the logarithm for coefficients (..., p): two (..., n)."""
        emissions = np.hstack([self.fixed, *self.emission.values()])
        weather = np.hstack(list(self.weather.values()))
        return coefficients[..., : self.split] @ emissions.T, coefficients[..., self.split :] @ weather.T


def design(table: pd.DataFrame, drivers: Drivers, settings: Settings) -> Design:
    """The columns for a ``table`` of drivers (consecutive days; a row with NaN is a day without weather)."""
    days = pd.DatetimeIndex(table.index)
    known = table[drivers.columns].notna().all(axis=1).to_numpy()
    # rows without weather hold a place only: they are neither fitted nor read
    held = table.fillna(table[known].mean())
    fixed = np.hstack([level_and_season(days, days), dated(days, settings.interventions)])
    columns = weather_columns(held, drivers, known, seed=settings.seed)
    return Design(days, known, fixed, emission_blocks(days, days), columns.blocks(held), columns)


def separate(target: pd.Series, table: pd.DataFrame, *, drivers: Drivers, settings: Settings) -> Separation:
    """Separates ``target`` (index: consecutive days, NaN where not observed) by the drivers on the same days.

    Raises ValueError when the index is not consecutive days.
    """
    observed, relative = _values(target, table)
    plan = design(table, drivers, settings)
    seen = plan.known & np.isfinite(observed)
    plan, fit = _fitted(plan, relative, seen)
    weights = block_weights(len(seen), block_days=settings.block_days, members=settings.members, seed=settings.seed)
    draws = np.vstack([fit.coefficients, coefficient_draws(fit, weights, seed=settings.seed)])
    emissions, weather = plan.parts(draws)
    emissions, weather = _widened(emissions, EMISSIONS_MODEL_ERROR), _widened(weather, WEATHER_MODEL_ERROR)
    level = _level(emissions, weather, observed, seen)
    emissions = emissions + level[:, None]
    ratio = np.where(seen, observed / np.exp(emissions[0] + weather[0]), np.nan)
    fitted = _kept(plan, draws, level, table, settings)
    return Separation(plan.days, observed, emissions, np.where(plan.known, weather, np.nan), ratio, fitted)


def _kept(plan: Design, draws: np.ndarray, level: np.ndarray, table: pd.DataFrame, settings: Settings) -> Fitted:
    """What answers for other days as the separation does for its own; the level is the first column's."""
    of_emissions = _widened(draws[:, : plan.split], EMISSIONS_MODEL_ERROR)
    of_emissions[:, 0] += level
    of_weather = _widened(draws[:, plan.split :], WEATHER_MODEL_ERROR)
    return Fitted(
        table,
        EmissionResponse(plan.days, settings.interventions, of_emissions),
        WeatherResponse(plan.columns, plan.passes, of_weather),
    )


def _widened(members: np.ndarray, factor: float) -> np.ndarray:
    """Members (1 + members, n) whose deviations from the first are multiplied by ``factor``."""
    return np.asarray(members[:1] + factor * (members - members[:1]))


def _values(target: pd.Series, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The observations (n,), and relative to their median, so that no unit matters to the fit."""
    steps = np.diff(pd.DatetimeIndex(target.index).to_numpy())
    if not target.index.equals(table.index) or (steps != np.timedelta64(1, "D")).any():
        raise ValueError("target and drivers need the same index of consecutive days; reindex both to every day")
    observed = target.to_numpy(dtype=float)
    return observed, relative_to_median(observed)


def relative_to_median(observed: np.ndarray) -> np.ndarray:
    """``observed`` (n,) as it is fitted: over its median and not below ``FLOOR``; NaN stays NaN."""
    return np.asarray(np.maximum(observed / np.nanmedian(observed), FLOOR))


def _fitted(
    plan: Design, target: np.ndarray, seen: np.ndarray, start: regression.Prior | None = None
) -> tuple[Design, regression.Fit]:
    """The design with what is carried over, and its fit. ``start`` is the prior of such a fit to similar rows."""
    blocks = len(plan.emission) + len(plan.weather)
    first = start and regression.Prior(start.precision[:blocks], start.noise, start.power)
    fit = plan.fit(target, seen, first, 1 if start else regression.ROUNDS)
    found = plan
    for _ in range(1 if start else PASSES):
        found = found.with_carried(fit.coefficients)
        memory = start.precision[blocks:] if start else fit.prior.precision[blocks:]
        count = len(found.emission) + len(found.weather)
        fit = found.fit(target, seen, _extended(fit.prior, blocks, memory, count), 2)
    return found, fit


def _extended(prior: regression.Prior, blocks: int, carried: np.ndarray, count: int) -> regression.Prior:
    """``prior`` of the first ``blocks`` blocks; after them precisions ``carried``, or none yet, up to ``count``."""
    unknown = np.full(count - blocks - len(carried), regression.FIRST_PRECISION)
    precision = np.concatenate([prior.precision[:blocks], carried, unknown])
    return regression.Prior(precision, prior.noise, prior.power, prior.linear)


def _level(emissions: np.ndarray, weather: np.ndarray, observed: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What brings each member's mean prediction to the mean observation (Duan 1983's smearing), (1 + members,)."""
    expected = np.exp(emissions[:, seen] + weather[:, seen]).mean(axis=1)
    return np.asarray(np.log(observed[seen].mean() / expected))


def held_out_predictions(
    target: pd.Series, table: pd.DataFrame, *, drivers: Drivers, settings: Settings
) -> tuple[np.ndarray, float]:
    """Each day predicted by a model that saw neither its month nor the three days around it, (n,).

    Also the share [%] of those days with a main driver outside the range of the days behind their model. NaN on days
    without drivers.
    """
    observed, relative = _values(target, table)
    plan = design(table, drivers, settings)
    everything = plan.known & np.isfinite(observed)
    _, whole = _fitted(plan, relative, everything)
    predicted, outside = np.full(len(observed), np.nan), []
    main = table[list(drivers.main)].to_numpy(dtype=float)
    for train, test in held_out_months(plan.days, folds=settings.score_folds, purge=3, seed=settings.seed):
        seen, wanted = everything & train, plan.known & test
        found, fit = _fitted(plan, relative, seen, whole.prior)
        emissions, weather = (part[None] for part in found.parts(fit.coefficients))
        level = _level(emissions, weather, observed, seen)
        predicted[wanted] = np.exp(emissions[0] + weather[0] + level)[wanted]
        outside.append((scores.outside_percent(main[wanted], main[seen]), wanted.sum()))
    return predicted, float(np.average([share for share, _ in outside], weights=[count for _, count in outside]))
