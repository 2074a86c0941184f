"""What ``pipeline.frame`` agrees to take: a daily series and daily weather, checked and laid on the same days.

What cannot be meant well is refused by a ValueError of one line; what can is taken, and a note says how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from models.counterfactual import STATISTICS
from pipeline.vocabulary import HIGHEST_AT_LEAST, TO_CANONICAL, WEATHER, WeatherVariable
from pipeline.weather.features import completed

LONGEST_STEP = pd.Timedelta(days=6)
"""Between two values, in the middle of a record: one day in six is sampled in networks, more are means of weeks."""
STRAY_SHARE = 0.01
"""Up to so many values of a weather column may lie outside its range and are missing; more are another unit."""
MADE_HERE = ("_lag1", "_mean3", "_mean7")
"""Endings of the columns of the days before, which are made of the day's own."""


@dataclass(frozen=True)
class Given:
    """Target and weather on the same consecutive days, NaN where one is not known; ``notes`` on what was changed."""

    target: pd.Series
    weather: pd.DataFrame
    notes: tuple[str, ...]


def given(target: pd.Series, weather: pd.DataFrame | pd.Series) -> Given:
    """Checks a target and its weather and lays both on the days of the target.

    Time zones, the same in both, are dropped and local dates kept, as is a time of day that is the same on every day.
    Infinite values and weather outside the range of the vocabulary are missing. Raises ValueError for anything else
    that is not daily, numeric, unique by day and column, not negative (target) and in the agreed units (weather).
    """
    if not isinstance(target, pd.Series):
        raise ValueError(f"target: found a {type(target).__name__}; agreed a Series, such as air['pm25']")
    weather = _frame(weather)
    in_local_time = _same_zone(_index(target, "target"), _index(weather, "weather"))
    series, lost = _numbers(target, "target")
    series = series.set_axis(_days(in_local_time[0], "target"))
    if (count := int((series < 0).sum())) > 0:
        raise ValueError(
            f"target: found {count} values below zero, the lowest {series.min():.4g}; agreed concentrations; "
            "use target.where(target >= 0) to have them missing"
        )
    table, notes = _weather(weather, _days(in_local_time[1], "weather"))
    days = pd.date_range(series.index.min(), series.index.max(), freq="D", unit="ns")
    if not series.dropna().index.intersection(table.dropna(how="all").index).size:
        raise ValueError(
            f"target and weather share no day: found {_span(series.index)} and {_span(table.index)}; "
            "give both a daily DatetimeIndex over the same period"
        )
    return Given(series.reindex(days), table.reindex(days), (*lost, *notes))


def chosen_statistics(statistics: str | Sequence[str]) -> tuple[str, ...]:
    """The statistics asked for, at least one and known; otherwise a ValueError."""
    names = (statistics,) if isinstance(statistics, str) else tuple(statistics)
    if not names or not set(names) <= set(STATISTICS):
        raise ValueError(f"statistics: found {names}; allowed: one or more of {', '.join(STATISTICS)}")
    return tuple(dict.fromkeys(names))


def _frame(weather: Any) -> pd.DataFrame:
    if isinstance(weather, pd.Series):
        if weather.name is None:
            raise ValueError("weather: found a Series without a name; agreed a DataFrame, or a Series named as in "
                             f"the vocabulary; use .rename('t2m') ({_known()})")  # fmt: skip
        weather = weather.to_frame()
    if not isinstance(weather, pd.DataFrame):
        raise ValueError(f"weather: found a {type(weather).__name__}; agreed a DataFrame with a column a quantity")
    table: pd.DataFrame = weather.set_axis([str(name) for name in weather.columns], axis=1)
    if not table.shape[1]:
        raise ValueError(f"weather: found no column; agreed one or more quantities ({_known()})")
    if twice := _twice(table.columns):
        raise ValueError(f"weather: found the column {twice[0]!r} more than once; agreed each once; leave one out")
    if made := [name for name in table.columns if name.endswith(MADE_HERE)]:
        raise ValueError(
            f"weather: found {', '.join(made[:5])}; agreed quantities of the day itself; leave it out, since "
            "columns of the days before are made of them"
        )
    return table


def _index(data: pd.Series | pd.DataFrame, name: str) -> pd.DatetimeIndex:
    index = data.index
    if not len(index):
        raise ValueError(f"{name}: found no row; agreed a daily DatetimeIndex")
    if isinstance(index, pd.PeriodIndex):
        raise ValueError(f"{name}: found a PeriodIndex; agreed a daily DatetimeIndex; use {name}.to_timestamp()")
    if not isinstance(index, pd.DatetimeIndex):
        raise ValueError(
            f"{name}: found an index of {index.dtype} such as {index[0]!r}; agreed a daily DatetimeIndex; "
            f"use {name}.set_axis(pd.to_datetime(DATES), axis=0)"
        )
    if index.hasnans:
        raise ValueError(
            f"{name}: found {int(np.count_nonzero(index.isna()))} rows without a date (NaT); leave them out"
        )
    return index


