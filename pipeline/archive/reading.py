"""What an archive holds, as labelled arrays: whole, or year by year."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline import standards
from pipeline.archive.ledger import Ledger, hours
from pipeline.archive.store import Store, Year
from pipeline.contracts import REJECTED, Observed
from pipeline.errors import InputError
from pipeline.stations import rejections
from pipeline.stations.batches import touches
from pipeline.stations.frames import described, full_axis

STATIONS_AT_ONCE = 256
"""Stations whose hours of a year are assessed together; bounds memory."""

Period = tuple[datetime.date, datetime.date]


def read_period(folder: Path, *, pollutants: Sequence[str], period: Period) -> Observed:
    """Hourly observations on the full axis of the period, of the stations of batches that touch it."""
    with Ledger(folder) as ledger:
        axis = full_axis(period, "hour")
        _require(ledger, pollutants, axis, period, where=folder)
        data, rows = _read(Store(folder), ledger, pollutants, axis, ledger.stations(axis[0], axis[-1]), np.float64)
        listed = ledger.rejected()
    listed = listed[listed["variable"].isin(["", *pollutants]) & listed["key"].map(lambda key: touches(key, period))]
    listed = listed[~((listed["end"] < axis[0]) | (listed["start"] > axis[-1]))]
    return Observed(data, rejections.joined_tables([listed[list(REJECTED)], rejections.table(rows)]))


def daily_of_archive(
    folder: Path,
    *,
    pollutants: Sequence[str],
    period: Period,
    assess: Callable[[xr.Dataset], xr.Dataset] = standards.daily,
) -> xr.Dataset:
    """Assessed days (station, time) of the period, from hours that are in memory one year at a time.

    ``assess`` makes days of the hours of some stations and one year; screening of values may be part of it.
    """
    parts = list(daily_by_year(folder, pollutants=pollutants, period=period, assess=assess))
    names = sorted({str(name) for part in parts for name in part["station"].to_numpy()})
    days = full_axis(period, "day")
    values = {name: np.full((len(names), len(days)), np.nan) for name in pollutants}
    stations = pd.Index(names, dtype=object)
    for part in parts:
        cells = np.ix_(stations.get_indexer(part.get_index("station")), days.get_indexer(part.get_index("time")))
        for name in pollutants:
            values[name][cells] = part[name].transpose("station", "time").to_numpy()
    coordinates = {"station": np.array(names, dtype=object), "time": days}
    data = xr.Dataset({name: (("station", "time"), values[name]) for name in pollutants}, coords=coordinates)
    for name in pollutants:
        data[name].attrs.update(parts[0][name].attrs)
    return data.assign_attrs(resolution="day")


def daily_by_year(
    folder: Path, *, pollutants: Sequence[str], period: Period, assess: Callable[[xr.Dataset], xr.Dataset]
) -> Iterator[xr.Dataset]:
    """The assessed days of each calendar year of the period in turn."""
    with Ledger(folder) as ledger:
        _require(ledger, pollutants, full_axis(period, "hour"), period, where=folder)
        store = Store(folder)
        for year in range(period[0].year, period[1].year + 1):
            first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
            axis = full_axis((max(first, period[0]), min(last, period[1])), "hour")
            stations = ledger.stations(axis[0], axis[-1])
            if stations:
                hourly, _ = _read(store, ledger, pollutants, axis, stations, np.float32)
                yield xr.concat([assess(part) for part in _parts(hourly)], dim="station", join="exact")


def _parts(hourly: xr.Dataset) -> Iterator[xr.Dataset]:
    for first in range(0, hourly.sizes["station"], STATIONS_AT_ONCE):
        part = hourly.isel(station=slice(first, first + STATIONS_AT_ONCE))
        yield part.astype(float)


def _require(ledger: Ledger, pollutants: Sequence[str], axis: pd.DatetimeIndex, period: Period, *, where: Path) -> None:
    known = ledger.units()
    if unknown := sorted(set(pollutants) - set(known)):
        raise InputError(f"{where}: the archive holds {sorted(known)}, not {unknown}; correct `pollutants`")
    extent = ledger.extent()
    if extent is None or not ledger.stations(axis[0], axis[-1]):
        found = "nothing" if extent is None else f"{extent[0]} to {extent[1]}"
        raise InputError(
            f"{where}: no row in the period {period[0]}/{period[1]}; found {found}; correct `period` or ingest more"
        )


def _read(
    store: Store,
    ledger: Ledger,
    names: Sequence[str],
    axis: pd.DatetimeIndex,
    stations: dict[str, int],
    kind: type[np.floating],
) -> tuple[xr.Dataset, list[rejections.Row]]:
    """Hours of ``axis`` (consecutive) of the stations; cells whose claims differ are NaN and listed."""
    counts = ledger.counts()
    places = np.fromiter(stations.values(), dtype=np.int64, count=len(stations))
    values, rows = {}, []
    for name in names:
        out = np.full((len(stations), len(axis)), np.nan, dtype=kind)
        for year in map(Year, range(axis[0].year, axis[-1].year + 1)):
            _lay_year(out, store, year, name, axis, places, counts)
        rows += _settle(out, ledger, name, axis, stations)
        values[name] = (("station", "time"), out, {"units": ledger.units()[name]})
    coordinates = {"station": np.array(list(stations), dtype=object), "time": axis}
    return described(xr.Dataset(values, coords=coordinates, attrs={"resolution": "hour"})), rows


def _lay_year(
    out: npt.NDArray[np.floating],
    store: Store,
    year: Year,
    name: str,
    axis: pd.DatetimeIndex,
    places: npt.NDArray[np.int64],
    counts: npt.NDArray[np.bool_],
) -> None:
    start = max(int(hours(axis[:1])[0]), year.first)
    stop = min(int(hours(axis[-1:])[0]) + 1, year.first + len(year.labels))
    block, _ = store.block(year, name, slice(start - year.first, stop - year.first), counts)
    there = places < block.shape[1]
    offset = start - int(hours(axis[:1])[0])
    out[there, offset : offset + len(block)] = block[:, places[there]].T


def _settle(
    out: npt.NDArray[np.floating], ledger: Ledger, name: str, axis: pd.DatetimeIndex, stations: dict[str, int]
) -> list[rejections.Row]:
    """Cells with claims: the value when all claims agree, else NaN and a row."""
    first = int(hours(axis[:1])[0])
    found = ledger.claims(first, first + len(axis) - 1, name)
    if not found:
        return []
    row_of = {place: row for row, place in enumerate(stations.values())}
    low, high = np.full(out.shape, np.nan), np.full(out.shape, np.nan)
    for claim in found:
        cell = row_of[claim.position], claim.label - first
        low[cell], high[cell] = np.fmin(low[cell], claim.value), np.fmax(high[cell], claim.value)
    settled = np.isfinite(low)
    out[settled] = np.where(low == high, low, np.nan)[settled]
    told = rejections.row("", "repeated_hour", "different values for one hour", variable=name)
    return rejections.of_values(low < high, low, high, stations=tuple(stations), labels=axis, told=told)
