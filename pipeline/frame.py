"""One series and its weather, both in a DataFrame: the whole separation without files or a config."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from models.calendar import calendar
from models.separation import Settings, held_out_predictions, separate
from pipeline import tables
from pipeline.readings import read_off
from pipeline.samples import roles
from pipeline.weather.features import base_drivers, completed, with_memory


@dataclass(frozen=True)
class Attribution:
    """What ``attribute`` finds: the tables of METHODS.md for one series.

    ``parts`` has a row for every pair of years, ``index`` for every year, month and week, ``normalized`` (index: day)
    the columns observed, predicted and normalized, ``skill`` the scores on held-out months.
    """

    parts: pd.DataFrame
    index: pd.DataFrame
    normalized: pd.DataFrame
    skill: pd.Series


def attribute(
    target: pd.Series,
    weather: pd.DataFrame,
    *,
    base_year: int | None = None,
    year_start: str = "01-01",
    statistics: tuple[str, ...] = ("mean",),
    settings: Settings | None = None,
) -> Attribution:
    """Separates a daily ``target`` by daily ``weather`` (index: days; columns and units of the vocabulary).

    Days missing from either are NaN. The index is 100 in ``base_year``, by default the first. Raises ValueError when
    the two share no day.
    """
    settings = settings or Settings()
    days = pd.date_range(target.index.min(), target.index.max(), freq="D", unit="ns")
    series, table = target.reindex(days), _drivers(weather.reindex(days))
    if not (series.notna() & table.notna().all(axis=1)).any():
        raise ValueError("target and weather share no day; give both a daily DatetimeIndex over the same period")
    found = calendar(days, year_start=year_start)
    with threadpool_limits(limits=1):
        separation = separate(series, table, drivers=roles(table), settings=settings)
        held_out, outside = held_out_predictions(series, table, drivers=roles(table), settings=settings)
    base = found.year == (found.years[0] if base_year is None else base_year)
    readings = read_off(separation, found, statistics=statistics, base=base).assign(
        held_out=("time", held_out), reporting=("time", series.notna().astype(int)), outside_percent=outside
    )
    readings.attrs = {"level": "series", "name": str(target.name), "pollutant": str(target.name), "units": "as given"}
    return Attribution(
        parts=tables.attribution([readings]),
        index=tables.index([readings]),
        normalized=readings[["observed", "predicted", "normalized"]].to_dataframe(),
        skill=tables.skill([readings]).iloc[0],
    )


def _drivers(weather: pd.DataFrame) -> pd.DataFrame:
    daily = xr.Dataset({str(name): ("time", np.asarray(weather[name], dtype=float)) for name in weather})
    complete = completed(daily)
    columns = {str(name): complete[name].to_numpy() for name in complete.data_vars}
    return with_memory(base_drivers(pd.DataFrame(columns, index=weather.index)))
