"""The fixed-emission approach: a model of a reference period, run with the weather of all others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.methods.learners import DAY_OF_YEAR, WEEKDAY, Forest, Learner, time_columns
from models.methods.readings import TwoSeries
from models.methods.task import Task


@dataclass(frozen=True)
class FixedEmission:
    """Trained on the first ``reference_years`` without a trend; what others' weather changes in it is the weather's.

    ``weather's part = f(M_q) - f(M_p)``, ``emissions' part = (C_q - f(M_q)) - (C_p - f(M_p))``; business as usual in
    Grange et al. 2021, doi 10.5194/acp-21-4169-2021; compared with the others in Zheng et al. 2023, doi
    10.1038/s41612-023-00536-7.
    """

    learner: Learner = field(default_factory=Forest)
    reference_years: int = 2

    def __call__(self, task: Task) -> TwoSeries:
        """See ``Method``."""
        rows = np.hstack([time_columns(task)[:, [DAY_OF_YEAR, WEEKDAY]], task.weather])
        reference = task.seen & np.isin(task.calendar.year, task.calendar.years[: self.reference_years])
        model = self.learner(rows[reference], task.observed[reference], seed=task.seed)
        expected = np.where(task.known, model.predict(np.nan_to_num(rows)), np.nan)
        freed = task.observed - expected + np.nanmean(expected)
        return TwoSeries(task.calendar, freed, np.where(task.seen, expected, np.nan), expected)
