"""Wide daily files ``date,hour,type,<a column for each place>``, the layout of the Chinese archives.

``date`` is YYYYMMDD and ``hour`` 0-23, the hour's end in Beijing time. Particulate matter is in ug m-3, CO in mg m-3.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.stations.blocks import Block, Values, joined, repeated, union
from pipeline.stations.contents import SHOWN, lines_of
from pipeline.stations.rejections import Row, absent_hours, of_values, row

KEYS = ("date", "hour", "type")
HOUR = pd.Timedelta(hours=1)
TYPES = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "o3": "O3", "co": "CO"}
"""Our names and the archives'."""


def read_file(path: Path, names: Sequence[str]) -> tuple[Block, list[Row]]:
    """Values of the pollutants as printed, on the labels found, and what was rejected or is told.

    A transposed file is turned. A column given twice is kept where both are the same, and rejected where they differ;
    so are hours given twice. Text is rejected. Hours that its days lack are told, and days other than its name says.
    """
    lines, rows = lines_of(path)
    if [line.split(",", 1)[0] for line in lines[:3]] == list(KEYS):
        lines = [",".join(fields) for fields in zip(*(line.split(",") for line in lines), strict=False)]
        rows.append(row(path.name, "transposed_file", "rows and columns exchanged; read all the same"))
    if not lines:
        return nothing(), rows
    return read_lines(lines, names, rows, file=path.name)


def nothing() -> Block:
    """A block of no station and no hour."""
    return Block((), pd.DatetimeIndex([]), {})


def read_lines(lines: Sequence[str], names: Sequence[str], rows: list[Row], *, file: str) -> tuple[Block, list[Row]]:
    """The same of the lines of a file, its header first."""
    header = [name.strip().strip('"') for name in lines[0].split(",")]
    if tuple(header[:3]) != KEYS:
        return nothing(), [*rows, row(file, "unknown_layout", f"found {lines[0][:60]!r}; agreed date,hour,type,...")]
    asked = {TYPES[name]: name for name in names}
    kept: list[str] = []
    kinds: list[str] = []
    labels: list[np.datetime64] = []
    wrong: list[int] = []
    found: dict[str, None] = {}
    for number, line in enumerate(lines[1:], start=2):
        date, hour, kind = (field.strip() for field in [*line.split(",", 3), "", ""][:3])
        found.setdefault(kind)
        if kind not in asked:
            continue
        label = label_of(date, hour)
        if label is None or line.count(",") != len(header) - 1:
            wrong.append(number)
            continue
        kept.append(line.split(",", 3)[3])
        kinds.append(asked[kind])
        labels.append(label)
    if "" in header:
        rows.append(row(file, "unknown_layout", f"column {header.index('') + 1} has no name; it is left out"))
    if wrong:
        detail = f"{len(wrong)} rows, first row {wrong[0]}: {lines[wrong[0] - 1][:40]!r}; agreed YYYYMMDD,0-23,type,..."
        rows.append(row(file, "unknown_layout", detail))
    if not kept:
        none = f"no row of type {', '.join(asked)}; found {', '.join(found)[:SHOWN] or 'no row'}"
        return nothing(), rows if wrong else [*rows, row(file, "unknown_layout", none)]
    time = pd.DatetimeIndex(np.array(labels, dtype="datetime64[ns]"))
    values, told = numbers(kept, header[3:], kinds, time, file=file)
    block, more = _merged(values, header[3:], np.array(kinds), time, names, file=file)
    absent = _absent(np.array(kinds), time, names, file=file)
    return block, [*rows, *told, *more, *of_other_days(time, file=file), *absent]


def label_of(date: str, hour: str) -> np.datetime64 | None:
    """The label that date YYYYMMDD and hour 0-23 mean; None when they mean none."""
    if not (re.fullmatch(r"\d{8}", date) and re.fullmatch(r"[01]?\d|2[0-3]", hour)):
        return None
    try:
        return np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}T{int(hour):02d}", "ns")
    except ValueError:
        return None


