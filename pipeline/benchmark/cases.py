"""The worlds a benchmark runs on, and what a method is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from models.calendar import calendar
from models.methods import Task
from pipeline.samples import roles, varying
from pipeline.weather.features import base_drivers, completed, with_memory
from pipeline.worlds.benchmark_worlds import WorldSpec, build, worlds
from pipeline.worlds.pairing import Period
from pipeline.worlds.weather import VARIABLES
from pipeline.worlds.world import World

POLLUTANTS = ("pm25", "o3")
Half = Literal["calibration", "check"]


class Case(Protocol):
    """One world of known truth."""

    @property
    def name(self) -> str:
        """A name that is nobody else's."""
        ...

    @property
    def kind(self) -> str:
        """Which sort of world: scores are averaged over a sort."""
        ...

    @property
    def half(self) -> Half:
        """Whether intervals may be adjusted by this world, or are judged on it."""
        ...

    @property
    def year_start(self) -> str:
        """First day of its years, MM-DD."""
        ...

    @property
    def seen(self) -> tuple[str, ...]:
        """The weather variables that methods are shown."""
        ...

    def world(self) -> World:
        """The world, made anew; always the same."""
        ...


@dataclass(frozen=True)
class Simulated:
    """A world whose weather is simulated too; ``number`` counts them."""

    number: int
    spec: WorldSpec
    kind: str = "simulated weather"
    year_start: str = "01-01"
    seen: tuple[str, ...] = VARIABLES

    @property
    def name(self) -> str:
        """See ``Case``."""
        return f"{self.number:02d}-{self.spec.name}"

    @property
    def half(self) -> Half:
        """See ``Case``."""
        return half_of(self.number)

    def world(self) -> World:
        """See ``Case``."""
        return build(self.spec)


def half_of(number: int) -> Half:
    """Calibration where the digits of the world's number add up to an even number, so that halves share histories."""
    return "calibration" if sum(map(int, str(number))) % 2 == 0 else "check"


def simulated(count: int | None = None) -> list[Simulated]:
    """The benchmark's worlds; with ``count`` so many, spread evenly over all."""
    found = [Simulated(number, spec) for number, spec in enumerate(worlds())]
    if count is None or count >= len(found):
        return found
    return [found[i] for i in np.linspace(0, len(found) - 1, count).round().astype(int)]


def years(case: Case, world: World) -> list[Period]:
    """The complete years of a case."""
    found = calendar(world.days, year_start=case.year_start)
    spans = [world.days[found.of_year(int(year))] for year in found.years if found.complete(int(year))]
    return [(span[0], span[-1]) for span in spans]


def tasks(case: Case, world: World) -> dict[str, Task]:
    """What every method is given, by pollutant."""
    place = world.places[0]
    frame = world.weather_frame(place)[list(case.seen)].rename_axis("time")
    drivers = with_memory(varying(base_drivers(completed(xr.Dataset.from_dataframe(frame)).to_dataframe())))
    found = calendar(pd.DatetimeIndex(drivers.index), year_start=case.year_start)
    return {
        pollutant: Task(world.series(place, pollutant).rename_axis("time"), drivers, roles(drivers), found)
        for pollutant in POLLUTANTS
    }
