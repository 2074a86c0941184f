"""Forecast weather of stations by local day, in the quantities that the models of a run were fitted with.

Hours are made of the forecast's steps as ``era5_fetch.forecast.hourly`` does: what is instantaneous is linear in time
between steps, a sum is spread evenly over its step. Days are made of them as of any hours (``features.daily``): means,
sums and extremes of the local day, NaN with fewer than 18 hours.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline import quality
from pipeline.config import OPEN_DATA, Outlook
from pipeline.errors import InputError
from pipeline.stations.frames import described
from pipeline.vocabulary import weather_variable
from pipeline.weather import features
from pipeline.weekly.outlook.refusal import NoOutlook
from pipeline.weekly.windows import DAY

MODELS = {"ifs": "ifs", "aifs": "aifs-single"}
"""Names of the forecasts with ECMWF."""
MADE_OF = {"tmax": ("t2m",), "tmin": ("t2m",), "rh": ("t2m", "d2m"), "wind_speed": ("u10", "v10")}
"""Daily quantities that are made of other fields of a forecast."""
HEIGHT = "blh"
HORIZON = 10
"""Days ahead."""
HALF_A_DAY = pd.Timedelta(hours=12)
"""Between the runs that go ten days ahead: 00 and 12 UTC."""


@dataclass(frozen=True)
class Forecast:
    """Daily weather (station, time) of a run that began at ``issued`` (UTC); notes for whoever reads it.

    ``emulated`` names quantities that an emulator made. Days of which nothing is known are not there.
    """

    weather: xr.Dataset
    issued: pd.Timestamp
    source: str
    emulated: tuple[str, ...]
    notes: tuple[str, ...] = ()


def issued_day(issued: pd.Timestamp, utc_offset: float) -> pd.Timestamp:
    """The local day on which a run began: lead 0."""
    return (issued + pd.Timedelta(hours=utc_offset)).normalize()


def leads(days: pd.Index, issued: pd.Timestamp, utc_offset: float) -> np.ndarray:
    """How many days after the local day of issue days lie, (n,)."""
    return np.asarray((pd.DatetimeIndex(days) - issued_day(issued, utc_offset)) // DAY, dtype=int)


def fields_of(quantities: Sequence[str]) -> list[str]:
    """The fields of a forecast that daily quantities are made of; those that no forecast has are left out."""
    from era5_fetch.errors import Era5Error
    from era5_fetch.lexicon import variable

    found = []
    for quantity in quantities:
        name = quantity.removesuffix("_afternoon")
        for field in MADE_OF.get(name, (name,)):
            try:
                found.append(variable(field).name)
            except Era5Error:
                continue
    return list(dict.fromkeys(found))


def latest(options: Outlook, stations: pd.DataFrame, quantities: Sequence[str], *, utc_offset: float) -> Forecast:
    """The newest forecast of ``quantities`` at ``stations`` (columns latitude, longitude).

    InputError in one line when no source answers, or a field is lacking.
    """
    return _read(options, stations, quantities, run=None, utc_offset=utc_offset)


def of_day(
    options: Outlook, stations: pd.DataFrame, quantities: Sequence[str], *, day: pd.Timestamp, utc_offset: float
) -> Forecast:
    """The forecast of one day by the last run before it began; from open data only. Errors as ``latest``."""
    if not _remote(options):
        raise InputError("outlook: a folder of forecasts has one run; agreed open data for those before")
    run = (day - pd.Timedelta(hours=utc_offset)).floor(HALF_A_DAY)
    return _read(options, stations, quantities, run=run, utc_offset=utc_offset, day=day)


def _remote(options: Outlook) -> bool:
    return options.origin == OPEN_DATA or options.origin.startswith(("http://", "https://"))


def _read(
    options: Outlook,
    stations: pd.DataFrame,
    quantities: Sequence[str],
    *,
    run: pd.Timestamp | None,
    utc_offset: float,
    day: pd.Timestamp | None = None,
) -> Forecast:
    from era5_fetch.errors import Era5Error, Era5Warning

    fields = fields_of(quantities)
    if HEIGHT in fields and options.emulator is None and _remote(options):
        raise NoOutlook("no_outlook_height", height=HEIGHT)
    if without := [str(name) for name in stations.index[stations["latitude"].isna()]]:
        raise NoOutlook("no_outlook_coordinates", station=repr(without[0]))
    span = None
    if day is not None:
        start = day - pd.Timedelta(hours=utc_offset)
        span = (start, start + DAY)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            points = stations[["latitude", "longitude"]].astype(float)
            hours = (
                _remote_hours(options, fields, points, run, span)
                if _remote(options)
                else _files(options, fields, points)
            )
    except Era5Error as error:
        raise NoOutlook("no_outlook_source", told=error) from None
    notes = tuple(f"outlook: {one.message}" for one in told if issubclass(one.category, Era5Warning))
    for one in told:
        if not issubclass(one.category, Era5Warning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    found = daily(hours, quantities, utc_offset=utc_offset)
    if not found.sizes["time"]:
        raise NoOutlook("no_outlook_days")
    emulated = tuple(str(name) for name in hours.data_vars if hours[name].attrs.get("emulated") == "true")
    return Forecast(found, pd.Timestamp(hours.attrs["run"]).tz_localize(None), options.source, emulated, notes)


def _remote_hours(
    options: Outlook,
    fields: Sequence[str],
    points: pd.DataFrame,
    run: pd.Timestamp | None,
    span: tuple[pd.Timestamp, pd.Timestamp] | None,
) -> xr.Dataset:
    """Hours (station, time) by ECMWF's client."""
    from era5_fetch.patience import Patience
    from era5_fetch.sources import Settings
    from era5_fetch.sources.opendata import OpenData

    url = None if options.origin == OPEN_DATA else options.origin
    settings = Settings(options.cache, url=url, emulator=options.emulator, patience=Patience(retries=(1, 5)))
    source = OpenData(settings, model=MODELS[options.source], run=run, hourly=True)  # type: ignore[arg-type]
    return source.open(fields, span, points=points).rename(place="station")


