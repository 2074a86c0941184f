"""Rows of what a reader rejected or tells: a row for a file, or for consecutive values of one station and variable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.contracts import REJECTED, nothing_rejected

Row = dict[str, Any]
HOUR = pd.Timedelta(hours=1)


def row(file: str, rule: str, detail: str, **cells: Any) -> Row:
    """One row of ``REJECTED``; what is not given is empty."""
    texts = {"file": file, "station": "", "variable": "", "rule": rule}
    numbers = {"start": pd.NaT, "end": pd.NaT, "values": 0, "lowest": np.nan, "highest": np.nan}
    return {**texts, **numbers, "detail": detail, **cells}


def runs_of_labels(labels: pd.DatetimeIndex) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """First and last of each run of consecutive hours; ``labels`` are sorted and unique."""
    breaks = np.flatnonzero(np.diff(labels) != HOUR) + 1
    for part in np.split(np.arange(len(labels)), breaks):
        if len(part):
            yield labels[part[0]], labels[part[-1]]


def of_values(
    wrong: npt.NDArray[np.bool_],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    *,
    stations: Sequence[str],
    labels: pd.DatetimeIndex,
    told: Row,
) -> list[Row]:
    """A row like ``told`` for each run of hours in which a station's value is ``wrong``; arrays are (station, time).

    ``low`` and ``high`` are the smallest and largest value found for a cell, NaN where it was no number.
    """
    rows = []
    for number in np.flatnonzero(wrong.any(axis=1)).tolist():
        for start, end in runs_of_labels(labels[wrong[number]]):
            within = wrong[number] & (labels >= start) & (labels <= end)
            found = np.concatenate([low[number, within], high[number, within]])
            finite = found[np.isfinite(found)]
            rows.append(
                told
                | {
                    "station": stations[number],
                    "start": start,
                    "end": end,
                    "values": int(within.sum()),
                    "lowest": float(finite.min()) if finite.size else np.nan,
                    "highest": float(finite.max()) if finite.size else np.nan,
                }
            )
    return rows


def absent_hours(file: str, absent: pd.DatetimeIndex, *, variable: str = "") -> list[Row]:
    """A row for each run of hours that should be there and are not."""
    return [
        row(file, "absent_hours", f"{int((end - start) / HOUR) + 1} h", variable=variable, start=start, end=end)
        for start, end in runs_of_labels(absent)
    ]


def other_files(files: Sequence[Path]) -> list[Row]:
    """A row that tells of files whose names a reader does not know; none when there are none."""
    if not files:
        return []
    shown = ", ".join(file.name for file in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return [row(files[0].name, "other_files", f"not read: {shown}{more}")]


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a frame with the columns ``REJECTED``, in an order that does not depend on theirs."""
    rows = list(rows)
    if not rows:
        return nothing_rejected()
    frame = pd.DataFrame(rows, columns=list(REJECTED))
    times = {name: pd.to_datetime(frame[name]) for name in ("start", "end")}
    return frame.assign(**times).sort_values(list(REJECTED), ignore_index=True)


def joined_tables(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Several tables of rejections as one."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else nothing_rejected()
