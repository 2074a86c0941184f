"""A stack: several methods' answers, weighted by how well each predicts months it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from models.methods.additive import Additive
from models.methods.learners import Booster
from models.methods.ours import Without
from models.methods.readings import Separated, Swapped
from models.methods.swapping import CalendarSwap
from models.methods.task import Task
from models.splits import held_out_months

Base = Callable[[Task], Separated | Swapped]
"""A method whose result can be asked for one day's emissions under another day's weather."""
PURGE = 3
"""Days left out on either side of a held-out month."""


@dataclass(frozen=True)
class Stacked:
    """The weighted sum of what several methods expect; the weights are not negative and add up to one.

    They are those with which the methods' predictions of held-out months come nearest to the observations (Wolpert
    1992, doi 10.1016/S0893-6080(05)80023-1; without negative weights Breiman 1996, doi 10.1007/BF00117832).
    """

    methods: Sequence[Base] = (Without(), Additive(), CalendarSwap(Booster()))
    folds: int = 3

    def __call__(self, task: Task) -> Swapped:
        """See ``Method``."""
        weights = self.weights(task)
        results = [method(task) for method in self.methods]

        def expected(emission_days: np.ndarray, weather_days: np.ndarray) -> np.ndarray:
            answers = [result.expected(emission_days, weather_days) for result in results]
            return np.asarray(np.tensordot(weights, np.stack(answers), axes=1))

        sizes = {dates: float(weights @ [result.declared(dates) for result in results]) for dates in task.interventions}
        return Swapped(task, expected, sizes)

    def weights(self, task: Task) -> np.ndarray:
        """The weight of each method, (methods,)."""
        seen, everything = task.seen, np.arange(len(task.target))
        predicted = np.full((len(everything), len(self.methods)), np.nan)
        for train, test in held_out_months(task.calendar.days, folds=self.folds, purge=PURGE, seed=task.seed):
            shown = replace(task, target=task.target.where(train))
            for column, method in enumerate(self.methods):
                predicted[test, column] = method(shown).expected(everything, everything)[0, test]
        usable = seen & np.isfinite(predicted).all(axis=1)
        found = nnls(predicted[usable], task.observed[usable])[0]
        return np.asarray(found / found.sum())
