"""How much the headline depends on choices: the same attribution under other ones, each beside the headline's own.

Choices: the base year, which cities a region's name means, which stations a city stands on, the method, and what the
index is compared with. What a choice does not touch is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import xarray as xr

from models.counterfactual import interval
from pipeline.assessment.options import Panel
from pipeline.attribution import Task, attribute, failed
from pipeline.clusters import at
from pipeline.config import Config
from pipeline.readings import mean_of
from pipeline.regions import definitions
from pipeline.stages import LOGS, Keys, keys, read_places, tasks
from pipeline.store import Run
from pipeline.tables import OURS
from pipeline.vocabulary import pollutant as pollutant_of
from pipeline.workers import each

SENSITIVITY = (
    "level", "name", "pollutant", "statistic", "quantity", "choice", "variant", "value", "low", "high", "units",
    "headline", "note",
)  # fmt: skip
"""``quantity`` is weather, emissions or mci_change_percent; ``headline`` marks the variant that the run itself chose.

``low`` and ``high`` are the 90 % interval, empty where a number has none; a variant that could not be told has no
value, and ``note`` says why, by the keys of ``pipeline.report.sensitivity_wording``.
"""
PARTS = {"weather": "meteorology", "emissions": "emissions"}
INDEX = "mci_change_percent"
WHOLE_YEARS = "method_whole_years"
"""The choice of the method where the headline is of a part of a year: of the whole years before, another headline."""
READ = ("meteorology", "emissions", "index_actual", "index_reference", "days", "method_meteorology", "method_emissions")
RECENT = 5
FEWEST_RECENT = 3
"""Whole years before the report's whose mean is a reference of the index, and of how many there must be values."""
MOST_CITIES = 20
"""Cities that are separated once more for the other panel, if nothing else is asked: some minutes' work."""
LEAST_DAYS_OF_YEAR, LEAST_DAYS_OF_MONTH = 324, 15
"""Days with weather that a year or a month of the index needs."""
SPRING = 3
"""The month with which the seasonal year begins."""
SHRINKS = {
    "pm25": {"additive": 0.73, "boosting": 0.79, "forest": 0.71, "fixed-emission": 0.56},
    "o3": {"additive": 0.83, "fixed-emission": 0.78},
}
"""How much of the weather's part a method finds where truth is known, if clearly too little: slope in BENCHMARK.md."""


@dataclass(frozen=True)
class Headline:
    """What the headline is about: the first ``months`` of ``year`` against ``base_year``; 12 are a whole year."""

    year: int
    base_year: int
    months: int = 12
    year_start: str = "01-01"

    def year_of(self, day: pd.Timestamp) -> int:
        """The year that a day belongs to, by its start."""
        return day.year - (f"{day:%m-%d}" < self.year_start)

    @property
    def calendar_months(self) -> list[int]:
        """The months of the headline by their number in the calendar."""
        first = int(self.year_start[:2])
        return [(first + number - 1) % 12 + 1 for number in range(self.months)]


Cities = Mapping[tuple[str, str], xr.Dataset]
"""(city, pollutant) -> what is read of its readings."""


def sensitivity(
    config: Config,
    folder: Path,
    headline: Headline,
    *,
    most_cities: int | None = MOST_CITIES,
    scheduler: str | None = None,
    key: Keys | None = None,
) -> pd.DataFrame:
    """The headline of every region of a finished run under other choices; columns ``SENSITIVITY``.

    Of a run without regions of its cities. Cities whose stations differ between the panels are separated once more, in
    the run's folder, unless they are more than ``most_cities`` (None: however many); a second time they are taken as
    they are.
    """
    store, found_key = Run(folder), key or keys(config)
    own = read_cities(store, tasks(_of_cities(config, config.panel), store, found_key))
    other, why = _other_panel(config, store, found_key, most=most_cities, scheduler=scheduler)
    rows: list[dict[str, object]] = []
    for level, name, members in _places(config, read_places(store)[1], own):
        for pollutant in config.pollutants:
            readings = mean_of_cities(members, pollutant, own)
            if readings is not None:
                subject = Subject(level, name, pollutant, tuple(members), headline, readings)
                rows += [row for choice in CHOICES for row in choice(subject, config, own, (other, why))]
    return pd.DataFrame(rows, columns=list(SENSITIVITY))


