"""Weather from ERA5 files in any dialect, taken to the stations by ``era5_fetch``."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pipeline.errors import InputError
from pipeline.stations.frames import described, full_axis
from pipeline.stations.options import existing, files_of

DEFAULT_VARIABLES = ("t2m", "d2m", "u10", "v10", "msl", "sp", "blh", "tp", "ssrd", "tcc")
FILES = ("*.nc", "*.nc4", "*.cdf", "*.netcdf", "*.grib", "*.grib1", "*.grib2", "*.grb", "*.grb2", "*.zip")
STORE = "zarr.json"
"""What a store of places has and a folder of files has not; it tells of every file that was taken into it."""
EMBARGO, FINAL_AFTER = datetime.timedelta(days=5), datetime.timedelta(days=92)
"""The ages at which ERA5 is published, and at which it is final."""


class Options(BaseModel):
    """``weather: {source: era5, path: FOLDER}`` reads files or a store; without ``path`` what is missing is fetched.

    ``fetch`` says from where: "cds" keeps files in ``cache`` and needs neither network nor key for what is there;
    the others keep nothing. ``variables`` by our names or any dialect's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["era5"]
    path: Path | None = None
    fetch: Literal["cds", "arco", "google", "earthmover"] = "cds"
    cache: Path | None = None
    refresh: bool = False
    variables: tuple[str, ...] = Field(default=DEFAULT_VARIABLES, min_length=1)
    method: Literal["nearest", "bilinear"] = "bilinear"

    @field_validator("path", "cache", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        folder = (info.context or {}).get("folder", Path())
        if value is None:
            return None
        return existing(value, folder) if info.field_name == "path" else Path(folder, value.expanduser())

    @field_validator("variables", mode="after")
    @classmethod
    def _canonical(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from era5_fetch.errors import Era5Error
        from era5_fetch.stream import canonical_name

        try:
            return tuple(dict.fromkeys(canonical_name(name) for name in value))
        except Era5Error as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.path is not None and (found := {"fetch", "cache", "refresh"} & self.model_fields_set):
            raise ValueError(f"found path and {', '.join(sorted(found))}; agreed one: files, or to fetch them")
        return self


def inputs(options: Options, observations: Any) -> list[Path]:
    """The files this source reads; none where it fetches, see ``published``."""
    if options.path is None:
        return []
    store = options.path / STORE
    return [store] if store.is_file() else files_of(options.path, *FILES)


def published(
    options: Options, period: tuple[datetime.date, datetime.date], *, today: datetime.date | None = None
) -> str:
    """How much of a period there is to fetch: it changes when a run would find more; empty where files are read."""
    if options.path is not None:
        return ""
    now = today or datetime.datetime.now(datetime.UTC).date()
    final = f", final to {min(period[1], now - FINAL_AFTER)}" if options.refresh else ""
    return f"published to {min(period[1], now - EMBARGO)}{final}"


def read(
    options: Options,
    *,
    observations: Any,
    stations: pd.DataFrame,
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> xr.Dataset:
    """Weather (station, time); see the package's contract.

    ERA5 stamps are UTC; an accumulation's stamp ends its hour, as the network's labels do, so stamp meets label.
    Hours the files do not hold are NaN. ``attrs['preliminary']`` lists the days with an hour of ERA5T, where the files
    tell; ``attrs['fetched']`` the SHA-256 of each file that the CDS gave, or the snapshot of a store.
    """
    if stations["latitude"].isna().any():
        raise InputError(
            f"stations: {stations.index[stations['latitude'].isna()][0]!r} has no coordinates, which weather.source "
            "'era5' needs; give a station list with latitude and longitude"
        )
    first = pd.Timestamp(period[0]) - pd.Timedelta(hours=utc_offset)
    last = pd.Timestamp(period[1]) + pd.Timedelta(hours=24 - utc_offset)
    extracted = _opened(options, (first, last), stations[["latitude", "longitude"]])
    data = extracted.rename(place="station").transpose("station", "time")
    local = pd.DatetimeIndex(data.get_index("time")) + pd.Timedelta(hours=utc_offset)
    told = {"preliminary": _days_of(local[data["preliminary"].to_numpy()])} if "preliminary" in data.coords else {}
    axis = full_axis(period, "hour")
    data = data.drop_vars(set(data.coords) - {"station", "time"}).assign_coords(time=local).reindex(time=axis)
    if not bool(data[options.variables[0]].notnull().any()):
        raise InputError(
            f"{options.path or options.fetch}: holds {local.min()} to {local.max()} (local time), nothing of "
            f"the period {period[0]}/{period[1]}; correct `period` or the path"
        )
    return described(data).assign_attrs(resolution="hour", notes=_notes(extracted), fetched=_fetched(extracted), **told)


def _opened(options: Options, period: tuple[pd.Timestamp, pd.Timestamp], points: pd.DataFrame) -> xr.Dataset:
    """Weather at points, from files or from where it is fetched."""
    from era5_fetch.errors import Era5Error
    from era5_fetch.progress import for_terminal
    from era5_fetch.sources import Settings, source_of

    settings = Settings(options.cache, refresh=options.refresh, teller=for_terminal())
    try:
        source = source_of(options.fetch if options.path is None else options.path, settings)
        return source.open(options.variables, period, points=points, method=options.method)
    except Era5Error as error:
        raise InputError(str(error)) from None


def _notes(extracted: xr.Dataset) -> list[str]:
    """What whoever reads the result should know of the hours."""
    notes = []
    if hours := int(extracted["preliminary"].sum()) if "preliminary" in extracted.coords else 0:
        notes.append(f"weather: {hours} of {extracted.sizes['time']} hours of ERA5 are preliminary (ERA5T)")
    if hours := int(extracted.attrs.get("hours_not_published", 0)):
        notes.append(f"weather: {hours} hours of ERA5 are not published yet; run again in some days")
    return notes


def _fetched(extracted: xr.Dataset) -> dict[str, str]:
    """What identifies the data that were fetched, by name; empty where files of the user's were read."""
    files = dict(str(file).rsplit(" ", 1) for file in extracted.attrs.get("files", ()))
    snapshot = extracted.attrs.get("snapshot")
    return files if snapshot is None else files | {"snapshot": str(snapshot)}


def _days_of(hours: pd.DatetimeIndex) -> list[pd.Timestamp]:
    """The local days of hours labelled by their end."""
    return list((hours - pd.Timedelta(hours=1)).normalize().unique())
