"""Reader of the UCI Beijing Multi-Site files (dataset 501, CC BY 4.0), ``PRSA_Data_<site>_<period>.csv[.gz]``.

Hourly 2013-03 to 2017-02, Beijing time, labels as the national network prints them: the hour's end. Gases are at
273.15 K throughout. CO in ug m-3. Source: doi 10.1098/rspa.2017.0457.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from pipeline.contracts import Observed
from pipeline.errors import InputError
from pipeline.stations import rejections
from pipeline.stations.frames import ended, numeric, read_csv, to_dataset
from pipeline.stations.options import PathOptions, files_of, other_files
from pipeline.vocabulary import GAS_FACTOR, pollutant

GAS_REFERENCE = "273.15 K"
WIND_DIRECTION = "wd"
"""The one column of text."""
COLUMNS = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3"}


class Options(PathOptions):
    """``observations: {reader: prsa, path: FOLDER}``."""

    reader: Literal["prsa"]


def inputs(options: Options) -> list[Path]:
    """The files this reader reads."""
    return files_of(options.path, "PRSA_Data_*.csv", "PRSA_Data_*.csv.gz")


def read_file(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """One site's file: ``station``, ``time`` (Beijing time, end of the hour) and the columns asked for."""
    frame = read_csv(ended(path), needed=("year", "month", "day", "hour", "station", *columns), missing=("NA",))
    frame = numeric(frame, [name for name in columns if name != WIND_DIRECTION], where=str(path))
    try:
        time = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    except ValueError as error:
        raise InputError(f"{path}: year, month, day, hour are no date ({error}); is the file cut?") from None
    return frame[["station", *columns]].assign(time=time)


def read(
    options: Options,
    *,
    pollutants: Sequence[str],
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> Observed:
    """Observations; see the package's contract."""
    if unknown := sorted(set(pollutants) - set(COLUMNS)):
        raise InputError(f"{options.path}: the PRSA files hold {list(COLUMNS)}, not {unknown}; correct `pollutants`")
    frames = [read_file(path, [COLUMNS[name] for name in pollutants]) for path in inputs(options)]
    frame = pd.concat(frames).rename(columns={column: name for name, column in COLUMNS.items()})
    for name in pollutants:
        frame[name] *= (GAS_FACTOR if pollutant(name).gas else 1.0) * (0.001 if name == "co" else 1.0)
    data = to_dataset(frame, list(pollutants), resolution="hour", period=period, where=str(options.path))
    others = other_files(options.path, inputs(options))
    return Observed(data, rejections.table(rejections.other_files(others)))
