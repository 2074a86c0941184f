"""A generalised additive model: one smooth curve for each driver, the trend and the season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.methods.readings import Separated
from models.methods.task import Task
from models.separation import Separation

STRENGTHS = 10.0 ** np.arange(-3, 5)
"""Ridge penalties that generalised cross-validation chooses from."""
YEAR = 365.25
FREE = 1000.0
"""Height of a column that the penalty shall leave free."""


@dataclass(frozen=True)
class Additive:
    """Cubic splines of each of the day's drivers, of the date and cyclic ones of the season, in the logarithm.

    AQEval's kind of model (Ropkins et al. 2022, doi 10.1016/j.scitotenv.2022.155416; on PM2.5 in China Xiao et al.
    2021, doi 10.5194/acp-21-9475-2021), with a penalty chosen by generalised cross-validation (Craven and Wahba 1979,
    doi 10.1007/BF01404567). Dated interventions are steps. Departures from the authors: one penalty for all curves,
    where mgcv has one for each; ridge regression of the logarithm; no joint surfaces such as that of wind speed and
    direction, whose components have a curve each.
    """

    knots: int = 8
    trend_knots_a_year: int = 3

    def __call__(self, task: Task) -> Separated:
        """See ``Method``."""
        from sklearn.linear_model import RidgeCV

        time, weather, seen = self._time(task), self._weather(task), task.seen
        target = np.log(np.maximum(task.observed[seen], 1e-3))
        model = RidgeCV(STRENGTHS).fit(np.hstack([time, weather])[seen], target)
        steps = len(task.interventions)
        emissions = time @ model.coef_[: time.shape[1]] + model.intercept_
        effect = weather @ model.coef_[time.shape[1] :]
        emissions += np.log(task.observed[seen].mean() / np.exp(emissions + effect)[seen].mean())
        ratio = np.where(seen, task.observed / np.exp(emissions + effect), np.nan)
        found = Separation(
            task.calendar.days,
            task.observed,
            emissions[None],
            np.where(task.known, effect, np.nan)[None],
            ratio,
        )
        changes = np.expm1(FREE * model.coef_[:steps])
        return Separated(found, task.calendar, dict(zip(task.interventions, changes.tolist(), strict=True)))

    def _time(self, task: Task) -> np.ndarray:
        from sklearn.preprocessing import SplineTransformer

        days = task.calendar.days
        position = np.arange(len(days), dtype=float)[:, None]
        count = max(4, round(self.trend_knots_a_year * len(days) / YEAR) + 1)
        trend = penalised(SplineTransformer(count).fit_transform(position), position)
        knots = np.linspace(0, YEAR, self.knots + 1)[:, None]
        phase = np.asarray(days.day_of_year, dtype=float)[:, None] % YEAR
        season = SplineTransformer(knots=knots, extrapolation="periodic", include_bias=False).fit_transform(phase)
        weekday = np.eye(7)[days.day_of_week][:, 1:]
        switches = [FREE * ((days >= start) & (days <= end)) for start, end in task.interventions]
        return np.hstack([np.reshape(switches, (len(switches), len(days))).T, trend, season, weekday])

    def _weather(self, task: Task) -> np.ndarray:
        from sklearn.preprocessing import SplineTransformer

        known = task.known
        values = np.where(known[:, None], task.weather, task.weather[known].mean(axis=0))
        curves = [
            penalised(SplineTransformer(self.knots, knots="quantile").fit(column[known]).transform(column), column)
            for column in np.split(values, values.shape[1], axis=1)
        ]
        return np.hstack(curves)


def penalised(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Columns whose ridge penalty is that of a spline's second differences: bends are penalised, a line is free.

    ``basis`` (n, k) are B-splines of ``values`` (n, 1) (Eilers and Marx 1996, doi 10.1214/ss/1038425655).
    """
    differences = np.diff(np.eye(basis.shape[1]), n=2, axis=0)
    bends = basis @ np.linalg.pinv(differences)
    line = (values - values.mean()) / np.maximum(values.std(), 1e-12)
    return np.hstack([FREE * line, bends - bends.mean(axis=0)])
