"""The separation of a series into what moves with the emissions and what moves with the weather.

``C = exp(emissions + weather) + noise``: season and trend on one side, on the other air that relaxes to what the
weather of the day would hold it at (``basis``, ``relaxation``, ``response``), fitted together under noise that persists
(``regression``). Both parts are known on every day of the record with weather, so that the emissions of any day can
meet the weather of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from models import regression, relaxation, scores
from models.basis import (
    TREND_DAYS,
    YEAR,
    Drivers,
    WeatherColumns,
    dated,
    emission_blocks,
    level_and_season,
    weather_columns,
)
from models.bootstrap import block_weights, coefficient_draws
from models.response import Carried, EmissionResponse, WeatherResponse, carried
from models.splits import held_out_months

YEARLY_CHANGE = 0.03
"""Emissions are known to change by about this share in a year (one standard deviation) before the data are asked."""
TREND_SPREAD = YEARLY_CHANGE * (TREND_DAYS / YEAR) ** 0.5
WEATHER_MODEL_ERROR, EMISSIONS_MODEL_ERROR = 1.7, 1.2
"""How much larger errors are than resampling can see, because every resample shares the model's form.

Found on the benchmark's worlds of known truth (BENCHMARK.md, Intervals); without them 90 % intervals hold the truth in
80 % (weather) and 90 % (emissions) of the pairs of years.
"""
TURNS = 3
"""Turns of Gauss and Newton in which target and rate of the relaxing air are refined."""
CURVATURE, HALVINGS = 0.1, 6
"""A turn's step is halved, so often at the most, while air is off the line about the last by more than a tenth."""
FLOOR = 0.02
"""Least value of a series that is fitted, as a share of its median: zeros are below detection, not nothing."""


@dataclass(frozen=True)
class Settings:
    """How a series is separated; ``members`` counts the bootstrap members beside the estimate.

    Raises ValueError for fewer than two members: an interval is of their spread.
    """

    members: int = 20
    block_days: int = 14
    score_folds: int = 6
    seed: int = 1
    interventions: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()

    def __post_init__(self) -> None:
        if self.members < 2:
            raise ValueError(f"members: found {self.members}; allowed: 2 or more, since intervals are of their spread")