def _same_zone(target: pd.DatetimeIndex, weather: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Both without their time zone, in local time."""
    local = target.tz_localize(None), weather.tz_localize(None)
    if (target.tz is None) != (weather.tz is None):
        raise ValueError(
            f"target and weather: found the time zones {target.tz} and {weather.tz}; agreed the same or none; "
            "use .tz_localize(None) on the one that has local dates already"
        )
    if target.tz is not None and not weather.tz_convert(target.tz).tz_localize(None).equals(local[1]):
        raise ValueError(
            f"target and weather: found the time zones {target.tz} and {weather.tz}, whose days differ; "
            "agreed the same; make days in one of them"
        )
    return local


def _days(index: pd.DatetimeIndex, name: str) -> pd.DatetimeIndex:
    """The dates of an index that has one value a day, at the same time of day."""
    if twice := _twice(index):
        raise ValueError(f"{name}: found {twice[0]} more than once; agreed each day once; use {name}.groupby(level=0)")
    days = index.normalize()
    steps = np.diff(np.sort(index.to_numpy()))
    step = pd.Timedelta(np.median(steps)) if len(steps) else pd.Timedelta(0)
    if days.has_duplicates:
        often = "hourly values" if step == pd.Timedelta(hours=1) else f"up to {days.value_counts().max()} values a day"
        raise ValueError(
            f"{name}: found {often}; agreed one a day; use {name}.resample('D').mean() (.sum() for tp) or "
            "`tianbang run`"
        )
    if len(times := (index - days).unique()) > 1:
        raise ValueError(
            f"{name}: found different times of day, such as {index[0]} and {index[index - days == times[1]][0]}; "
            f"agreed dates; use {name}.set_axis({name}.index.normalize(), axis=0) where they are of that day"
        )
    if step > LONGEST_STEP:
        raise ValueError(f"{name}: found a value every {step.days} days; agreed daily values, not means of months")
    return pd.DatetimeIndex(days)


def _numbers(column: pd.Series, name: str) -> tuple[pd.Series, tuple[str, ...]]:
    """The column as floats, infinite values missing, and a note of how many were."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise ValueError(f"{name}: found {column.dtype}; agreed numbers; use pd.to_numeric(..., errors='coerce')")
    values = column.to_numpy(dtype=float, na_value=np.nan)
    count = int(np.isinf(values).sum())
    notes = (f"{name}: {count} infinite values are missing",) if count else ()
    return pd.Series(np.where(np.isinf(values), np.nan, values), column.index, name=column.name), notes


def _weather(weather: pd.DataFrame, days: pd.DatetimeIndex) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns in the agreed units, completed by those derived of them; notes."""
    columns, notes = {}, []
    for name in weather.columns:
        column, lost = _numbers(weather[name], f"weather '{name}'")
        columns[name], stray = _in_range(column, name)
        notes += [*lost, *stray]
    if unknown := [name for name in columns if _stem(name) not in WEATHER]:
        notes.append(f"weather: {', '.join(unknown)} taken as they are; the vocabulary does not know them ({_known()})")
    daily = xr.Dataset({name: ("time", column.to_numpy()) for name, column in columns.items()})
    complete = completed(daily)
    if not complete.data_vars:
        raise ValueError(f"weather: found {', '.join(columns)} alone; agreed wind_direction beside wind_speed")
    table = pd.DataFrame({str(name): values.to_numpy() for name, values in complete.items()}, index=days)
    return table, tuple(notes)


def _in_range(column: pd.Series, name: str) -> tuple[pd.Series, tuple[str, ...]]:
    """A weather column without its few values outside the range; ValueError when they are of another unit."""
    variable = WEATHER.get(_stem(name))
    if variable is None or not column.notna().any():
        return column, ()
    low, high = variable.valid_range
    stray = (column < low) | (column > high)
    if stray.sum() > STRAY_SHARE * column.notna().sum():
        share = stray.sum() / column.notna().sum()
        raise ValueError(
            f"weather '{name}': found {share:.0%} of the values outside {low:g} to {high:g} {variable.units}, the "
            f"median {column.median():.4g}; agreed {variable.units}{_meant(column, variable)}"
        )
    if 0 < column.max() < (least := HIGHEST_AT_LEAST.get(_stem(name), 0.0)):
        raise ValueError(
            f"weather '{name}': found no value above {column.max():.3g}; agreed {variable.units}, in which a year "
            f"exceeds {least:g}; convert it or leave the column out"
        )
    notes = (f"weather '{name}': {stray.sum()} values outside {low:g} to {high:g} {variable.units} are missing",)
    return column.mask(stray), notes if stray.any() else ()


def _meant(column: pd.Series, variable: WeatherVariable) -> str:
    """What the values may be in, as the end of a refusal."""
    low, high = variable.valid_range
    middle = column.median()
    fits = [
        f"{unit} (x * {factor:.6g} + {offset:.6g})"
        for (unit, agreed), (factor, offset) in TO_CANONICAL.items()
        if agreed == variable.units and low <= middle * factor + offset <= high
    ]
    return f"; convert it from {fits[0]}, if that is what it is" if fits else "; convert it"


def _stem(name: str) -> str:
    return name.removesuffix("_afternoon")


def _known() -> str:
    return f"known: {', '.join(WEATHER)}"


def _twice(labels: pd.Index) -> list[Any]:
    return list(labels[labels.duplicated()])


def _span(days: Iterable[pd.Timestamp]) -> str:
    ordered = sorted(days)
    return f"{ordered[0]:%Y-%m-%d} to {ordered[-1]:%Y-%m-%d}"
