"""Blocks of values, station by hour, and how they are joined: by plain arrays, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline.stations.frames import described
from pipeline.stations.rejections import Row, of_values, row

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Values (station, time) of each pollutant; stations and labels are unique, in any order."""

    stations: tuple[str, ...]
    labels: pd.DatetimeIndex
    values: Mapping[str, Values]


def joined(
    blocks: Sequence[Block], names: Sequence[str], *, file: str = "", axis: pd.DatetimeIndex | None = None
) -> tuple[Block, list[Row]]:
    """All blocks as one: stations sorted, the labels found (or those of ``axis``), NaN where no block has a value.

    What several blocks say of one cell is kept when they agree, and rejected (``repeated_hour``) when they differ.
    """
    stations = pd.Index(sorted({name for block in blocks for name in block.stations}), dtype=object)
    labels = union([block.labels for block in blocks]) if axis is None else axis
    values, rows = {}, []
    for name in names:
        low = np.full((len(stations), len(labels)), np.nan)
        high = low.copy()
        for block in blocks:
            if name in block.values:
                _lay(
                    block.values[name],
                    low,
                    high,
                    stations.get_indexer(pd.Index(block.stations, dtype=object)),
                    labels.get_indexer(block.labels),
                )
        differ = low < high
        if differ.any():
            told = row(file, "repeated_hour", "different values for one hour", variable=name)
            rows += of_values(differ, low, high, stations=tuple(stations), labels=labels, told=told)
            low[differ] = np.nan
        values[name] = low
    return Block(tuple(stations), labels, values), rows


def _lay(
    values: Values, low: Values, high: Values, stations: npt.NDArray[np.intp], labels: npt.NDArray[np.intp]
) -> None:
    inside = labels >= 0
    cells = np.ix_(stations, labels[inside])
    low[cells] = np.fmin(low[cells], values[:, inside])
    high[cells] = np.fmax(high[cells], values[:, inside])


def union(indexes: Sequence[pd.DatetimeIndex]) -> pd.DatetimeIndex:
    """All labels, sorted, each once."""
    values = [np.asarray(index, dtype="datetime64[ns]") for index in indexes] or [np.array([], dtype="datetime64[ns]")]
    return pd.DatetimeIndex(np.unique(np.concatenate(values)), name="time")


def of_rows(frame: pd.DataFrame, names: Sequence[str], *, file: str) -> tuple[list[Block], list[Row]]:
    """Rows ``station``, ``time`` and the names as blocks: one, and one more for each repeat of a station's hour."""
    repeat = frame.groupby(["station", "time"], sort=False).cumcount().to_numpy()
    blocks = []
    for turn in range(int(repeat.max(initial=-1)) + 1):
        part = frame[repeat == turn]
        rows, stations = pd.factorize(part["station"])
        columns, labels = pd.factorize(part["time"])
        values = {}
        for name in names:
            grid = np.full((len(stations), len(labels)), np.nan)
            grid[rows, columns] = part[name].to_numpy(dtype=float)
            values[name] = grid
        blocks.append(Block(tuple(map(str, stations)), pd.DatetimeIndex(labels), values))
    twice = frame.loc[repeat > 0, "time"]
    return blocks, repeated(file, pd.DatetimeIndex(twice.unique()).sort_values()) if len(twice) else []


def repeated(file: str, labels: pd.DatetimeIndex) -> list[Row]:
    """A row that tells hours which a file has more than once; what differs is listed besides."""
    detail = f"{len(labels)} hours more than once; what agrees is kept"
    return [row(file, "repeated_hour", detail, start=labels[0], end=labels[-1])] if len(labels) else []


def dataset(block: Block, *, resolution: str = "hour") -> xr.Dataset:
    """The block as the package's contract says."""
    coordinates = {"station": np.array(block.stations, dtype=object), "time": block.labels.rename("time")}
    values = {name: (("station", "time"), array) for name, array in block.values.items()}
    return described(xr.Dataset(values, coords=coordinates, attrs={"resolution": resolution}))
