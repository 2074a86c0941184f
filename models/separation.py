"""The separation of a series into what moves with the emissions and what moves with the weather.

On the logarithm, ``log C = emissions + weather + noise``: a backbone of season, trend and weather (``basis``) fitted
with persistent noise (``regression``), and boosted trees on what it leaves (``boosting``). Both parts are known on
every day of the record with weather, so that the emissions of any day can meet the weather of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models import boosting, regression, scores
from models.basis import WeatherBasis, emission_blocks, season, weather_basis
from models.bootstrap import block_weights, coefficient_draws
from models.splits import held_out_months


@dataclass(frozen=True)
class Settings:
    """How a series is separated; ``members`` counts the bootstrap members beside the estimate."""

    members: int = 20
    block_days: int = 14
    trees: bool = True
    tree_folds: int = 5
    score_folds: int = 8
    seed: int = 1
    interventions: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()


@dataclass(frozen=True)
class Separation:
    """Both parts of a series on consecutive days.

    ``emissions`` and ``weather`` (1 + members, n) add up to the logarithm of the expected concentration; row 0 is the
    estimate, the others are bootstrap members. ``weather`` is NaN on days without drivers. ``observed`` (n,) is the
    series itself, NaN where nothing was observed; ``ratio`` (n,) is observed over predicted.
    """

    days: pd.DatetimeIndex
    observed: np.ndarray
    emissions: np.ndarray
    weather: np.ndarray
    ratio: np.ndarray
    autocorrelation: float

    @property
    def predicted(self) -> np.ndarray:
        """Expected concentration under each day's own emissions and weather, (n,)."""
        return np.asarray(np.exp(self.emissions[0] + self.weather[0]))


@dataclass(frozen=True)
class Design:
    """The columns of one series: ``fixed`` and ``blocks`` for the regression, and which of them are weather's."""

    days: pd.DatetimeIndex
    drivers: pd.DataFrame
    known: np.ndarray
    fixed: np.ndarray
    emission: Mapping[str, np.ndarray]
    weather: Mapping[str, np.ndarray]
    basis: WeatherBasis

    @property
    def blocks(self) -> dict[str, np.ndarray]:
        """Emission blocks, then weather blocks."""
        return {**self.emission, **self.weather}

    @property
    def weather_columns(self) -> int:
        """How many of the last columns are weather's."""
        return sum(block.shape[1] for block in self.weather.values())


def design(drivers: pd.DataFrame, main: tuple[str, ...], settings: Settings) -> Design:
    """The columns for ``drivers`` (consecutive days; a row with NaN is a day without weather)."""
    days = pd.DatetimeIndex(drivers.index)
    known = drivers.notna().all(axis=1).to_numpy()
    basis = weather_basis(drivers[known], main)
    # rows without weather hold a place only: they are neither fitted nor read
    weather = basis.blocks(drivers.fillna(drivers[known].mean()))
    dated = [((days >= start) & (days <= end)).astype(float) for start, end in settings.interventions]
    fixed = np.column_stack([season(days), *dated])
    return Design(days, drivers, known, fixed, emission_blocks(days), weather, basis)


def logarithm(target: np.ndarray) -> np.ndarray:
    """Logarithm of a positive series, floored at a hundredth of its median: zeros are below detection, not nothing."""
    floor = 0.01 * np.nanmedian(target)
    return np.asarray(np.log(np.maximum(target, floor)))


def separate(
    target: pd.Series, drivers: pd.DataFrame, *, main: tuple[str, ...], settings: Settings
) -> Separation:
    """Separates ``target`` (index: consecutive days, NaN where not observed) by ``drivers`` on the same days.

    ``main`` names the drivers that interact. Raises ValueError when the index is not consecutive days.
    """
    _require_consecutive(target, drivers)
    plan = design(drivers, main, settings)
    observed = target.to_numpy(dtype=float)
    seen = plan.known & np.isfinite(observed)
    parts = _parts(plan, logarithm(observed), seen, settings)
    return _levelled(plan, observed, seen, *parts)


