"""From files of rows to labelled arrays: what every reader of tables shares."""

from __future__ import annotations

import csv
import datetime
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.contracts import RESOLUTIONS, agreed_units
from pipeline.errors import InputError
from pipeline.vocabulary import WEATHER, pollutant

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LONGEST_ROW = 2**20
"""Bytes in which the last row of a file is looked for, and by which its form is told."""


def read_csv(path: Path, *, needed: Sequence[str], missing: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file (optionally .gz) as a frame; a missing column, a cut or a foreign file is one InputError.

    Fields are separated by commas, semicolons or tabs; with semicolons, numbers may have decimal commas. Text is UTF-8,
    with or without a byte order mark, or GB18030. A name that is twice in the header is an InputError.
    """
    try:
        form = form_of(path)
        if ends_within_a_row(path, form.separator):
            raise EOFError("its last row has fewer fields than its header")
        frame = pd.read_csv(
            path,
            sep=form.separator,
            decimal=form.decimal,
            encoding=form.encoding,
            na_values=list(missing),
            low_memory=False,
        )
    except (
        OSError,
        EOFError,
        zlib.error,
        UnicodeDecodeError,
        csv.Error,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
    ) as error:
        raise InputError(
            f"{path}: not a whole CSV file ({' '.join(str(error).split())}); fetch or export it again"
        ) from None
    if form.twice:
        raise InputError(f"{path}: column {form.twice[0]!r} is twice in the header; agreed once; take one of them away")
    frame = frame.rename(columns=lambda name: str(name).strip())
    require(frame, needed, where=str(path))
    return frame


@dataclass(frozen=True)
class Form:
    """How a CSV file is written, by its first rows; ``twice`` are names that its header repeats."""

    separator: str
    decimal: str
    encoding: str
    twice: tuple[str, ...]


def form_of(path: Path) -> Form:
    """The form of a CSV file (optionally .gz)."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        first, *others = re.split(rb"\r\n?|\n", stream.read(LONGEST_ROW), maxsplit=1)
    rows = b"".join(others)
    separator = max(",;\t", key=lambda mark: first.count(mark.encode()))
    decimal = "," if separator != "," and re.search(rb"\d,\d", rows) else "."
    encoding = "utf-8-sig"
    try:
        first.decode(encoding)
        # a character may be cut in two at the end of what is looked at
        rows.rsplit(b"\n", 1)[0].decode(encoding)
    except UnicodeDecodeError:
        encoding = "gb18030"
    header = [name.strip() for name in next(csv.reader([first.decode(encoding)], delimiter=separator), [])]
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    return Form(separator, decimal, encoding, tuple(twice))


def ends_within_a_row(path: Path, separator: str = ",") -> bool:
    """Whether a plain text file ends without a newline in a row that has fewer fields than the first row."""
    with path.open("rb") as stream:
        first = stream.readline()
        stream.seek(max(path.stat().st_size - LONGEST_ROW, 0))
        last = stream.read().rsplit(b"\n", 1)[-1]
    mark = separator.encode()
    header, row = (re.sub(rb'"[^"]*("|$)', b"", line).count(mark) for line in (first, last))
    return path.suffix == ".csv" and last != b"" and row < header


def ended(path: Path) -> Path:
    """``path`` of a file that a program wrote, refused when its last row has no end: then it was cut.

    Packed files say themselves where they end. A list written by hand may lack the last newline, and is not asked.
    """
    with path.open("rb") as stream:
        if stream.read(2) in UTF_16:
            raise InputError(f"{path}: found UTF-16 text; agreed UTF-8; save it as `CSV UTF-8`")
        stream.seek(max(path.stat().st_size - 1, 0))
        last = stream.read()
    if path.suffix == ".csv" and last not in (b"", b"\n", b"\r"):
        raise InputError(
            f"{path}: not a whole CSV file (its last row has no end); fetch or export it again, or end that row if the "
            "file is whole"
        )
    return path


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file as a frame, its named index as columns; a cut or a foreign file is an InputError.

    A nameless index of times is ``time``.
    """
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are of both kinds
        raise InputError(
            f"{path}: not a whole Parquet file ({' '.join(str(error).split())}); fetch or export it again"
        ) from None
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.name is None:
        frame.index.name = "time"
    return frame.reset_index(drop=frame.index.names == [None])


def require(frame: pd.DataFrame, needed: Sequence[str], *, where: str, hint: str = "") -> None:
    """Refuses a frame in which an agreed column is missing, naming it; ``hint`` says what else may be done."""
    if absent := [name for name in needed if name not in frame]:
        found = [str(name) for name in frame if name != "file"]
        raise InputError(
            f"{where}: column {absent[0]!r} is missing; found {', '.join(found[:20])}; agreed {', '.join(needed)}{hint}"
        )


def numeric(frame: pd.DataFrame, names: Sequence[str], *, where: str) -> pd.DataFrame:
    """The named columns as floats; text that is no number is an InputError naming file, row and value.

    The index counts a file's rows from 0; a column ``file`` names the file where a frame was read from several.
    """
    for name in names:
        column = pd.to_numeric(frame[name], errors="coerce")
        wrong = column.isna() & frame[name].notna()
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            file = frame["file"].iloc[row] if "file" in frame else where
            place = f"{file}: column {name!r}, row {frame.index[row] + 2}"
            raise InputError(f"{place}: found {frame[name].iloc[row]!r}, agreed a number or nothing")
        frame = frame.assign(**{name: column.astype(float)})
    return frame


def to_dataset(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    resolution: str,
    period: tuple[datetime.date, datetime.date],
    where: str,
) -> xr.Dataset:
    """Rows (``station``, ``time``, names) as dims (station, time) on the full axis of the period.

    Hours of the period run from 01:00 of its first day to 24:00 of its last: labels are the hour's end. Times
    outside the period and rows that repeat a station and time with the same values are dropped; a repeat
    with other values, a time between the hours, or nothing left, is an InputError. NaN where no row was.
    """
    frame = numeric(frame, names, where=where)
    frame = frame.assign(station=frame["station"].astype(str))[["station", "time", *names]]
    frame = without_repeats(frame, where=where, values=names)
    if frame.empty:
        raise InputError(f"{where}: found no rows; fetch or export it again")
    axis = full_axis(period, resolution)
    _require_whole_hours(frame, axis, resolution, where=where)
    inside = frame[frame["time"].isin(axis)]
    if inside.empty:
        raise InputError(
            f"{where}: no row in the period {period[0]}/{period[1]}; found {frame['time'].min()} to "
            f"{frame['time'].max()}; correct `period` or the path"
        )
    stations = pd.Index(sorted(frame["station"].unique()), name="station")
    grid = pd.MultiIndex.from_product([stations, axis], names=["station", "time"])
    values = inside.set_index(["station", "time"])[list(names)].reindex(grid)
    data = xr.Dataset(
        {name: (("station", "time"), values[name].to_numpy().reshape(len(stations), len(axis))) for name in names},
        coords={"station": stations.to_numpy(dtype=object), "time": axis},
        attrs={"resolution": resolution},
    )
    return described(data)


def _require_whole_hours(frame: pd.DataFrame, axis: pd.DatetimeIndex, resolution: str, *, where: str) -> None:
    between = frame["time"].between(axis[0], axis[-1]) & ~frame["time"].isin(axis)
    if between.any():
        row = frame[between].iloc[0]
        raise InputError(
            f"{where}: station {row['station']!r} has a row for {row['time']} (local time), agreed whole "
            f"{resolution}s; average the data to them first, and check utc_offset"
        )


def without_repeats(frame: pd.DataFrame, *, where: str, values: Sequence[str] = ("value",)) -> pd.DataFrame:
    """``frame`` without rows that are there twice; two rows that differ in nothing but ``values`` are an InputError."""
    frame = frame.drop_duplicates()
    twice = frame.duplicated([name for name in frame if name not in values])
    if twice.any():
        row = frame[twice].iloc[0]
        raise InputError(
            f"{where}: station {row['station']!r} has two different rows for {row['time']}; agreed one a time"
        )
    return frame


def full_axis(period: tuple[datetime.date, datetime.date], resolution: str) -> pd.DatetimeIndex:
    """Every day of the period, or every hour's end from 01:00 of its first day to 24:00 of its last."""
    first, last = pd.Timestamp(period[0]), pd.Timestamp(period[1])
    if resolution == "day":
        return pd.date_range(first, last, freq="D", unit="ns", name="time")
    step = RESOLUTIONS["hour"]
    return pd.date_range(first + step, last + pd.Timedelta(days=1), freq="h", unit="ns", name="time")


def described(data: xr.Dataset) -> xr.Dataset:
    """``data`` with unit and CF standard name on every variable the vocabulary knows."""
    for name in map(str, data.data_vars):
        known = WEATHER.get(name) or pollutant(name)
        data[name].attrs.setdefault("units", agreed_units(name))
        if known.standard_name:
            data[name].attrs["standard_name"] = known.standard_name
    return data
