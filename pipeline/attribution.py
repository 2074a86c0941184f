"""Second stage: one place and pollutant from daily samples to readings, alone and anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from models.calendar import Calendar, calendar
from models.methods import Task as MethodTask
from models.separation import Separation, Settings, held_out_predictions, separate
from pipeline.assessment.options import Panel
from pipeline.config import Config
from pipeline.dependence import dependence_of
from pipeline.errors import TianbangError
from pipeline.events import at_fixed_emissions, flags
from pipeline.other_methods import parts_by_method
from pipeline.readings import compared_pairs, read_off
from pipeline.samples import Place, Samples, samples, unfit
from pipeline.store import Run, write_text, written_whole
from pipeline.vocabulary import pollutant as known_pollutant
from pipeline.weekly import fitted


@dataclass(frozen=True)
class Task:
    """One place and pollutant to separate; all a worker needs, and small enough to send.

    ``panel`` is "constant" where the place stands on fewer stations than with all of them: a city whose stations are
    the same in both panels is one task, and is separated once.
    """

    config: Config
    folder: Path
    place: Place
    pollutant: str
    key: str
    made_of: Mapping[str, Any] = field(default_factory=dict)
    panel: Panel = "all"

    @property
    def artefact(self) -> str:
        """The readings' path in the run folder."""
        ending = "" if self.panel == "all" else f"-{self.panel}"
        return f"readings/{self.place.level}-{file_name(self.place.name)}-{self.pollutant}{ending}.nc"

    @property
    def artefacts(self) -> tuple[str, ...]:
        """All that the task makes: the readings and, of a city, the fitted model."""
        return (self.artefact, fitted.artefact(self.artefact)) if self.place.level == "city" else (self.artefact,)

    def fresh(self, run: Run) -> bool:
        """Whether all of it is there, made of what the task's key stands for."""
        return all(run.fresh(artefact, self.key) for artefact in self.artefacts)


@dataclass(frozen=True)
class Outcome:
    """What became of a task; ``artefact`` is None when the place was skipped or has ``failed``; a note says why."""

    task: Task
    artefact: str | None
    notes: tuple[str, ...]
    failed: bool = False


def file_name(name: str) -> str:
    """``name`` as part of a file name: letters of any script stay, the rest becomes a checksum."""
    safe = re.sub(r"[^\w-]+", "_", name)
    return safe if safe == name else f"{safe}-{crc32(name.encode()):08x}"


def attribute(task: Task) -> Outcome:
    """Separates one series and stores its readings, unless they are there already or the series cannot bear it."""
    run = Run(task.folder)
    if task.fresh(run):
        manifest = run.manifest(task.artefact) or {}
        return Outcome(task, task.artefact, tuple(manifest.get("notes", ())))
    if not task.place.stations:
        return _skipped(task, "no station of it is valid in every year (panel: constant)")
    rows, units = rows_of(run, task)
    if why := unfit(rows, minimum_days=task.config.model.minimum_days):
        return _skipped(task, why)
    with threadpool_limits(limits=1):
        readings, found, separation = readings_of(rows, task.config, task.pollutant)
    for path in task.artefacts[1:]:
        fitted.keep(run, path, separation, task.key, task.made_of)
    notes = (*rows.notes, *(f"{task.place.level} {task.place.name}, {task.pollutant}: {note}" for note in found))
    return _kept(task, readings.assign_attrs(units=units), notes)


def _skipped(task: Task, why: str) -> Outcome:
    return Outcome(task, None, (f"{task.place.level} {task.place.name}, {task.pollutant}: skipped, {why}",))


def _kept(task: Task, readings: xr.Dataset, notes: tuple[str, ...]) -> Outcome:
    run = Run(task.folder)
    own = readings.assign_attrs(level=task.place.level, name=task.place.name, pollutant=task.pollutant)
    with written_whole(run.path(task.artefact)) as partial:
        own.drop_encoding().to_netcdf(partial)
    run.record(task.artefact, task.key, task.made_of, notes=notes)
    return Outcome(task, task.artefact, notes)