def _files(options: Outlook, fields: Sequence[str], points: pd.DataFrame) -> xr.Dataset:
    """Hours (station, time) of the newest run among the files of a folder.

    Files are those of `era5-fetch forecast`, on a grid or at places named as the stations, or the GRIB files of one
    run of open data.
    """
    from era5_fetch.emulator import load
    from era5_fetch.forecast import hourly

    emulator = None if options.emulator is None else load(options.emulator)
    wanted = [*fields, *(emulator.predictors if emulator is not None and HEIGHT in fields else ())]
    found = _newest_run(Path(options.origin), list(dict.fromkeys(wanted)), points, options)
    found = found if "place" in found.dims else _at_points(found, points, options.origin)
    if lacking := [str(name) for name in points.index if name not in found.get_index("place")]:
        raise InputError(f"{options.origin}: the forecast has no place {lacking[0]!r}; agreed a grid, or every station")
    found = found.sel(place=list(points.index))
    found = emulator.filled(found) if emulator is not None and HEIGHT in fields else found
    if "hourly" not in found.attrs:
        found = hourly(found)
    return found[[name for name in fields if name in found]].rename(place="station")


def _at_points(grid: xr.Dataset, points: pd.DataFrame, where: str) -> xr.Dataset:
    """A forecast on a grid taken to points, bilinear; InputError for one beyond the grid."""
    at = {name: xr.DataArray(points[name].to_numpy(), {"place": list(points.index)}, "place") for name in points}
    for name, values in at.items():
        axis = grid[name]
        if bool((outside := (values < float(axis.min())) | (values > float(axis.max()))).any()):
            first = points.index[outside.to_numpy()][0]
            raise InputError(f"{where}: station {first!r} lies beyond the forecast's grid; fetch a larger area")
    return grid.interp(at)


def _newest_run(folder: Path, fields: Sequence[str], points: pd.DataFrame, options: Outlook) -> xr.Dataset:
    files = sorted(folder.glob("*.nc")) if folder.is_dir() else [folder]
    runs: dict[pd.Timestamp, list[xr.Dataset]] = {}
    for file in files:
        for own in _opened(file):
            runs.setdefault(pd.Timestamp(own.attrs["run"]).tz_localize(None), []).append(own)
    if not runs:
        return _fields_of_grib(folder, fields, points, options)
    return xr.merge(runs[max(runs)], combine_attrs="override", join="outer", compat="no_conflicts")


def _opened(file: Path) -> Iterator[xr.Dataset]:
    """A file of `era5-fetch forecast`; nothing for any other."""
    try:
        with xr.open_dataset(file, engine="netcdf4") as found:
            if "run" in found.attrs and "step_hours" in found.coords:
                yield found.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a forecast ({error}); fetch it again") from None


def _fields_of_grib(folder: Path, fields: Sequence[str], points: pd.DataFrame, options: Outlook) -> xr.Dataset:
    from era5_fetch.forecast import stepped
    from era5_fetch.sources.folder import read
    from era5_fetch.sources.opendata import STEPS

    files = [file for file in sorted(folder.glob("*")) if file.suffix in (".grib2", ".grb2", ".grib", ".grb")]
    if not files:
        raise NoOutlook("no_outlook_files", folder=folder)
    fetched = [name for name in fields if name != HEIGHT or options.emulator is None]
    ends = (pd.Timestamp("1990-01-01"), pd.Timestamp("2100-01-01"))
    totals = read(files, fetched, ends, points=points, accumulation="hour")
    run = pd.Timestamp(totals.get_index("time")[0])
    found = stepped(totals.drop_vars("preliminary", errors="ignore"), run, STEPS[MODELS[options.source]])  # type: ignore[index]
    return found.assign_attrs(run=f"{run:%Y-%m-%dT%H:%MZ}")


def daily(hours: xr.Dataset, quantities: Sequence[str], *, utc_offset: float) -> xr.Dataset:
    """The daily ``quantities`` (station, time) of forecast hours (UTC); those that cannot be made are left out.

    A day with fewer than 18 hours is NaN; days of which nothing is known are dropped.
    """
    local = pd.DatetimeIndex(hours.get_index("time")) + pd.Timedelta(hours=utc_offset)
    plain = hours.drop_vars(set(hours.coords) - {"station", "time"}).assign_coords(time=local)
    screened, _ = quality.plausible(described(plain.transpose("station", "time")), weather_variable)
    days = features.daily(screened.assign_attrs(resolution="hour"))
    kept = days[[name for name in quantities if name in days]].astype(float)
    return kept.dropna("time", how="all")
