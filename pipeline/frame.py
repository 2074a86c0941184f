"""One series and its weather, both in a DataFrame: the whole separation without files or a config."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from models.calendar import Calendar, calendar, day_of_every_year
from models.separation import Settings, held_out_predictions, separate
from pipeline import tables
from pipeline.frame_input import chosen_statistics, given
from pipeline.readings import read_off
from pipeline.samples import Samples, of_series, unfit


@dataclass(frozen=True)
class Attribution:
    """What ``attribute`` finds: the tables of METHODS.md for one series.

    ``parts`` has a row for every pair of years, ``drivers`` the driver groups' shares in the weather's part, ``index``
    a row for every year, month and week, ``trends`` the slopes, ``interventions`` the sizes of those of the settings,
    ``normalized`` (index: day) the columns observed, predicted and normalized, ``skill`` the scores on held-out months.
    ``notes`` say what was left out or missing.
    """

    parts: pd.DataFrame
    drivers: pd.DataFrame
    index: pd.DataFrame
    trends: pd.DataFrame
    interventions: pd.DataFrame
    normalized: pd.DataFrame
    skill: pd.Series
    notes: tuple[str, ...]


def attribute(
    target: pd.Series,
    weather: pd.DataFrame | pd.Series,
    *,
    base_year: int | None = None,
    year_start: str = "01-01",
    statistics: str | Sequence[str] = ("mean",),
    minimum_days: int = 365,
    settings: Settings | None = None,
) -> Attribution:
    """Separates a daily ``target`` by daily ``weather`` (index: days; columns and units of the vocabulary).

    Days missing from either are NaN; days of weather outside those of the target are not used. The index is 100 in
    ``base_year``, by default the first. What is left out, taken for missing or not known to the vocabulary is told by
    warnings and in ``notes``. Raises ValueError, in one line, for what is not agreed (``pipeline.frame_input``) and
    for a series that cannot be separated.
    """
    settings = settings or Settings()
    wanted = chosen_statistics(statistics)
    data = given(target, weather)
    name = "target" if target.name is None else str(target.name)
    found = _calendar(pd.DatetimeIndex(data.target.index), year_start)
    rows = of_series(data.target, data.weather, reporting=data.target.notna().astype(int), label=name)
    notes = (*data.notes, *rows.notes)
    if why := unfit(rows, minimum_days=minimum_days):
        raise ValueError("; ".join([f"{name}: cannot be separated, {why}", *notes]))
    base = _base(rows, found, base_year)
    with threadpool_limits(limits=1):
        separation = separate(rows.target, rows.drivers, drivers=rows.roles, settings=settings)
        held_out, outside = held_out_predictions(
            rows.target,
            rows.drivers,
            drivers=rows.roles,
            settings=settings,
            prior=separation.fitted.prior if separation.fitted else None,
        )
    readings = read_off(separation, found, statistics=wanted, base=base).assign(
        held_out=("time", held_out), reporting=("time", rows.reporting.to_numpy()), outside_percent=outside
    )
    readings.attrs = {"level": "series", "name": name, "pollutant": name, "units": "as given"}
    parts = tables.attribution([readings])
    if parts.empty:
        notes = (*notes, f"{name}: no two years share a month with weather, so that there is no change to divide")
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Attribution(
        parts=parts,
        drivers=tables.drivers([readings]),
        index=tables.index([readings]),
        trends=tables.trends([readings]),
        interventions=tables.interventions([readings]),
        normalized=readings[["observed", "predicted", "normalized"]].to_dataframe(),
        skill=tables.skill([readings]).iloc[0],
        notes=notes,
    )


def _calendar(days: pd.DatetimeIndex, year_start: str) -> Calendar:
    try:
        return calendar(days, year_start=day_of_every_year(year_start))
    except ValueError as error:
        raise ValueError(f"year_start: {error}") from None


def _base(rows: Samples, found: Calendar, base_year: int | None) -> np.ndarray:
    """The days of the base year, (n,)."""
    known = rows.drivers.notna().all(axis=1).to_numpy()
    years = [int(year) for year in np.unique(found.year[known])]
    chosen = years[0] if base_year is None else base_year
    if isinstance(chosen, bool) or chosen not in years:
        raise ValueError(
            f"base_year: found {base_year!r}; allowed: a year with weather as a number: {', '.join(map(str, years))}"
        )
    return np.asarray(found.year == chosen)
