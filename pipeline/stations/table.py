"""Reader of any tidy table: ``station,time,pm25,o3,...`` in CSV (optionally .gz) or Parquet, hourly or daily.

A long table (``station,time,variable,value``) is spread first. Times with a zone are taken to local standard time;
times without one are local already. ``hour_label: beginning`` shifts labels of networks that name an hour by its
start.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.contracts import Batch, Observed, convert
from pipeline.errors import InputError
from pipeline.stations import blocks, rejections, tidy
from pipeline.stations.frames import ended, numeric, read_csv, read_parquet, require, to_dataset, without_repeats
from pipeline.stations.options import PathOptions, files_of, other_files
from pipeline.vocabulary import GAS_FACTOR, pollutant

ZONE = r"\d[T ]\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"
"""A time of day that ends with its offset from UTC."""
HINT = "; other names are told by `columns: {station: THEIRS}`, a column a station by `stations_as_columns: pm25`"
UNPADDED = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2})(:.*)?)?$"
"""A date with its year first as spreadsheets write it, 2020/1/31 5:00."""
MIDNIGHT = r"[T ]24:00(?::00)?$"
"""The end of a day, written as its 24th hour."""


class TableOptions(PathOptions):
    """Keys of every tidy table, of observations or of weather."""

    resolution: Literal["hour", "day"] = "hour"
    hour_label: Literal["ending", "beginning"] = "ending"
    units: dict[str, str] = Field(default={}, description="unit of a column, by our name")
    columns: dict[str, str] = Field(default={}, description="our name -> the file's name of a column")
    stations_as_columns: str = Field(default="", description="the one variable of a table with a column a station")
    time_format: str = Field(default="", description="how times are written, as of strptime, where not as ISO 8601")


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
    frame = _renamed(path, options)
    frame = frame[frame["station"].notna()].assign(time=local_time(frame["time"], options, utc_offset, where=str(path)))
    frame["station"] = frame["station"].astype(str)
    return _spread(frame, str(path)) if {"variable", "value"} <= set(frame) else frame


def _renamed(path: Path, options: TableOptions) -> pd.DataFrame:
    """The file's rows under our names, with ``station`` and ``time`` among them."""
    frame = read_parquet(path) if path.suffix == ".parquet" else read_csv(ended(path), needed=())
    theirs = {their: our for our, their in options.columns.items()}
    require(frame, list(theirs), where=str(path))
    frame = frame.drop(columns=[our for our in options.columns if our in frame and our not in theirs])
    frame = frame.rename(columns=theirs)
    if options.stations_as_columns:
        require(frame, ["time"], where=str(path), hint=HINT)
        if clash := {"station", options.stations_as_columns} & set(frame):
            raise InputError(
                f"{path}: `stations_as_columns: {options.stations_as_columns}` and a column {min(clash)!r}; agreed "
                "time and a column for each station"
            )
        frame = frame.melt("time", var_name="station", value_name=options.stations_as_columns, ignore_index=False)
    require(frame, ["station", "time"], where=str(path), hint=HINT)
    return frame


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
        text = values.astype(str).str.strip()
        if options.resolution == "day" and not options.time_format:
            text = text.str.replace(r"[T ].*", "", regex=True)
        time = _parsed(text, options, where=where)
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


def _parsed(text: pd.Series, options: TableOptions, *, where: str) -> pd.Series:
    zoned = text.str.contains(ZONE)
    if zoned.any() and not zoned.all():
        raise InputError(f"{where}: column 'time' has a zone in some rows only ({text[~zoned].iloc[0]!r} has none)")
    written = options.time_format or "ISO8601"
    # offsets that change with the season have UTC in common
    time = pd.to_datetime(text, utc=bool(zoned.all()), format=written, errors="coerce")
    if time.isna().any() and not options.time_format:
        rest = text[time.isna()]
        late = rest.str.contains(MIDNIGHT)
        plain = rest.str.replace(MIDNIGHT, " 00:00", regex=True).str.replace(UNPADDED, _padded, regex=True)
        again = pd.to_datetime(plain, utc=bool(zoned.all()), format="ISO8601", errors="coerce")
        time = time.fillna(again + pd.to_timedelta(late.astype(int), unit="D"))
    if time.isna().any():
        row = time.index[time.isna()][0]
        agreed = (
            f"`time_format: {options.time_format}`"
            if options.time_format
            else "ISO 8601, such as 2020-01-31 or 2020-01-31T23:00+08:00, or a `time_format` such as '%d.%m.%Y %H:%M'"
        )
        raise InputError(f"{where}: column 'time', row {row + 2}: found {text[row]!r}, agreed {agreed}")
    return time


def _padded(date: re.Match[str]) -> str:
    year, month, day, hour, rest = date.groups()
    clock = f" {int(hour):02d}{rest or ':00'}" if hour else ""
    return f"{year}-{int(month):02d}-{int(day):02d}{clock}"


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
    others = other_files(options.path, inputs(options))
    return Observed(data, rejections.table(rejections.other_files(others)))


# --- an archive that grows by tables: what is wrong is listed


def batches(options: Options) -> list[Batch]:
    """A batch for each file, whose key is its name."""
    if options.resolution != "hour":
        raise InputError(f"{options.path}: found `resolution: day`; an archive holds hours; read them without one")
    return [Batch(path.name, (path,)) for path in inputs(options)]


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """What the file holds of ``pollutants``, on the labels found; see the package's contract.

    A file that ``read`` would refuse as a whole, or one that has none of the pollutants, is listed
    (``unknown_layout``); rows without a station or a whole hour, text and contradictions are listed and left out.
    """
    (path,) = batch.files
    try:
        frame = _read_file(path, options, utc_offset)
        names = [name for name in pollutants if name in frame]
        if not names:
            raise InputError(f"found {', '.join(map(str, frame.columns[:10]))}; agreed one of {', '.join(pollutants)}")
        factors = {name: _factor(name, options, where=str(path)) for name in names}
    except InputError as error:
        rule, reason = ("empty_file", "") if not path.stat().st_size else ("unknown_layout", f"{error}")
        detail = reason.removeprefix(f"{path}: ") or "found 0 bytes of text"
        block, rows = blocks.Block((), pd.DatetimeIndex([]), {}), [rejections.row(path.name, rule, detail)]
    else:
        whole = frame["time"] == frame["time"].dt.floor("h")
        block, rows = tidy.block_of(
            frame.assign(time=frame["time"].where(whole)), {name: name for name in names}, file=path.name
        )
        block = blocks.Block(block.stations, block.labels, {n: block.values[n] * factors[n] for n in names})
    return Observed(blocks.dataset(block), rejections.table(rows))


def _factor(name: str, options: Options, *, where: str) -> float:
    """From what a column prints to the agreed unit and reference state."""
    cold = options.gas_reference == "273.15 K" and pollutant(name).gas
    one = convert(np.ones(1), name, options.units[name], where=where)[0] if name in options.units else 1.0
    return float(one) * (GAS_FACTOR if cold else 1.0)