def numbers(
    rows: Sequence[str], stations: Sequence[str], kinds: Sequence[str], time: pd.DatetimeIndex, *, file: str
) -> tuple[Values, list[Row]]:
    """Rows of text as an array (row, column); text that is no number is NaN and listed."""
    content = "\n".join(rows) + "\n"
    empty = [] if len(stations) > 1 else [""]
    try:
        frame = pd.read_csv(
            io.StringIO(content), header=None, dtype=float, skip_blank_lines=not empty, skipinitialspace=True
        )
        found = frame.to_numpy()
        wrong = np.isinf(found)
    except ValueError:
        frame = pd.read_csv(
            io.StringIO(content), header=None, dtype=str, skip_blank_lines=not empty, skipinitialspace=True
        )
        text = frame.to_numpy(dtype=object)
        found = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
        wrong = (pd.notna(text) & np.isnan(found)) | np.isinf(found)
    listed: list[Row] = []
    for line in np.flatnonzero(wrong.any(axis=1)).tolist():
        for column in np.flatnonzero(wrong[line]).tolist():
            place = {"station": stations[column], "variable": kinds[line], "start": time[line], "end": time[line]}
            detail = repr(str(frame.iloc[line, column]))
            listed.append(row(file, "text_value", detail, values=1, **place))
    return np.where(wrong, np.nan, found), listed


def _merged(
    values: Values,
    header: Sequence[str],
    kinds: npt.NDArray[np.str_],
    time: pd.DatetimeIndex,
    names: Sequence[str],
    *,
    file: str,
) -> tuple[Block, list[Row]]:
    """Rows of all kinds as one block: a block for the first time an hour is given, one more for each repeat."""
    stations, first, count = np.unique(np.array(header, dtype=object), return_index=True, return_counts=True)
    turn = pd.Series(range(len(time))).groupby([kinds, time.to_numpy()]).cumcount().to_numpy()
    rows = repeated(file, union([time[turn > 0]]))
    named = stations != ""
    stations, first, count = stations[named], first[named], count[named]
    copies = {name: [column for column, other in enumerate(header) if other == name] for name in stations[count > 1]}
    blocks = []
    for name in names:
        for number in range(int(turn.max()) + 1):
            chosen = (kinds == name) & (turn == number)
            block = Block(tuple(stations), time[chosen], {name: values[chosen][:, first].T})
            rows += _without_copies(block, name, values[chosen].T, copies, file=file)
            blocks.append(block)
    for name, columns in copies.items():
        rows.append(row(file, "repeated_column", f"{len(columns)} columns; what is the same is kept", station=name))
    whole, more = joined(blocks, names, file=file)
    return whole, [*rows, *more]


def _without_copies(
    block: Block, name: str, columns: Values, copies: Mapping[str, Sequence[int]], *, file: str
) -> list[Row]:
    """Takes away a station whose columns differ, in place, and lists it."""
    rows: list[Row] = []
    for station, places in copies.items():
        same = [np.array_equal(columns[places[0]], columns[other], equal_nan=True) for other in places[1:]]
        if all(same):
            continue
        found = columns[list(places)]
        low, high = np.fmin.reduce(found)[None], np.fmax.reduce(found)[None]
        order = np.argsort(block.labels)
        low, high = low[:, order], high[:, order]
        labels, told = block.labels[order], row(file, "repeated_column", "columns differ", variable=name)
        rows += of_values(np.isfinite(low), low, high, stations=(station,), labels=labels, told=told)
        block.values[name][block.stations.index(station)] = np.nan
    return rows


def of_other_days(time: pd.DatetimeIndex, *, file: str) -> list[Row]:
    """A row when labels are of other days than the one in the file's name."""
    named = re.search(r"(\d{4})-?(\d\d)-?(\d\d)", file)
    day = label_of("".join(named.groups()), "0") if named else None
    others = time.normalize().unique().difference([day])
    if day is None or not len(others):
        return []
    return [row(file, "other_days", f"{len(others)} days, {others[0]:%Y-%m-%d} to {others[-1]:%Y-%m-%d}")]


def _absent(kinds: npt.NDArray[np.str_], time: pd.DatetimeIndex, names: Sequence[str], *, file: str) -> list[Row]:
    days = time.normalize().unique()
    expected = union([pd.date_range(day, periods=24, freq=HOUR) for day in days])
    nowhere = expected.difference(time)
    rows = absent_hours(file, nowhere)
    for name in names:
        rows += absent_hours(file, expected.difference(time[kinds == name]).difference(nowhere), variable=name)
    return rows