def _of_cities(config: Config, panel: Panel) -> Config:
    return config.model_copy(update={"levels": ("region", "city"), "panel": panel})


def _places(
    config: Config, regions: Mapping[str, Sequence[str]], cities: Cities
) -> list[tuple[str, str, Sequence[str]]]:
    """Level, name and cities of the places whose headline there is: regions where the run has them, else cities."""
    if "region" in config.levels:
        return sorted(("region", name, tuple(members)) for name, members in regions.items())
    return [("city", name, (name,)) for name in sorted({name for name, _ in cities})]


def read_cities(store: Run, planned: Sequence[Task]) -> dict[tuple[str, str], xr.Dataset]:
    """Of the readings of cities that are there, what a headline is made of (``READ``)."""
    found = {}
    for task in planned:
        if store.path(task.artefact).is_file():
            with xr.open_dataset(store.path(task.artefact)) as readings:
                found[task.place.name, task.pollutant] = readings[[name for name in READ if name in readings]].load()
    return found


def _other_panel(
    config: Config, store: Run, key: Keys, *, most: int | None, scheduler: str | None
) -> tuple[dict[tuple[str, str], xr.Dataset] | None, str]:
    """Readings of the cities whose stations differ in the panel that the run did not take, and a note.

    None where there are more than ``most`` to separate. Of a city without any station in that panel nothing is read.
    """
    panel: Panel = next(panel for panel in get_args(Panel) if panel != config.panel)
    same = {task.artefact for task in tasks(_of_cities(config, config.panel), store, key)}
    differ = [task for task in tasks(_of_cities(config, panel), store, key) if task.artefact not in same]
    count = len({task.place.name for task in differ})
    waiting = [task for task in differ if not task.fresh(store)]
    if most is not None and len({task.place.name for task in waiting}) > most:
        return None, f"skipped={count}"
    where = at(scheduler, config.scheduler)
    outcomes = [*each(attribute, waiting, scheduler=where, failed=failed, logs=store.path(LOGS))]
    left = {(outcome.task.place.name, outcome.task.pollutant) for outcome in outcomes if outcome.artefact is None}
    found = read_cities(store, [task for task in differ if (task.place.name, task.pollutant) not in left])
    without = {(task.place.name, task.pollutant): xr.Dataset() for task in differ}
    return without | found, f"differ={count}"


@dataclass(frozen=True)
class Subject:
    """A place and pollutant whose headline is looked at; ``cities`` are its members, ``readings`` their mean."""

    level: str
    name: str
    pollutant: str
    cities: tuple[str, ...]
    headline: Headline
    readings: xr.Dataset

    def row(
        self, choice: str, variant: str, what: tuple[str, str], members: np.ndarray | None, **said: object
    ) -> dict[str, object]:
        """A row of SENSITIVITY: of ``members`` (1 + m,) the estimate and its interval; None for what is not told."""
        statistic, quantity = what
        known = np.full(1, np.nan) if members is None else members
        low, high = interval(known) if len(known) > 2 else (np.nan, np.nan)
        return {
            **{name: getattr(self, name) for name in ("level", "name", "pollutant")},
            "statistic": statistic,
            "quantity": quantity,
            "choice": choice,
            "variant": variant,
            "value": float(known[0]),
            "low": float(low),
            "high": float(high),
            "units": "%" if quantity == INDEX else pollutant_of(self.pollutant).units,
            "headline": False,
            "note": "",
            **said,
        }


Rows = Iterator[dict[str, object]]
Other = tuple[Cities | None, str]


