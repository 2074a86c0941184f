"""What an archive holds, as labelled arrays: at once, or year by year."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline.archive.ledger import Ledger, hours
from pipeline.archive.store import Store, Year
from pipeline.contracts import REJECTED, Observed
from pipeline.errors import InputError
from pipeline.quality import judged_together
from pipeline.stations import rejections
from pipeline.stations.batches import touches
from pipeline.stations.frames import described, full_axis
from pipeline.stations.spans import Span, Spans, years

Period = tuple[datetime.date, datetime.date]


def read_period(folder: Path, *, pollutants: Sequence[str], period: Period) -> Observed:
    """Hourly observations on the full axis of the period, of the stations of batches that touch it."""
    axis = full_axis(period, "hour")
    with Ledger(folder) as ledger:
        stations = _stations(ledger, pollutants, period, where=folder)
        data, rows = _read(Store(folder), ledger, pollutants, axis, stations, axis)
        listed = _listed(ledger, pollutants, period)
    return Observed(data, rejections.joined_tables([listed, rejections.table(rows)]))


def read_spans(folder: Path, *, pollutants: Sequence[str], period: Period) -> Spans:
    """The same as spans: years of the pollutants that are judged together, each read when it is asked for."""
    with Ledger(folder) as ledger:
        stations = _stations(ledger, pollutants, period, where=folder)
        listed = _listed(ledger, pollutants, period)

    def parts() -> Iterator[Span]:
        with Ledger(folder) as ledger:
            for names in judged_together(pollutants):
                for seen, within in years(period):
                    data, rows = _read(Store(folder), ledger, names, seen, stations, within)
                    yield Span(data, within, rejections.table(rows))
                    del data

    return Spans(list(stations), listed, parts())


def _stations(ledger: Ledger, pollutants: Sequence[str], period: Period, *, where: Path) -> dict[str, int]:
    axis = full_axis(period, "hour")
    _require(ledger, pollutants, axis, period, where=where)
    return ledger.stations(axis[0], axis[-1])


def _listed(ledger: Ledger, pollutants: Sequence[str], period: Period) -> pd.DataFrame:
    """What ingests rejected or told of the period and the pollutants."""
    axis, listed = full_axis(period, "hour"), ledger.rejected()
    listed = listed[listed["variable"].isin(["", *pollutants]) & listed["key"].map(lambda key: touches(key, period))]
    return listed.loc[~((listed["end"] < axis[0]) | (listed["start"] > axis[-1])), list(REJECTED)]


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
    within: pd.DatetimeIndex,
) -> tuple[xr.Dataset, list[rejections.Row]]:
    """Hours of ``axis`` (consecutive) of the stations; cells whose claims differ are NaN and, ``within``, listed."""
    counts = ledger.counts()
    places = np.fromiter(stations.values(), dtype=np.int64, count=len(stations))
    values, rows = {}, []
    for name in names:
        out = np.full((len(stations), len(axis)), np.nan)
        for year in map(Year, range(axis[0].year, axis[-1].year + 1)):
            _lay_year(out, store, year, name, axis, places, counts)
        rows += _settle(out, ledger, name, axis, stations, within)
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
    block = store.values(year, name, slice(start - year.first, stop - year.first), counts)
    there = places < block.shape[1]
    offset = start - int(hours(axis[:1])[0])
    out[there, offset : offset + len(block)] = block[:, places[there]].T


def _settle(
    out: npt.NDArray[np.floating],
    ledger: Ledger,
    name: str,
    axis: pd.DatetimeIndex,
    stations: dict[str, int],
    within: pd.DatetimeIndex,
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
    return rejections.of_values(
        (low < high) & axis.isin(within), low, high, stations=tuple(stations), labels=axis, told=told
    )
