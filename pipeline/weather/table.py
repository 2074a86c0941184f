"""Weather from any tidy table: ``station,time`` plus any of the vocabulary's quantities, hourly or daily.

Columns of numbers that the vocabulary does not know become drivers of the group 'other'. A column that cannot be in the
agreed unit but fits one other unit of its quantity is converted, with a note that says how to declare it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.contracts import agreed_units
from pipeline.errors import InputError
from pipeline.stations import table
from pipeline.stations.frames import require, to_dataset
from pipeline.vocabulary import TO_CANONICAL, WEATHER, conversion, meant_pollutant, weather_variable


class Options(table.TableOptions):
    """``weather: {source: table, path: FILE, resolution: day}``; ``drivers`` names the columns to use."""

    source: Literal["table"]
    drivers: tuple[str, ...] | None = None


def inputs(options: Options, observations: Any) -> list[Path]:
    """The files this source reads."""
    return table.inputs(options)


def read(
    options: Options,
    *,
    observations: Any,
    stations: pd.DataFrame,
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> xr.Dataset:
    """Weather (station, time); see the package's contract. Notes go to ``attrs['notes']``."""
    where = str(options.path)
    frame = table.read_rows(options, utc_offset=utc_offset)
    same_file = isinstance(observations, table.Options) and observations.path == options.path
    theirs = observations.columns.values() if same_file else ()
    names = list(options.drivers) if options.drivers else _drivers(frame, theirs)
    require(frame, names, where=where)
    if not names:
        raise InputError(f"{where}: found no weather column; agreed station,time and any of {', '.join(WEATHER)}")
    frame = table.converted(frame, names, options.units, where=where)
    notes = []
    for name in names:
        if name in WEATHER and name not in options.units:
            unit = fitting_unit(name, frame[name].to_numpy(), where=where)
            factor, offset = conversion(name, unit) or (1.0, 0.0)
            frame[name] = frame[name] * factor + offset
            if unit != agreed_units(name):
                notes.append(
                    f"weather: column {name!r} cannot be in {agreed_units(name)}; read as {unit} "
                    f"(declare weather.units: {{{name}: {unit}}})"
                )
    data = to_dataset(frame, names, resolution=options.resolution, period=period, where=where)
    for name in set(names) - set(WEATHER):
        data[name].attrs["units"] = options.units.get(name, weather_variable(name).units)
    return data.assign_attrs(notes=notes)


MEASURED_OF_THE_AIR = ("aqi", "no", "nh3", "voc", "nmhc", "ch4", "h2s", "bc", "pm1", "pm4", "tsp", "benzene", "toluene")
"""Columns of the air beside the vocabulary's pollutants: taken for weather they would explain it all."""


def _drivers(frame: pd.DataFrame, theirs: Collection[str]) -> list[str]:
    """The vocabulary's quantities and other columns of numbers, without pollutants and the observations' columns."""
    used = {"station", "time", "date", *theirs}
    names = [str(name) for name in frame if name not in used and not _is_of_the_air(str(name))]
    return [name for name in names if name in WEATHER or _mostly_numbers(frame[name])]


def _is_of_the_air(name: str) -> bool:
    return meant_pollutant(name) is not None or name.lower() in MEASURED_OF_THE_AIR


def _mostly_numbers(column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    return 2 * int(pd.to_numeric(column, errors="coerce").count()) > int(column.count())


def fitting_unit(name: str, values: np.ndarray, *, where: str) -> str:
    """The unit that ``values`` of a known quantity are in, judged by their range; InputError when none fits.

    The agreed unit wins where it fits, but for two: precipitation of a year or more that never reaches 1 mm is in
    metres, and a relative humidity that never exceeds 1.1 is a fraction.
    """
    agreed = agreed_units(name)
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return agreed
    if name == "tp" and len(finite) >= 365 and 0 < finite.max() < 1:
        return "m"
    if name == "rh" and finite.max() <= 1.1:
        return "1"
    candidates = [agreed, *(found for found, to in TO_CANONICAL if to == agreed)]
    for unit in dict.fromkeys(candidates):
        if _fits(name, finite, unit):
            return unit
    raise InputError(
        f"{where}: '{name}' runs from {finite.min():.4g} to {finite.max():.4g}, agreed {agreed} within "
        f"{WEATHER[name].valid_range}; declare its unit, such as units: {{{name}: {candidates[-1]}}}"
    )


def _fits(name: str, values: np.ndarray, unit: str) -> bool:
    factors = conversion(name, unit)
    if factors is None:
        return False
    low, high = np.quantile(values, [0.001, 0.999]) * factors[0] + factors[1]
    least, most = WEATHER[name].valid_range
    return bool(low >= least - 1e-3 * abs(most) and high <= most)
