"""The standards by version and date: limits, index tables, validity (``standards.yml``)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from pipeline.errors import ConfigError

IN_FORCE = "in_force"
"""Instead of a standard's key: each day, and each window's end, is judged by what was in force then."""

WHO = "who_2021"
"""Key of WHO's guidelines of 2021, whose levels judge values that are not rounded."""


@dataclass(frozen=True)
class IndexTable:
    """A version of HJ 633: concentrations at the IAQI of ``points``, and which indicators a day has.

    ``above_o3`` is the IAQI of an 8-hour mean of O3 above its last concentration; None when it has none.
    """

    key: str
    source: str
    indicators: tuple[str, ...]
    points: tuple[int, ...]
    breakpoints: dict[str, tuple[int, ...]]
    above_o3: int | None


@dataclass(frozen=True)
class Standard:
    """A version of GB 3095 and its index: ``limits[pollutant][average]`` is (grade I, grade II)."""

    key: str
    english: str
    chinese: str
    source: str
    since: datetime.date
    index: IndexTable
    limits: dict[str, dict[str, tuple[float, float]]]

    def limit(self, pollutant: str, average: str) -> float | None:
        """Grade II of a pollutant's average (year, day, mda8, hour); None where the standard has none."""
        grades = self.limits.get(pollutant, {}).get(average)
        return None if grades is None else grades[1]


@cache
def content() -> Any:
    """What ``standards.yml`` holds."""
    return yaml.safe_load(files("pipeline.standards").joinpath("standards.yml").read_text(encoding="utf-8"))


@cache
def standards() -> dict[str, Standard]:
    """Every version by its key, in order of their dates."""
    return {key: _standard(key, since) for key, since in content()["in_force"].items()}


def _standard(key: str, since: datetime.date) -> Standard:
    given = content()["standards"][key]
    limits = {
        pollutant: {average: (float(first), float(second)) for average, (first, second) in averages.items()}
        for pollutant, averages in given["limits"].items()
    }
    return Standard(
        key, given["english"], given["chinese"], given["source"], since, _index_table(given["index"]), limits
    )


@cache
def _index_table(key: str) -> IndexTable:
    given = content()["indices"][key]
    return IndexTable(
        key=key,
        source=given["source"],
        indicators=tuple(given["indicators"]),
        points=tuple(content()["index_points"]),
        breakpoints={name: tuple(values) for name, values in given["breakpoints"].items()},
        above_o3=given["above_o3"],
    )


def standard(key: str) -> Standard:
    """The version called ``key``; an unknown one is a ConfigError with those that are known."""
    if key not in standards():
        raise ConfigError(f"standard: found {key!r}; known: {', '.join((IN_FORCE, *standards()))}")
    return standards()[key]


def standard_in_force(date: datetime.date) -> Standard:
    """The version in force on ``date``; before the first, the first."""
    known = list(standards().values())
    return next((version for version in reversed(known) if version.since <= date), known[0])


def standard_for(date: datetime.date, *, judged_by: str) -> Standard:
    """The version that judges ``date``: the one in force (``in_force``), or one fixed for all dates by its key."""
    return standard_in_force(date) if judged_by == IN_FORCE else standard(judged_by)


def assessed(pollutant: str) -> dict[str, str]:
    """Statistics of a pollutant and the average whose limit each meets (HJ 663, table 1); else its mean, no limit."""
    return dict(content()["statistics"].get(pollutant, {"mean": ""}))


def guideline(pollutant: str, average: str) -> dict[str, float]:
    """WHO 2021: interim targets (it1 to it4) and guideline (aqg) of a pollutant's average; empty where there is none.

    WHO global air quality guidelines 2021, ISBN 9789240034228.
    """
    return dict(content()["guidelines"].get(pollutant, {}).get(average, {}))