def _require_consecutive(target: pd.Series, drivers: pd.DataFrame) -> None:
    steps = np.diff(pd.DatetimeIndex(target.index).to_numpy())
    if not target.index.equals(drivers.index) or (steps != np.timedelta64(1, "D")).any():
        raise ValueError(
            "target and drivers need the same index of consecutive days; reindex both to every day"
        )


def _parts(
    plan: Design, log_target: np.ndarray, seen: np.ndarray, settings: Settings
) -> tuple[np.ndarray, np.ndarray, float]:
    fit = regression.fit(np.where(seen, log_target, 0.0), plan.fixed, plan.blocks, seen)
    weights = block_weights(
        len(seen), block_days=settings.block_days, members=settings.members, seed=settings.seed
    )
    draws = np.vstack([fit.coefficients, coefficient_draws(fit, weights, seed=settings.seed)])
    split = draws.shape[1] - plan.weather_columns
    emissions = draws[:, :split] @ np.hstack([plan.fixed, *plan.emission.values()]).T
    weather = draws[:, split:] @ np.hstack(list(plan.weather.values())).T
    if settings.trees:
        residual = np.where(seen, log_target - emissions[0] - weather[0], 0.0)
        trees, _ = boosting.cross_fitted(
            plan.drivers, residual, seen, folds=settings.tree_folds, seed=settings.seed
        )
        weather = weather + trees
    return emissions, np.where(plan.known, weather, np.nan), fit.autocorrelation


def _levelled(
    plan: Design,
    observed: np.ndarray,
    seen: np.ndarray,
    emissions: np.ndarray,
    weather: np.ndarray,
    persistence: float,
) -> Separation:
    """Each member's emissions moved so that the mean prediction equals the mean observation (Duan's smearing)."""
    expected = np.exp(emissions[:, seen] + weather[:, seen]).mean(axis=1)
    emissions = emissions + np.log(observed[seen].mean() / expected)[:, None]
    ratio = np.where(seen, observed / np.exp(emissions[0] + weather[0]), np.nan)
    return Separation(plan.days, observed, emissions, weather, ratio, persistence)


def held_out_predictions(
    target: pd.Series, drivers: pd.DataFrame, *, main: tuple[str, ...], settings: Settings
) -> tuple[np.ndarray, float]:
    """Each day predicted by a model that saw neither its month nor the three days around it, (n,).

    Also the share [%] of those days with a driver outside the range of the days behind their model. NaN on days
    without drivers.
    """
    _require_consecutive(target, drivers)
    plan = design(drivers, main, settings)
    observed = target.to_numpy(dtype=float)
    log_target = logarithm(observed)
    predicted, outside = np.full(len(observed), np.nan), []
    for train, test in held_out_months(plan.days, folds=settings.score_folds, purge=3, seed=settings.seed):
        seen = plan.known & np.isfinite(observed) & train
        wanted = plan.known & test
        predicted[wanted] = _predict(plan, observed, log_target, seen, settings)[wanted]
        main_values = drivers[list(main)].to_numpy(dtype=float)
        outside.append((scores.outside_percent(main_values[wanted], main_values[seen]), wanted.sum()))
    share = np.average([percent for percent, _ in outside], weights=[count for _, count in outside])
    return predicted, float(share)


def _predict(
    plan: Design, observed: np.ndarray, log_target: np.ndarray, seen: np.ndarray, settings: Settings
) -> np.ndarray:
    fit = regression.fit(np.where(seen, log_target, 0.0), plan.fixed, plan.blocks, seen)
    log_predicted = np.hstack([plan.fixed, *plan.blocks.values()]) @ fit.coefficients
    if settings.trees:
        rows = boosting.features(plan.drivers)
        booster = boosting.grow(rows[seen], (log_target - log_predicted)[seen], seed=settings.seed)
        log_predicted = log_predicted + booster.predict(rows, num_threads=1)
    expected = np.exp(log_predicted)
    return np.asarray(expected * observed[seen].mean() / expected[seen].mean())
