"""What every method is given and what it must answer: one protocol for the field's methods and for ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from models.basis import Drivers
from models.calendar import Calendar

Dates = tuple[pd.Timestamp, pd.Timestamp]
"""First and last day of an intervention."""


@dataclass(frozen=True)
class Task:
    """One series to take apart.

    ``target`` (index: consecutive days) is NaN where nothing was observed, ``drivers`` where the weather is not known;
    ``roles`` says which drivers belong to the same day (``main``) and which remember. ``interventions`` are the dates
    a method may know of.
    """

    target: pd.Series
    drivers: pd.DataFrame
    roles: Drivers
    calendar: Calendar
    seed: int = 1
    interventions: tuple[Dates, ...] = ()

    @property
    def observed(self) -> np.ndarray:
        """The series, (n,)."""
        return self.target.to_numpy(dtype=float)

    @property
    def weather(self) -> np.ndarray:
        """The drivers of the same day, (n, p): what the field's methods use."""
        return self.drivers[list(self.roles.main)].to_numpy(dtype=float)

    @property
    def known(self) -> np.ndarray:
        """Days with weather, (n,)."""
        return np.asarray(self.drivers[self.roles.columns].notna().all(axis=1))

    @property
    def seen(self) -> np.ndarray:
        """Days with weather and an observation, (n,)."""
        return np.asarray(self.known & np.isfinite(self.observed))


@dataclass(frozen=True)
class Shares:
    """The two parts of a change, each (1 + members,): the estimate first, alone where there are no members."""

    weather: np.ndarray
    emissions: np.ndarray


class Result(Protocol):
    """What a method found."""

    def parts(self, first: int, second: int, statistic: str = "mean") -> Shares | None:
        """The change from year ``first`` to year ``second``; None where the method has no answer for the statistic."""
        ...

    def index_days(self, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What reference emissions give under each day's weather, and under reference weather: two (1 + members, n).

        ``base`` (n,) marks the reference days; the index of any days is 100 times the ratio of their sums.
        """
        ...

    def normalized(self) -> np.ndarray:
        """The concentration freed of the weather, day by day, (n,)."""
        ...

    def declared(self, dates: Dates) -> float:
        """Relative change by an intervention whose dates the method was told; NaN when it can make no use of them."""
        ...


class Method(Protocol):
    """Takes a series apart into what moves with the emissions and what moves with the weather."""

    def __call__(self, task: Task) -> Result:
        """The result for a task; the same task always gives the same."""
        ...
