"""Second stage: one place and pollutant from daily samples to readings, alone and anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from models.calendar import calendar
from models.separation import Settings, held_out_predictions, separate
from pipeline.config import Config
from pipeline.readings import read_off
from pipeline.samples import Place, Samples, samples
from pipeline.store import Run, written_whole
from pipeline.vocabulary import pollutant as known_pollutant


@dataclass(frozen=True)
class Task:
    """One place and pollutant to separate; all a worker needs, and small enough to send."""

    config: Config
    folder: Path
    place: Place
    pollutant: str
    key: str
    made_of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def artefact(self) -> str:
        """The readings' path in the run folder."""
        return f"readings/{self.place.level}-{file_name(self.place.name)}-{self.pollutant}.nc"


@dataclass(frozen=True)
class Outcome:
    """What became of a task; ``artefact`` is None when the place was skipped, and a note says why."""

    task: Task
    artefact: str | None
    notes: tuple[str, ...]


def file_name(name: str) -> str:
    """``name`` as part of a file name: letters of any script stay, the rest becomes a checksum."""
    safe = re.sub(r"[^\w-]+", "_", name)
    return safe if safe == name else f"{safe}-{crc32(name.encode()):08x}"


def attribute(task: Task) -> Outcome:
    """Separates one series and stores its readings, unless they are there already or the series cannot bear it."""
    run = Run(task.folder)
    if run.fresh(task.artefact, task.key):
        manifest = run.manifest(task.artefact) or {}
        return Outcome(task, task.artefact, tuple(manifest.get("notes", ())))
    rows, units = rows_of(run, task)
    if why := unfit(rows, minimum_days=task.config.model.minimum_days):
        return Outcome(task, None, (f"{task.place.level} {task.place.name}, {task.pollutant}: skipped, {why}",))
    with threadpool_limits(limits=1):
        readings = readings_of(rows, task.config, task.pollutant)
    readings.attrs = {
        "level": task.place.level,
        "name": task.place.name,
        "pollutant": task.pollutant,
        "units": units,
    }
    with written_whole(run.path(task.artefact)) as partial:
        readings.to_netcdf(partial)
    run.record(task.artefact, task.key, task.made_of, notes=rows.notes)
    return Outcome(task, task.artefact, rows.notes)


def rows_of(run: Run, task: Task) -> tuple[Samples, str]:
    """The samples of a task from the run's daily files, and the unit of their target."""
    with (
        xr.open_dataset(run.path("daily/observations.nc")) as observations,
        xr.open_dataset(run.path("daily/weather.nc")) as weather,
    ):
        return samples(observations, weather, task.place, task.pollutant), str(observations[task.pollutant].units)


def unfit(rows: Samples, *, minimum_days: int) -> str | None:
    """Why a series cannot be separated; None when it can."""
    both = rows.target.notna() & rows.drivers.notna().all(axis=1)
    if not rows.target.notna().any():
        return "nothing was observed"
    if rows.drivers.empty or rows.drivers.shape[1] == 0 or not rows.drivers.notna().any().any():
        return "it has no weather"
    if both.sum() < minimum_days:
        return f"{both.sum()} days have both observation and weather, {minimum_days} are needed (model.minimum_days)"
    if rows.target[both].std() < 1e-6 * abs(rows.target[both].mean()):
        return "the series is constant"
    return None


def settings(config: Config) -> Settings:
    """The model's settings of a run."""
    return Settings(
        members=config.model.members,
        block_days=config.model.block_days,
        seed=config.model.seed,
        interventions=tuple((pd.Timestamp(event.start), pd.Timestamp(event.end)) for event in config.interventions),
    )


def readings_of(rows: Samples, config: Config, pollutant: str) -> xr.Dataset:
    """The readings of one series, with its held-out predictions and the stations behind each day."""
    separation = separate(rows.target, rows.drivers, drivers=rows.roles, settings=settings(config))
    held_out, outside = held_out_predictions(rows.target, rows.drivers, drivers=rows.roles, settings=settings(config))
    days = separation.days
    base = np.asarray((days >= pd.Timestamp(config.base_period[0])) & (days <= pd.Timestamp(config.base_period[1])))
    readings = read_off(
        separation,
        calendar(days, year_start=config.year_start),
        statistics=known_pollutant(pollutant).statistics,
        base=base,
    )
    return readings.assign(
        held_out=("time", held_out), reporting=("time", rows.reporting.to_numpy()), outside_percent=outside
    )
