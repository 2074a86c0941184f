"""Results held against a known truth: how far off the parts are, and how often the interval holds the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from pipeline.attribution import Task as AttributionTask
    from pipeline.store import Run


def compared(attribution: pd.DataFrame, truth: xr.Dataset) -> pd.DataFrame:
    """The cities' and regions' attribution beside the true parts.

    Columns level, name, pollutant, statistic, period_from, period_to, meteorology_true, emissions_true, meteorology,
    emissions, and ``inside``: whether the true weather part lies in the 90 % interval. Stations have no truth of
    their own and are left out.
    """
    tables = {"city": _tables(truth), "region": _of_regions(truth)}
    rows = attribution[attribution["level"].isin(tables)].copy()
    parts = [_true_parts(tables[str(row.level)], row) for row in rows.itertuples()]
    rows["meteorology_true"], rows["emissions_true"] = np.array(parts).T
    rows["inside"] = rows["meteorology_true"].between(rows["meteorology_low"], rows["meteorology_high"])
    keys = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]
    return rows[[*keys, "meteorology_true", "emissions_true", "meteorology", "emissions", "inside"]]


def _tables(truth: xr.Dataset) -> xr.Dataset:
    """The true tables of whole years and, where the last is none, of the days that it has."""
    return truth[[name for name in ("counterfactual", "counterfactual_to_date") if name in truth]]


def _of_regions(truth: xr.Dataset) -> xr.Dataset:
    """The means over the cities of each region: that of a city, or those of which it is a ``member``."""
    tables = _tables(truth)
    if "member" not in truth:
        return tables.groupby("region").mean().rename(region="name")
    own = [tables.sel(name=member.to_numpy()).mean("name") for member in truth["member"]]
    return xr.concat(own, dim=truth["region"].rename(region="name"))


def _true_parts(tables: xr.Dataset, row: object) -> tuple[float, float]:
    place = {key: getattr(row, key) for key in ("name", "pollutant", "statistic")}
    years = [getattr(row, key) for key in ("period_from", "period_to")]
    both = tables.sel(place).sel(emission_period=years, weather_period=years)
    found = [table.transpose("emission_period", "weather_period").to_numpy() for table in both.data_vars.values()]
    (pp, pq), (qp, qq) = next((table for table in found if np.isfinite(table).all()), found[0])
    return ((pq - pp) + (qq - qp)) / 2, ((qp - pp) + (qq - pq)) / 2


def summary(path: Path) -> str:
    """One line of the table at ``path``: how often the interval holds the truth, and the weather part's error."""
    table = pd.read_csv(path)
    cities = table[table["level"] == "city"]
    error = (cities["meteorology"] - cities["meteorology_true"]).abs()
    what = cities["pollutant"] + " " + cities["statistic"]
    errors = ", ".join(f"{name} {value:.2f}" for name, value in error.groupby(what).mean().items())
    return (
        f"known truth: the weather's part lies in the 90 % interval in {cities['inside'].mean():.0%} of "
        f"{len(cities)} pairs of years; mean absolute error {errors} ug m-3"
    )


def forest_error(run: Run, tasks: Sequence[AttributionTask], table: pd.DataFrame, *, year_start: str) -> str:
    """One line: the mean absolute error of the weather's part by a random forest resampled in the usual way.

    The forest (Grange 2018, doi 10.5194/acp-18-6223-2018) gets the same cities, days and drivers of the day as our
    separation; it knows means only, so its error stands beside ours of the mean. ``table`` is ``compared``'s.
    """
    found = [row for task in tasks if task.place.level == "city" for row in _of_forest(run, task, year_start)]
    errors = pd.DataFrame(found, columns=["name", "pollutant", "period_from", "period_to", "forest"])
    keys = ["name", "pollutant", "period_from", "period_to"]
    both = table[(table["level"] == "city") & (table["statistic"] == "mean")].merge(errors, on=keys)
    lines = []
    for pollutant, rows in both.groupby("pollutant"):
        ours = (rows["meteorology"] - rows["meteorology_true"]).abs().mean()
        theirs = (rows["forest"] - rows["meteorology_true"]).abs().mean()
        lines.append(f"{pollutant} {ours:.2f} against {theirs:.2f}")
    return f"weather's part of means, mean absolute error, ours against a resampled forest's: {', '.join(lines)} ug m-3"


def _of_forest(run: Run, task: AttributionTask, year_start: str) -> Iterator[tuple[str, str, int, int, float]]:
    from models.calendar import calendar
    from models.methods import ResampledAll, Task
    from pipeline.attribution import rows_of

    rows, _ = rows_of(run, task)
    days = calendar(pd.DatetimeIndex(rows.target.index), year_start=year_start)
    result = ResampledAll()(Task(rows.target, rows.drivers, rows.roles, days))
    for position, first in enumerate(days.years):
        for second in days.years[position + 1 :]:
            if parts := result.parts(int(first), int(second)):
                yield task.place.name, task.pollutant, int(first), int(second), float(parts.weather[0])