@dataclass(frozen=True)
class Fitted:
    """The model behind a separation and the table of drivers it was fitted to: answers for other days too.

    ``prior`` is what the data decided beside the coefficients.
    """

    drivers: pd.DataFrame
    emissions: EmissionResponse
    weather: WeatherResponse
    prior: regression.Prior


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
    """A series' columns: ``fixed`` and ``emission`` blocks move with the emissions, ``weather`` blocks do not.

    ``direct`` are the blocks of what air tends to; ``weather`` begins as them and becomes the derivatives of relaxing
    air by their coefficients and those of its rate, at ``about`` (q,), with ``offset`` (n,) the rest of that line.
    """

    days: pd.DatetimeIndex
    known: np.ndarray
    fixed: np.ndarray
    emission: Mapping[str, np.ndarray]
    direct: Mapping[str, np.ndarray]
    rate: np.ndarray
    columns: WeatherColumns
    weather: Mapping[str, np.ndarray]
    offset: np.ndarray
    about: np.ndarray
    carried: Carried | None = None

    def relaxing(self, coefficients: np.ndarray) -> Design:
        """The design linearised about the air that ``coefficients`` (p,), of this design, make.

        Where that air is far from the line about the last one, about air between the two.
        """
        of_target, of_rate = self._within_reach(self._of_air(coefficients))
        direct = self._direct
        effect, by_target, by_rate = relaxation.columns(direct @ of_target, self.rate @ of_rate, direct, self.rate)
        ends = np.cumsum([block.shape[1] for block in self.direct.values()])[:-1]
        blocks = dict(zip(self.direct, np.split(by_target, ends, axis=1), strict=True))
        blocks |= {"rate": by_rate[:, :1], "rate by main": by_rate[:, 1:]}
        offset = effect - by_target @ of_target - by_rate @ of_rate
        return replace(self, weather=blocks, offset=offset, about=np.concatenate([of_target, of_rate]))

    def with_carried(self, coefficients: np.ndarray) -> Design:
        """The design ``relaxing`` about the coefficients at a rate that stays, and what that air leaves to later days.

        The rate and what is carried over explain much the same: fitted together they could not be told apart.
        """
        found = self.relaxing(coefficients)
        effect, count = found._line(found.about), self._direct.shape[1]
        of_target = {name: block for name, block in found.weather.items() if name in self.direct}
        offset = effect - np.hstack(list(of_target.values())) @ found.about[:count]
        left = carried(effect, self.direct["main"], self.known)
        blocks = {**of_target, **left.blocks(effect, self.direct["main"], self.known)}
        return replace(found, weather=blocks, offset=offset, carried=left)

    @cached_property
    def _direct(self) -> np.ndarray:
        return np.hstack(list(self.direct.values()))

    def _of_air(self, coefficients: np.ndarray) -> np.ndarray:
        """The coefficients (q,) of target and rate; the rate of one a day where it has none yet."""
        own = coefficients[self.split :]
        missing = self._direct.shape[1] + self.rate.shape[1] - len(own)
        return np.concatenate([own, np.zeros(max(missing, 0))])

    def _within_reach(self, of_air: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The coefficients of target and rate, nearer to the last ones where the line about these does not hold."""
        direct = self._direct
        count = direct.shape[1]
        for _ in range(HALVINGS if len(self.about) else 0):
            effect, _ = relaxation.followed((direct @ of_air[:count])[:, None], self.rate @ of_air[count:])
            if (effect[:, 0] - self._line(of_air))[self.known].std() < CURVATURE:
                break
            of_air = (of_air + self.about) / 2
        return of_air[:count], of_air[count:]

    def _line(self, of_air: np.ndarray) -> np.ndarray:
        """The effect (n,) of air with the coefficients (q,), by the linearisation."""
        return np.asarray(self.offset + _product(self.weather, of_air))

    @property
    def split(self) -> int:
        """How many coefficients belong to the emissions' part; the weather's follow."""
        return int(self.fixed.shape[1] + sum(block.shape[1] for block in self.emission.values()))

    def fit(
        self,
        target: np.ndarray,
        seen: np.ndarray,
        start: regression.Prior | None,
        rounds: int,
        *,
        settled: bool = False,
    ) -> regression.Fit:
        """The regression on the days ``seen`` (n,)."""
        blocks = {**self.emission, **self.weather}
        return regression.fit(
            target,
            self.fixed,
            blocks,
            seen,
            offset=self.offset,
            least_spread={"trend": TREND_SPREAD},
            start=start,
            rounds=rounds,
            settled=settled,
        )

    def emissions(self, coefficients: np.ndarray) -> np.ndarray:
        """The emissions' part of the logarithm (..., n) for coefficients (..., p)."""
        return _product({"": self.fixed, **self.emission}, coefficients[..., : self.split])

    def weather_effect(self, coefficients: np.ndarray) -> np.ndarray:
        """The weather's part of the logarithm (..., n) for ``coefficients`` (..., p); NaN on days without drivers."""
        effect = self.offset + _product(self.weather, coefficients[..., self.split :])
        return np.where(self.known, effect, np.nan)

    def response(self, coefficients: np.ndarray) -> WeatherResponse:
        """The weather's part as a function of drivers, for ``coefficients`` (1 + members, p).

        ValueError for a design that is not ``with_carried``.
        """
        if self.carried is None:
            raise ValueError("the design has nothing carried over yet; see Design.with_carried")
        count = self._direct.shape[1]
        return WeatherResponse(
            self.columns, self.carried, self.about[count:], self.about[:count], coefficients[:, self.split :]
        )


def _product(blocks: Mapping[str, np.ndarray], coefficients: np.ndarray) -> np.ndarray:
    """The first of the blocks' columns, as many as there are ``coefficients`` (..., p), times these: (..., n)."""
    own = np.split(coefficients, np.cumsum([block.shape[1] for block in blocks.values()])[:-1], axis=-1)
    products = [part @ block[:, : part.shape[-1]].T for part, block in zip(own, blocks.values(), strict=True)]
    return np.asarray(sum(products))


def design(table: pd.DataFrame, drivers: Drivers, settings: Settings) -> Design:
    """The columns for a ``table`` of drivers (consecutive days; a row with NaN is a day without weather)."""
    days = pd.DatetimeIndex(table.index)
    known = table[drivers.columns].notna().all(axis=1).to_numpy()
    fixed = np.hstack([level_and_season(days, days), dated(days, settings.interventions)])
    columns = weather_columns(table, drivers, known, seed=settings.seed)
    held = columns.held(table)  # rows without weather hold a place only: they are neither fitted nor read
    direct = columns.blocks(held)
    return Design(
        days,
        known,
        fixed,
        emission_blocks(days, days),
        direct,
        columns.rate(held),
        columns,
        direct,
        offset=np.zeros(len(days)),
        about=np.zeros(0),
    )


def separate(target: pd.Series, table: pd.DataFrame, *, drivers: Drivers, settings: Settings) -> Separation:
    """Separates ``target`` (index: consecutive days, NaN where not observed) by the drivers on the same days.

    The step of an intervention on whose days nothing was observed is 0. Raises ValueError when the index is not
    consecutive days.
    """
    observed, relative = _values(target, table)
    plan = design(table, drivers, settings)
    seen = plan.known & np.isfinite(observed)
    plan, fit = _fitted(plan, relative, seen)
    weights = block_weights(len(seen), block_days=settings.block_days, members=settings.members, seed=settings.seed)
    draws = np.vstack([fit.coefficients, coefficient_draws(fit, weights, seed=settings.seed)])
    draws[:, : plan.split] = _widened(draws[:, : plan.split], EMISSIONS_MODEL_ERROR)
    draws[:, plan.split :] = _widened(draws[:, plan.split :], WEATHER_MODEL_ERROR)
    draws[:, _untold(plan, seen)] = 0.0
    emissions, weather = plan.emissions(draws), plan.weather_effect(draws)
    level = _level(emissions, weather, observed, seen)
    draws[:, 0] += level  # the level is the first column's
    emissions = emissions + level[:, None]
    ratio = np.where(seen, observed / np.exp(emissions[0] + weather[0]), np.nan)
    of_emissions = EmissionResponse(plan.days, settings.interventions, draws[:, : plan.split])
    fitted = Fitted(table, of_emissions, plan.response(draws), fit.prior)
    return Separation(plan.days, observed, emissions, weather, ratio, fitted)


def _untold(plan: Design, seen: np.ndarray) -> np.ndarray:
    """The places of fixed columns that are zero on all days seen: interventions whose step nothing tells."""
    return np.flatnonzero(~plan.fixed[seen].any(axis=0))


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


def _fitted(plan: Design, target: np.ndarray, seen: np.ndarray) -> tuple[Design, regression.Fit]:
    """The design with what is carried over, and its fit."""
    return _refined(plan, target, seen, plan.fit(target, seen, None, rounds=regression.ROUNDS), rounds=2)


def _fitted_again(
    plan: Design, target: np.ndarray, seen: np.ndarray, prior: regression.Prior
) -> tuple[Design, regression.Fit]:
    """``_fitted`` to some of the rows, from the ``prior`` of a fit to all of them: of it, only coefficients are new."""
    first = plan.fit(target, seen, replace(prior, linear=None), rounds=1, settled=True)
    return _refined(plan, target, seen, first, rounds=1, settled=True)


def _refined(
    plan: Design,
    target: np.ndarray,
    seen: np.ndarray,
    fit: regression.Fit,
    *,
    rounds: int,
    settled: bool = False,
) -> tuple[Design, regression.Fit]:
    """The design relaxing about one fit after the other, at last with what is carried over."""
    found = plan
    for _ in range(TURNS):
        found = found.relaxing(fit.coefficients)
        fit = found.fit(target, seen, fit.prior, rounds=rounds, settled=settled)
    found = found.with_carried(fit.coefficients)
    return found, found.fit(target, seen, fit.prior, rounds=rounds, settled=settled)


def _level(emissions: np.ndarray, weather: np.ndarray, observed: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What brings each member's mean prediction to the mean observation (Duan 1983's smearing), (1 + members,)."""
    expected = np.exp(emissions[:, seen] + weather[:, seen]).mean(axis=1)
    return np.asarray(np.log(observed[seen].mean() / expected))


def held_out_predictions(
    target: pd.Series,
    table: pd.DataFrame,
    *,
    drivers: Drivers,
    settings: Settings,
    prior: regression.Prior | None = None,
) -> tuple[np.ndarray, float]:
    """Each day predicted by a model that saw neither its month nor the three days around it, (n,).

    ``prior`` is that of the separation of the same series, found anew without it: the models take the variances of
    blocks from it, and find coefficients alone.
    Also the share [%] of those days with a main driver outside the range of the days behind their model. NaN on days
    without drivers.
    """
    observed, relative = _values(target, table)
    plan = design(table, drivers, settings)
    everything = plan.known & np.isfinite(observed)
    prior = prior or _fitted(plan, relative, everything)[1].prior
    predicted, outside = np.full(len(observed), np.nan), []
    main = table[list(drivers.main)].to_numpy(dtype=float)
    for train, test in held_out_months(plan.days, folds=settings.score_folds, purge=3, seed=settings.seed):
        seen, wanted = everything & train, plan.known & test
        found, fit = _fitted_again(plan, relative, seen, prior)
        coefficients = fit.coefficients[None]
        emissions, weather = found.emissions(coefficients), found.weather_effect(coefficients)
        level = _level(emissions, weather, observed, seen)
        predicted[wanted] = np.exp(emissions[0] + weather[0] + level)[wanted]
        outside.append((scores.outside_percent(main[wanted], main[seen]), wanted.sum()))
    return predicted, float(np.average([share for share, _ in outside], weights=[count for _, count in outside]))
