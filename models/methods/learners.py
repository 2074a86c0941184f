"""The field's regressors, and the columns it gives them: time on one side, the day's weather on the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from models.marginal import Ensemble, ensemble
from models.methods.task import Dates, Task

TREND, DAY_OF_YEAR, WEEKDAY = 0, 1, 2
"""Places of the columns of time; a column for each declared intervention follows."""
TIME = 3


class Learner(Protocol):
    """Fits rows (n, p) to a target (n,)."""

    def __call__(self, rows: np.ndarray, target: np.ndarray, *, seed: int) -> Any:
        """A fitted model with ``predict(rows) -> (n,)``."""
        ...


@dataclass(frozen=True)
class Forest:
    """A random forest as rmweather's: 300 trees, leaves of five days, a root of the columns tried at each split."""

    trees: int = 300
    least_leaf: int = 5

    def __call__(self, rows: np.ndarray, target: np.ndarray, *, seed: int) -> Any:
        """See ``Learner``."""
        from sklearn.ensemble import RandomForestRegressor

        model = RandomForestRegressor(
            self.trees, min_samples_leaf=self.least_leaf, max_features="sqrt", random_state=seed, n_jobs=1
        )
        return model.fit(rows, target)


@dataclass(frozen=True)
class Booster:
    """Gradient boosting by LightGBM, on one thread: more only wait for each other on rows as few as these."""

    trees: int = 300
    leaves: int = 31
    rate: float = 0.05
    least_leaf: int = 20

    def __call__(self, rows: np.ndarray, target: np.ndarray, *, seed: int) -> Any:
        """See ``Learner``. A ``lightgbm.Booster``."""
        import lightgbm

        data = lightgbm.Dataset(rows, target, free_raw_data=False)
        return lightgbm.train(self.parameters(seed), data, num_boost_round=self.trees)

    def parameters(self, seed: int) -> dict[str, Any]:
        """What LightGBM is told."""
        return {
            "objective": "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.least_leaf,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class Learned:
    """A fitted model's trees and the record it was fitted to."""

    trees: Ensemble
    time: np.ndarray
    weather: np.ndarray
    known: np.ndarray

    def rows(self, emission_days: np.ndarray, weather_days: np.ndarray) -> np.ndarray:
        """Rows that carry the time of some days and the weather of others, (days, columns)."""
        return np.hstack([self.time[emission_days], self.weather[weather_days]])

    def expected(self, emission_days: np.ndarray, weather_days: np.ndarray) -> np.ndarray:
        """Expected concentrations, (1, days); NaN where the weather is not known."""
        found = self.trees.predict(np.nan_to_num(self.rows(emission_days, weather_days)))
        return np.where(self.known[weather_days], found, np.nan)[None]

    def switched(self, dates: Dates, task: Task) -> float:
        """Relative change on an intervention's days between its switch on and off, their own weather.

        NaN where none of its days has weather.
        """
        column = TIME + task.interventions.index(dates)
        on = task.calendar.days
        days = np.flatnonzero((on >= dates[0]) & (on <= dates[1]) & self.known)
        if not len(days):
            return float("nan")
        rows = self.rows(days, days)
        without = rows.copy()
        without[:, column] = 0.0
        return float(self.trees.predict(rows).mean() / self.trees.predict(without).mean() - 1)


def time_columns(task: Task) -> np.ndarray:
    """Day number, day of the year, weekday and the declared interventions, (n, 3 + interventions)."""
    days = task.calendar.days
    switches = [(days >= start) & (days <= end) for start, end in task.interventions]
    return np.column_stack([np.arange(len(days)), days.day_of_year, days.day_of_week, *switches]).astype(float)


def learned(task: Task, learner: Learner) -> Learned:
    """The learner's model of the concentration from time and the day's weather."""
    time, weather, seen = time_columns(task), task.weather, task.seen
    model = learner(np.hstack([time, weather])[seen], task.observed[seen], seed=task.seed)
    return Learned(ensemble(model), time, weather, task.known)


def sizes(task: Task, model: Learned) -> dict[Dates, float]:
    """The relative change by each declared intervention."""
    return {dates: model.switched(dates, task) for dates in task.interventions}
