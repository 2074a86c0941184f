"""Reader of the sample world's stations: wide daily files like the national archive's."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from pipeline.contracts import Observed
from pipeline.errors import InputError
from pipeline.stations.frames import ended, numeric, read_csv, to_dataset
from pipeline.stations.options import PathOptions, files_of
from pipeline.vocabulary import GAS_FACTOR, pollutant

TYPES = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "o3": "O3", "co": "CO"}

GAS_REFERENCE_UNTIL = datetime.date(2018, 9, 1)
"""The national network reported gases at 273.15 K before this day (MEE announcement 2018 No. 29)."""


class Options(PathOptions):
    """``observations: {reader: sample_world, path: FOLDER}``."""

    reader: Literal["sample_world"]


def inputs(options: Options) -> list[Path]:
    """The files this reader reads."""
    return files_of(options.path, "china_sites_*.csv", "china_sites_*.csv.gz")


def read_file(path: Path) -> pd.DataFrame:
    """One day's file as it is: ``date,hour,type`` and a column for each station."""
    frame = read_csv(ended(path), needed=("date", "hour", "type"))
    text = [str(name) for name in frame.select_dtypes(exclude="number") if name not in ("date", "hour", "type")]
    return numeric(frame, text, where=str(path))


def rows(wide: pd.DataFrame, pollutants: Sequence[str], *, where: str) -> pd.DataFrame:
    """Wide files as rows ``station``, ``time`` (Beijing time, end of the hour) and the pollutants."""
    named = wide["type"].map({TYPES[name]: name for name in pollutants})
    wide = wide[named.notna()].drop_duplicates()
    try:
        day = pd.to_datetime(wide["date"].astype(int).astype(str), format="%Y%m%d")
        time = day + pd.to_timedelta(wide["hour"].astype(int), unit="h")
    except (ValueError, TypeError):
        raise InputError(f"{where}: 'date' is no day; agreed YYYYMMDD and hour 0-23; is a file transposed?") from None
    values = wide.drop(columns=["date", "hour", "type"])
    index = pd.MultiIndex.from_arrays([time, named[wide.index]], names=["time", "type"])
    if index.has_duplicates:
        hour, kind = index[index.duplicated()][0]
        raise InputError(f"{where}: {kind} has two different rows for {hour}; agreed one an hour")
    long = values.set_axis(index, axis=0).rename_axis(columns="station").stack(future_stack=True)
    return long.unstack("type").reset_index()


def at_298_kelvin(frame: pd.DataFrame, pollutants: Sequence[str]) -> pd.DataFrame:
    """Gases before 2018-09-01 taken from 273.15 K to 298.15 K."""
    before = frame["time"] <= pd.Timestamp(GAS_REFERENCE_UNTIL)
    factor = before.map({True: GAS_FACTOR, False: 1.0})
    return frame.assign(**{name: frame[name] * factor for name in pollutants if pollutant(name).gas})


def read(
    options: Options,
    *,
    pollutants: Sequence[str],
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> Observed:
    """Observations; see the package's contract."""
    if unknown := sorted(set(pollutants) - set(TYPES)):
        raise InputError(f"{options.path}: the files hold {list(TYPES)}, not {unknown}; correct `pollutants`")
    wide = pd.concat([read_file(path) for path in inputs(options)], ignore_index=True)
    frame = rows(wide, pollutants, where=str(options.path))
    frame = at_298_kelvin(frame.reindex(columns=["station", "time", *pollutants]), pollutants)
    return Observed(to_dataset(frame, list(pollutants), resolution="hour", period=period, where=str(options.path)))