def failed(task: Task, error: Exception) -> Outcome:
    """The outcome of a task that raised what nobody agreed, or whose worker died; the whole story is in a log."""
    notes = getattr(error, "__notes__", ())
    about = f"{task.place.level} {task.place.name}, {task.pollutant}"
    told = str(error) if isinstance(error, TianbangError) else f"{type(error).__name__}: {error}"
    name = Path(task.artefact).with_suffix(".log").name
    write_text(task.folder / "logs" / name, "\n".join([f"{about}: {told}", *notes]) + "\n")
    return Outcome(task, None, (f"{about}: failed, {' '.join(told.split())}; see logs/{name}",), failed=True)


def twins(tasks: Sequence[Task]) -> dict[str, Task]:
    """By the artefact of each task that repeats another's series, that other: the station of a city of one station.

    The earlier of the two is the one to be separated.
    """
    first: dict[tuple[tuple[str, ...], str], Task] = {}
    found = {}
    for task in tasks:
        earlier = first.setdefault((task.place.stations, task.pollutant), task)
        if earlier is not task:
            found[task.artefact] = earlier
    return found


def repeated(task: Task, twin: Outcome) -> Outcome:
    """The outcome of a task whose series is that of another: the same readings under its own name."""
    own, other = (f"{place.level} {place.name}" for place in (task.place, twin.task.place))
    notes = tuple(own + note.removeprefix(other) if note.startswith(other) else note for note in twin.notes)
    if twin.artefact is None:
        return Outcome(task, None, notes, failed=twin.failed)
    return _kept(task, xr.load_dataset(Run(task.folder).path(twin.artefact)), notes)


def rows_of(run: Run, task: Task) -> tuple[Samples, str]:
    """The samples of a task from the run's daily files, and the unit of their target."""
    with (
        xr.open_dataset(run.path("daily/observations.nc")) as observations,
        xr.open_dataset(run.path("daily/weather.nc")) as weather,
    ):
        return samples(observations, weather, task.place, task.pollutant), str(observations[task.pollutant].units)


def settings(config: Config) -> Settings:
    """The model's settings of a run."""
    return Settings(
        members=config.model.members,
        block_days=config.model.block_days,
        seed=config.model.seed,
        interventions=tuple((pd.Timestamp(event.start), pd.Timestamp(event.end)) for event in config.interventions),
    )


def readings_of(rows: Samples, config: Config, pollutant: str) -> tuple[xr.Dataset, tuple[str, ...], Separation]:
    """The readings of one series, with held-out predictions, other methods, dependence and events; notes; its parts."""
    separation = separate(rows.target, rows.drivers, drivers=rows.roles, settings=settings(config))
    held_out, outside = held_out_predictions(
        rows.target,
        rows.drivers,
        drivers=rows.roles,
        settings=settings(config),
        prior=separation.fitted.prior if separation.fitted else None,
    )
    days = separation.days
    base = np.asarray((days >= pd.Timestamp(config.base_period[0])) & (days <= pd.Timestamp(config.base_period[1])))
    found = calendar(days, year_start=config.year_start)
    readings = read_off(separation, found, statistics=known_pollutant(pollutant).statistics, base=base)
    if config.interventions:
        names = np.array([event.name for event in config.interventions], dtype=object)
        readings = readings.assign_coords(intervention=names)
    others, notes = by_other_methods(rows, config, found, base)
    of_events = at_fixed_emissions(separation, found, base, flags(rows.weather))
    readings = xr.merge([readings, others, dependence_of(separation), of_events], join="left").assign(
        held_out=("time", held_out), reporting=("time", rows.reporting.to_numpy()), outside_percent=outside
    )
    return readings, notes, separation


def by_other_methods(
    rows: Samples, config: Config, dates: Calendar, base: np.ndarray
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """What the config's other methods say of ``compared_pairs``; notes."""
    task = MethodTask(
        rows.target, rows.drivers, rows.roles, dates, config.model.seed, interventions=settings(config).interventions
    )
    return parts_by_method(task, config.model.methods, compared_pairs(dates, base))
