"""Our separation, and what it would be without one of its parts or with trees on what it leaves unexplained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from models import regression
from models.basis import level_and_season
from models.methods.learners import Booster, Learner
from models.methods.readings import Separated
from models.methods.task import Dates, Task
from models.noise import WHITE
from models.separation import (
    TURNS,
    Design,
    Separation,
    Settings,
    design,
    relative_to_median,
    separate,
)
from models.splits import held_out_months


@dataclass(frozen=True)
class Ours:
    """``models.separation`` as it is, with the ``members`` its intervals come from."""

    members: int = 20

    def __call__(self, task: Task) -> Separated:
        """See ``Method``."""
        settings = _settings(task, members=self.members)
        separation = separate(task.target, task.drivers, drivers=task.roles, settings=settings)
        return Separated(separation, task.calendar, _sizes(task, _estimate(separation)))


@dataclass(frozen=True)
class Without:
    """Our separation without its smooth response, without memory, or without noise that persists; the estimate alone.

    Without memory neither does air relax nor is anything carried over: what remains are drivers of the days before.
    """

    smooth: bool = True
    memory: bool = True
    persistent: bool = True

    def __call__(self, task: Task) -> Separated:
        """See ``Method``."""
        roles = task.roles if self.smooth else replace(task.roles, smooth=())
        plan = design(task.drivers, roles, _settings(task, members=2))
        seen = task.seen & plan.known
        target = relative_to_median(task.observed)
        fit = self._fit(plan, target, seen, None, regression.ROUNDS)
        for _ in range(TURNS if self.memory else 0):
            plan = plan.relaxing(fit.coefficients)
            fit = self._fit(plan, target, seen, fit.prior, 2)
        if self.memory:
            plan = plan.with_carried(fit.coefficients)
            fit = self._fit(plan, target, seen, fit.prior, 2)
        weather = plan.weather_effect(fit.coefficients)
        separation = _separation(task, plan.emissions(fit.coefficients), weather)
        return Separated(separation, task.calendar, _sizes(task, fit.coefficients))

    def _fit(
        self, plan: Design, target: np.ndarray, seen: np.ndarray, start: regression.Prior | None, rounds: int
    ) -> regression.Fit:
        if self.persistent:
            return plan.fit(target, seen, start, rounds)
        fit = plan.fit(target, seen, _forgetful(start), 1)
        for _ in range(rounds - 1):
            fit = plan.fit(target, seen, _forgetful(fit.prior), 1)
        return fit


@dataclass(frozen=True)
class WithTrees:
    """Our separation with boosted trees on its residual, as functions of the weather.

    Each month's correction comes from trees that saw neither it nor the days around it (Chernozhukov et al. 2018, doi
    10.1111/ectj.12097), so that they explain no noise; all are shrunk to what of the residual they explain.
    """

    learner: Learner = field(default_factory=lambda: Booster(trees=150, leaves=8, rate=0.03, least_leaf=30))
    folds: int = 6

    def __call__(self, task: Task) -> Separated:
        """See ``Method``."""
        base = separate(task.target, task.drivers, drivers=task.roles, settings=_settings(task, members=2))
        season = np.asarray(task.calendar.days.day_of_year, dtype=float)[:, None]
        rows = np.hstack([task.drivers[task.roles.columns].to_numpy(dtype=float), season])
        correction = np.zeros(len(rows))
        for train, test in held_out_months(task.calendar.days, folds=self.folds, purge=3, seed=task.seed):
            usable = train & np.isfinite(base.ratio)
            model = self.learner(rows[usable], base.ratio[usable] - 1, seed=task.seed)
            correction[test] = model.predict(rows[test])
        correction *= _share(correction, base.ratio - 1)
        weather = base.weather[0] + np.log1p(np.clip(correction, -0.8, 4.0))
        separation = _separation(task, base.emissions[0], weather)
        return Separated(separation, task.calendar, _sizes(task, _estimate(base)))


def _share(correction: np.ndarray, residual: np.ndarray) -> float:
    """Slope of the residual on its correction, between nothing and all of it."""
    both = np.isfinite(residual)
    square = float(correction[both] @ correction[both])
    return float(np.clip(correction[both] @ residual[both] / square, 0.0, 1.0)) if square else 0.0


def _settings(task: Task, *, members: int) -> Settings:
    return Settings(members=members, seed=task.seed, interventions=task.interventions)


def _forgetful(prior: regression.Prior | None) -> regression.Prior | None:
    return prior and replace(prior, noise=WHITE)


def _separation(task: Task, emissions: np.ndarray, weather: np.ndarray) -> Separation:
    """Both parts (n,) brought to the level of the observations."""
    seen = task.seen
    emissions = emissions + np.log(task.observed[seen].mean() / np.exp(emissions + weather)[seen].mean())
    ratio = np.where(seen, task.observed / np.exp(emissions + weather), np.nan)
    return Separation(task.calendar.days, task.observed, emissions[None], weather[None], ratio)


def _sizes(task: Task, coefficients: np.ndarray) -> dict[Dates, float]:
    """Relative changes by the dated interventions: their columns follow level and season."""
    first = level_and_season(task.calendar.days[:1], task.calendar.days).shape[1]
    changes = np.expm1(coefficients[first : first + len(task.interventions)])
    return dict(zip(task.interventions, changes.tolist(), strict=True))


def _estimate(separation: Separation) -> np.ndarray:
    return separation.fitted.emissions.coefficients[0] if separation.fitted else np.zeros(0)
