"""What the field's methods make of a run's series: the spread between methods, beside the interval of ours.

An interval says how far another sample of days would move our answer; it knows nothing of another model's. What methods
share, such as the weather that nobody observes, no spread shows: BENCHMARK.md has their errors where truth is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from models.calendar import Calendar
from models.methods import (
    Additive,
    Booster,
    CalendarSwap,
    FixedEmission,
    Forest,
    KolmogorovZurbenko,
    Method,
    MultipleRegression,
    ResampledAll,
    ResampledWeather,
    Result,
    Task,
)
from pipeline.config import MethodName

TREES = 100
"""Trees of a forest, as in the benchmark."""
LEAST_OBSERVED = 0.5
"""Share of each year's days that must have observation and weather for its change to be told."""

METHODS: dict[MethodName, Callable[[], Method]] = {
    "additive": Additive,
    "regression": MultipleRegression,
    "boosting": lambda: ResampledWeather(Booster(), None),
    "boosting-swap": lambda: CalendarSwap(Booster()),
    "forest": lambda: ResampledAll(Forest(TREES)),
    "fixed-emission": lambda: FixedEmission(Forest(TREES)),
    "filter": KolmogorovZurbenko,
}
"""The methods by the names of `model.methods`; what each is stands in `models.methods`, with its paper."""


def parts_by_method(
    task: Task, names: Sequence[MethodName], pairs: Sequence[tuple[int, int]]
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The parts of the mean's change between whole years, dims (method, pair), and a note for each that had none.

    NaN for pairs with a year that is not whole, or of which less than half is observed: methods that end with two
    series compare whole years.
    """
    if not names:
        return xr.Dataset(), ()
    compared = [k for k, pair in enumerate(pairs) if all(_whole(task, task.calendar, year) for year in pair)]
    values, notes = np.full((2, len(names), len(pairs)), np.nan), []
    for row, name in enumerate(names if compared else ()):
        try:
            values[:, row, compared] = _parts(METHODS[name]()(task), [pairs[k] for k in compared])
        except (ValueError, np.linalg.LinAlgError) as error:
            notes.append(f"method {name}: left out, it finds no answer ({error})")
    columns = {f"method_{part}": (("method", "pair"), values[k]) for k, part in enumerate(("meteorology", "emissions"))}
    coordinates = {
        "method": np.array(names, dtype=object),
        "pair": np.array([f"{p}-{q}" for p, q in pairs], dtype=object),
    }
    return xr.Dataset(columns, coords=coordinates), tuple(notes)


def _whole(task: Task, calendar: Calendar, year: int) -> bool:
    days = calendar.of_year(year)
    return calendar.complete(year) and bool(task.seen[days].mean() >= LEAST_OBSERVED)


def _parts(result: Result, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Weather's and emissions' parts, (2, pairs)."""
    shares = [result.parts(*pair) for pair in pairs]
    return np.array([(np.nan, np.nan) if own is None else (own.weather[0], own.emissions[0]) for own in shares]).T