def mean_of_cities(members: Sequence[str], pollutant: str, cities: Cities) -> xr.Dataset | None:
    """The mean of the readings of those members that have any, as the run takes it; None where none has."""
    found = [cities[key] for city in members if (key := (city, pollutant)) in cities and cities[key].data_vars]
    return mean_of(found) if found else None


def told(readings: xr.Dataset, headline: Headline) -> dict[tuple[str, str], np.ndarray]:
    """The headline's numbers, each with its members (1 + m,), by statistic and quantity."""
    found = {}
    for statistic in map(str, readings["statistic"].to_numpy()):
        for quantity, name in PARTS.items():
            found[statistic, quantity] = _part(readings, name, statistic, (headline.base_year, headline.year))
    found["mean", INDEX] = _index_change(readings, headline, [headline.base_year], headline.calendar_months)
    return found


def _part(readings: xr.Dataset, name: str, statistic: str, pair: tuple[int, int]) -> np.ndarray:
    there = (readings["period_from"] == pair[0]) & (readings["period_to"] == pair[1])
    own = readings[name].sel(statistic=statistic).transpose("pair", "member").to_numpy()[there.to_numpy()]
    return np.asarray(own[0]) if len(own) else np.full(readings.sizes["member"], np.nan)


def _index_change(
    readings: xr.Dataset, headline: Headline, references: Sequence[int], months: Sequence[int]
) -> np.ndarray:
    """The index of the report's year above the mean of the reference years' [%], of the same months, (member,)."""
    own = _index(readings, headline, headline.year, months)
    before = np.array([_index(readings, headline, year, months) for year in references])
    known = before[np.isfinite(before[:, 0])] if len(before) else before
    if not len(known):
        return np.full(len(own), np.nan)
    return np.asarray(100 * (own / known.mean(axis=0) - 1))


def _index(readings: xr.Dataset, headline: Headline, year: int, months: Sequence[int]) -> np.ndarray:
    """Mean at the actual weather over that at the reference's, of a year's months; NaN where a month is not known."""
    whole = len(months) == 12
    starts = pd.DatetimeIndex(readings["start"].to_numpy())
    of_year = np.array([headline.year_of(day) for day in starts]) == year
    frequency = readings["frequency"].to_numpy()
    chosen = of_year & (frequency == ("year" if whole else "month"))
    if not whole:
        chosen &= np.isin(starts.month, months)
    days = np.where(chosen, readings["days"].to_numpy().astype(float), 0.0)
    enough = days.sum() >= LEAST_DAYS_OF_YEAR if whole else (days[chosen] >= LEAST_DAYS_OF_MONTH).sum() == len(months)
    if not enough:
        return np.full(readings.sizes["member"], np.nan)
    actual, reference = (
        days[chosen] @ readings[name].transpose("period", "member").to_numpy()[chosen]
        for name in ("index_actual", "index_reference")
    )
    return np.asarray(actual / reference)


def _known_years(readings: xr.Dataset, headline: Headline) -> list[int]:
    """Years before the report's that its readings compare with it."""
    pairs = zip(readings["period_from"].to_numpy(), readings["period_to"].to_numpy(), strict=True)
    return sorted(int(first) for first, last in pairs if last == headline.year)


def base_years(subject: Subject, config: Config, cities: Cities, other: Other) -> Rows:
    """The parts of the change from every earlier year."""
    readings = subject.readings
    for year in _known_years(readings, subject.headline):
        for what, members in told(readings, replace(subject.headline, base_year=year)).items():
            if what[1] != INDEX:
                chosen = year == subject.headline.base_year
                yield subject.row("base_year", str(year), what, members, headline=chosen)


def region_definitions(subject: Subject, config: Config, cities: Cities, other: Other) -> Rows:
    """Every definition that shares the name of the region, with those of its cities that the run has."""
    known = definitions()
    if subject.level != "region" or subject.name not in known:
        return
    for key in sorted(known, key=lambda key: (key != subject.name, known[key].since, key)):
        if known[key].region == known[subject.name].region:
            own = key == subject.name
            members = subject.cities if own else known[key].cities
            there = [city for city in members if (city, subject.pollutant) in cities]
            note = f"cities={len(there)}/{len(known[key].cities)}"
            yield from _of_mean(
                subject, ("definition", key), mean_of_cities(there, subject.pollutant, cities), own, note
            )


