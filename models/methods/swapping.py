"""The same models as the field's, asked our question: one year's emissions under another year's weather."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.methods.learners import Forest, Learner, learned, sizes
from models.methods.readings import Swapped
from models.methods.task import Task


@dataclass(frozen=True)
class CalendarSwap:
    """The weather of whole years changes places, calendar day by calendar day: the protocol apart from the model.

    Such an exchange of years is rmweather's ``rmw_predict_nested_sets_by_year``; doi 10.5194/acp-18-6223-2018.
    """

    learner: Learner = field(default_factory=Forest)

    def __call__(self, task: Task) -> Swapped:
        """See ``Method``."""
        model = learned(task, self.learner)
        return Swapped(task, model.expected, sizes(task, model))
