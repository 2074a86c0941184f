"""Normalization by resampling: what a model of time and weather expects, averaged over other days' rows.

The mean over all rows a draw could take is computed exactly; the field draws some hundreds of them at random, and
``drawn_mean`` does so too, for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.marginal import marginal
from models.methods.learners import DAY_OF_YEAR, TIME, TREND, Forest, Learned, Learner, learned, sizes
from models.methods.readings import TwoSeries
from models.methods.task import Task


@dataclass(frozen=True)
class ResampledAll:
    """Everything but the trend is resampled from the whole record, the season too: rmweather's way.

    Grange et al. 2018, doi 10.5194/acp-18-6223-2018. The normalized series depends on the date alone; the weather's
    part of a change is what it leaves of the predicted change.
    """

    learner: Learner = field(default_factory=Forest)

    def __call__(self, task: Task) -> TwoSeries:
        """See ``Method``."""
        model = learned(task, self.learner)
        rows = _own_rows(model)
        normalized = marginal(model.trees, rows, rows[model.known], kept=_trend_and_switches(task))
        return _two_series(task, model, np.where(model.known, normalized, np.nan))


@dataclass(frozen=True)
class ResampledWeather:
    """Only the weather is resampled, whole days of it; date, season and weekday stay.

    With ``window_days`` from the days of all years within so many days of the calendar day (Vu et al. 2019, doi
    10.5194/acp-19-11303-2019, who drew from thirty years and two weeks on either side; here from the record's years);
    without, from the whole record (normet and the older deweather; Carslaw and Taylor 2009, doi
    10.1016/j.atmosenv.2009.04.001).
    """

    learner: Learner = field(default_factory=Forest)
    window_days: int | None = 14

    def __call__(self, task: Task) -> TwoSeries:
        """See ``Method``."""
        model = learned(task, self.learner)
        rows, day, kept = _own_rows(model), model.time[:, DAY_OF_YEAR], range(model.time.shape[1])
        window = None if self.window_days is None else (day, day[model.known], self.window_days)
        normalized = marginal(model.trees, rows, rows[model.known], kept=list(kept), window=window)
        return _two_series(task, model, np.where(model.known, normalized, np.nan))


def drawn_mean(model: Learned, pool: np.ndarray, *, kept: int, draws: int, seed: int) -> np.ndarray:
    """The field's resample-and-predict: mean over random rows of the ``pool`` for each day, (n,).

    The first ``kept`` columns stay each day's own.
    """
    rng = np.random.default_rng(seed)
    own = _own_rows(model)
    total = np.zeros(len(own))
    for _ in range(draws):
        drawn = own[rng.choice(pool, len(own))]
        total += model.trees.predict(np.hstack([own[:, :kept], drawn[:, kept:]]))
    return np.asarray(total / draws)


def _own_rows(model: Learned) -> np.ndarray:
    days = np.arange(len(model.time))
    return np.asarray(np.nan_to_num(model.rows(days, days)))


def _trend_and_switches(task: Task) -> list[int]:
    return [TREND, *range(TIME, TIME + len(task.interventions))]


def _two_series(task: Task, model: Learned, normalized: np.ndarray) -> TwoSeries:
    days = np.arange(len(normalized))
    predicted = model.expected(days, days)[0]
    return TwoSeries(task.calendar, normalized, predicted - normalized, predicted / normalized, sizes(task, model))
