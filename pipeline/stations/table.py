"""Reader of any tidy table: ``station,time,pm25,o3,...`` in CSV (optionally .gz) or Parquet, hourly or daily.

A long table (``station,time,variable,value``) is spread first. Times with a zone are taken to local standard time;
times without one are local already. ``hour_label: beginning`` shifts labels of networks that name an hour by its
start.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from pipeline.contracts import Observed, convert
from pipeline.errors import InputError
from pipeline.stations.frames import ended, numeric, read_csv, read_parquet, require, to_dataset, without_repeats
from pipeline.stations.options import PathOptions, files_of
from pipeline.vocabulary import GAS_FACTOR, pollutant

ZONE = r"\d[T ]\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"
"""A time of day that ends with its offset from UTC."""


class TableOptions(PathOptions):
    """Keys of every tidy table, of observations or of weather."""

    resolution: Literal["hour", "day"] = "hour"
    hour_label: Literal["ending", "beginning"] = "ending"
    units: dict[str, str] = Field(default={}, description="unit of a column, by our name")
    columns: dict[str, str] = Field(default={}, description="our name -> the file's name of a column")


class Options(TableOptions):
    """``observations: {reader: table, path: FILE, resolution: day, units: {no2: ppb}}``."""

    reader: Literal["table"]
    gas_reference: Literal["298.15 K", "273.15 K"] = "298.15 K"


def inputs(options: TableOptions) -> list[Path]:
    """The files this reader reads."""
    return files_of(options.path, "*.csv", "*.csv.gz", "*.parquet")


def read_rows(options: TableOptions, *, utc_offset: float) -> pd.DataFrame:
    """All rows of a tidy table under our names, with ``station`` as text and ``time`` as local standard time.

    ``file`` says where a row came from, the index which row of the file it was.
    """
    rows = pd.concat([_read_file(path, options, utc_offset).assign(file=str(path)) for path in inputs(options)])
    require(rows, list(options.units), where=f"{options.path}, units")
    return rows


def _read_file(path: Path, options: TableOptions, utc_offset: float) -> pd.DataFrame:
    frame = read_parquet(path) if path.suffix == ".parquet" else read_csv(ended(path), needed=())
    theirs = {their: our for our, their in options.columns.items()}
    require(frame, list(theirs), where=str(path))
    frame = frame.drop(columns=[our for our in options.columns if our in frame and our not in theirs])
    frame = frame.rename(columns=theirs)
    require(frame, ["station", "time"], where=str(path))
    frame = frame[frame["station"].notna()].assign(time=local_time(frame["time"], options, utc_offset, where=str(path)))
    frame["station"] = frame["station"].astype(str)
    return _spread(frame, str(path)) if {"variable", "value"} <= set(frame) else frame


def _spread(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    values = numeric(frame, ["value"], where=where).dropna(subset=["value"])
    values = without_repeats(values[["station", "variable", "time", "value"]], where=where)
    wide = values.pivot(index=["station", "time"], columns="variable", values="value")
    rest = frame.drop(columns=["variable", "value"]).drop_duplicates(["station", "time"])
    return wide.reset_index().merge(rest, on=["station", "time"], how="outer")


def local_time(values: pd.Series, options: TableOptions, utc_offset: float, *, where: str) -> pd.Series:
    """Local standard time of a column of times: hours by their end, days by their date."""
    if values.isna().any():
        raise InputError(f"{where}: column 'time' is empty in row {values.index[values.isna()][0] + 2}; agreed a time")
    if pd.api.types.is_datetime64_any_dtype(values):
        time = values
    else:
        text = values.astype(str)
        time = _parsed(
            text.str.replace(r"[T ].*", "", regex=True) if options.resolution == "day" else text, where=where
        )
    if options.resolution == "day" and time.dt.tz is not None:
        # a day's date is the date as written, whatever zone its midnight is in
        time = time.dt.tz_localize(None)
    elif time.dt.tz is not None:
        zone = datetime.timezone(datetime.timedelta(hours=utc_offset))
        time = time.dt.tz_convert(zone).dt.tz_localize(None)
    if options.resolution == "day":
        time = time.dt.floor("D")
    elif options.hour_label == "beginning":
        time = time + pd.Timedelta(hours=1)
    local: pd.Series = time.astype("datetime64[ns]")
    return local


def _parsed(text: pd.Series, *, where: str) -> pd.Series:
    zoned = text.str.contains(ZONE)
    if zoned.any() and not zoned.all():
        raise InputError(f"{where}: column 'time' has a zone in some rows only ({text[~zoned].iloc[0]!r} has none)")
    # offsets that change with the season have UTC in common
    time = pd.to_datetime(text, utc=bool(zoned.all()), format="ISO8601", errors="coerce")
    if time.isna().any():
        row = time.index[time.isna()][0]
        raise InputError(
            f"{where}: column 'time', row {row + 2}: found {text[row]!r}, agreed ISO 8601, such as 2020-01-31 or "
            "2020-01-31T23:00+08:00"
        )
    return time


def converted(frame: pd.DataFrame, names: Sequence[str], units: Mapping[str, str], *, where: str) -> pd.DataFrame:
    """The named columns as numbers in agreed units; ``units`` declares what they are in, where not the agreed."""
    frame = numeric(frame, names, where=where)
    changed = {name: convert(frame[name].to_numpy(), name, units[name], where=where) for name in names if name in units}
    return frame.assign(**changed)


def read(
    options: Options,
    *,
    pollutants: Sequence[str],
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> Observed:
    """Observations; see the package's contract."""
    where = str(options.path)
    frame = read_rows(options, utc_offset=utc_offset)
    require(frame, ["station", "time", *pollutants], where=where)
    frame = converted(frame, pollutants, options.units, where=where)
    if options.gas_reference == "273.15 K":
        gases = {name: frame[name] * GAS_FACTOR for name in pollutants if pollutant(name).gas}
        frame = frame.assign(**gases)
    data = to_dataset(frame, list(pollutants), resolution=options.resolution, period=period, where=where)
    for name in set(pollutants) & set(options.units):
        if not pollutant(name).standard_name:
            data[name].attrs["units"] = options.units[name]
    return Observed(data)