def _of_mean(subject: Subject, variant: tuple[str, str], readings: xr.Dataset | None, own: bool, note: str) -> Rows:
    if readings is not None:
        for what, members in told(readings, subject.headline).items():
            yield subject.row(*variant, what, members, headline=own, note=note)


def panels(subject: Subject, config: Config, cities: Cities, other: Other) -> Rows:
    """All stations, and those valid in every year; one of them as the run has it."""
    (differing, why), readings = other, subject.readings
    yield from _of_mean(subject, ("panel", config.panel), readings, True, "")
    name = next(panel for panel in get_args(Panel) if panel != config.panel)
    if differing is None:
        for what in told(readings, subject.headline):
            yield subject.row("panel", name, what, None, note=why)
        return
    mixed = {**cities, **differing}
    changed = sum((city, subject.pollutant) in differing for city in subject.cities)
    yield from _of_mean(
        subject,
        ("panel", name),
        mean_of_cities(subject.cities, subject.pollutant, mixed) if changed else readings,
        False,
        f"differ={changed}/{len(subject.cities)}",
    )


def methods(subject: Subject, config: Config, cities: Cities, other: Other) -> Rows:
    """The parts of the mean by the run's other methods, which have no interval and tell of whole years alone.

    Where the report's year is none, all methods, ours too, are told of the change to the year before: ``WHOLE_YEARS``.
    """
    readings, headline = subject.readings, subject.headline
    if "method" not in readings.dims:
        return
    whole = headline.months == 12
    pair = (headline.base_year, headline.year if whole else headline.year - 1)
    there = (readings["period_from"] == pair[0]) & (readings["period_to"] == pair[1])
    choice, years = ("method", "") if whole else (WHOLE_YEARS, f"years={pair[0]}-{pair[1]}")
    for quantity, name in PARTS.items():
        what = ("mean", quantity)
        yield subject.row(choice, OURS, what, _part(readings, name, "mean", pair), headline=whole, note=years)
        for method in map(str, readings["method"].to_numpy()):
            value = readings[f"method_{name}"].sel({"method": method}).to_numpy()[there.to_numpy()]
            slope = SHRINKS.get(subject.pollutant, {}).get(method) if quantity == "weather" else None
            note = years if slope is None else f"shrinks={slope}"
            known = len(value) > 0 and bool(np.isfinite(value[0]))
            yield subject.row(choice, method, what, value if known else None, note=note if known else "whole_years")


def reference_periods(subject: Subject, config: Config, cities: Cities, other: Other) -> Rows:
    """The index against other weather than the base year's, always of the same months."""
    readings, headline = subject.readings, subject.headline
    months = headline.calendar_months
    years = _known_years(readings, headline)
    recent = [year for year in years if headline.year - RECENT <= year < headline.year]
    season = [month for month in months if month >= SPRING]
    variants = {
        "base_year": ([headline.base_year], months),
        "recent_years": (recent if len(recent) >= FEWEST_RECENT else [], months),
        "all_years": (years, months),
        "season": ([headline.base_year] if season else [], season),
    }
    for name, (references, own) in variants.items():
        if references:
            members = _index_change(readings, headline, references, own)
            note = "years=" + "-".join(dict.fromkeys(map(str, (references[0], references[-1]))))
            yield subject.row(
                "reference_period", name, ("mean", INDEX), members, headline=name == "base_year", note=note
            )


CHOICES: tuple[Callable[[Subject, Config, Cities, Other], Rows], ...] = (
    base_years, region_definitions, panels, methods, reference_periods,
)  # fmt: skip
"""What is chosen otherwise, in the order of the table."""
