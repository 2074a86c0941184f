"""What the dialects call things: any raw dataset, relabelled lazily, its values untouched."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.errors import DecodeError, Era5Warning
from era5_fetch.lexicon import Kind
from era5_fetch.units import spelled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from era5_fetch.lexicon import Variable

Accumulation = Literal["hour", "day"]
"""Over what accumulated values run: the last hour (ERA5), or the UTC day so far (ERA5-Land)."""

GRID = ("time", "latitude", "longitude")
PRELIMINARY = "5"
"""The `expver` of ERA5T, which the final ERA5, 1, replaces in two to three months."""
LAND_STEP = 0.1
"""Grid step of ERA5-Land [degrees]; ERA5's is 0.25."""

_AXES = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "level": ("pressure_level", "isobaricInhPa", "level", "plev"),
}
_TIMES = ("valid_time", "time")


def labelled(
    raw: xr.Dataset,
    *,
    wanted: Collection[str] | None = None,
    accumulation: Accumulation | None = None,
) -> xr.Dataset:
    """The fields of a raw dataset under our names, on (time, latitude, longitude); lazy.

    Times are UTC, longitudes -180 to 180; the order of the axes stays the file's. Values and their
    `units` stay the file's too, and so does a dimension `expver`. A coordinate `preliminary(time)` is
    there when the file tells. Fields that accumulate carry the attribute `accumulation`, from the
    metadata unless the keyword says otherwise. Fields not on the grid, and not `wanted`, are left out.

    Raises
    ------
    DecodeError
        No time axis, no latitude and longitude axes, an ensemble, monthly means of accumulations,
        two fields for one variable.
    """
    dataset = _axes_named(_time_named(raw))
    coordinates: dict[str, Any] = {
        "time": _times(dataset),
        "latitude": np.round(_axis(dataset, "latitude"), 5),
        "longitude": _wrapped(_axis(dataset, "longitude")),
    }
    dataset = _squeezed(dataset)
    fields = dict(_fields(dataset, wanted, accumulation or _accumulation(dataset)))
    if "expver" in dataset.dims:
        coordinates["expver"] = _versions(dataset)
    if (preliminary := _preliminary(dataset)) is not None:
        coordinates["preliminary"] = ("time", preliminary)
    return xr.Dataset(fields, coords=coordinates)


def _time_named(raw: xr.Dataset) -> xr.Dataset:
    name = next((n for n in _TIMES if n in raw.variables), None)
    if name is not None and raw[name].ndim > 1:
        raw = raw.squeeze([d for d in raw[name].dims if raw.sizes[d] == 1], drop=True)
    if name is None or raw[name].ndim > 1:
        raise DecodeError(f"no time axis: found {_listed(raw)}, agreed one of {', '.join(_TIMES)}")
    return _as_dimension(raw, name)


def _as_dimension(raw: xr.Dataset, name: str) -> xr.Dataset:
    """Make `name` the dimension `time`, of length one if it is a scalar."""
    axis = raw[name].variable
    rest = raw.drop_vars([n for n in _TIMES if n in raw.variables])
    if axis.ndim == 0:
        return rest.expand_dims("time").assign_coords(time=("time", np.atleast_1d(axis.values)))
    return rest.rename({axis.dims[0]: "time"}).assign_coords(time=("time", axis.values))


def _axes_named(dataset: xr.Dataset) -> xr.Dataset:
    known = {*dataset.dims, *dataset.variables}
    found = {alias: name for name, aliases in _AXES.items() for alias in aliases if alias in known}
    return dataset.rename({alias: name for alias, name in found.items() if alias != name})


def _squeezed(dataset: xr.Dataset) -> xr.Dataset:
    """Without dimensions of length one that mean nothing here: `number`, `step`, `surface`."""
    extra = {d: n for d, n in dataset.sizes.items() if d not in {*GRID, "level", "expver"}}
    on_grid = {d for v in dataset.data_vars.values() if set(GRID) <= set(v.dims) for d in v.dims}
    if many := {d: n for d, n in extra.items() if n > 1 and d in on_grid}:
        raise DecodeError(f"dimensions {many} besides {', '.join(GRID)}: choose one member or step first")
    return dataset.squeeze([d for d, n in extra.items() if n == 1], drop=True)


def _times(dataset: xr.Dataset) -> pd.DatetimeIndex:
    values = dataset["time"].values
    if not np.issubdtype(values.dtype, np.datetime64):
        raise DecodeError(f"no time axis: 'time' holds {values.dtype}, agreed dates of the standard calendar")
    return pd.DatetimeIndex(values.astype("datetime64[ns]"), name="time").round("s")


def _axis(dataset: xr.Dataset, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name not in dataset.variables or dataset[name].ndim > 1:
        raise DecodeError(f"no {name} axis: found {_listed(dataset)}, agreed a regular grid")
    return np.atleast_1d(dataset[name].values).astype("float64")


def _wrapped(longitude: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Longitudes [degrees east] in -180 <= x < 180, to 5 decimals."""
    turned = np.round((np.round(longitude, 5) + 180) % 360 - 180, 5)
    return np.where(turned == 180, -180.0, turned) + 0.0


def _listed(dataset: xr.Dataset) -> str:
    return ", ".join(f"{name}{dataset[name].dims}" for name in map(str, dataset.variables)) or "nothing"


def _fields(
    dataset: xr.Dataset, wanted: Collection[str] | None, accumulation: Accumulation
) -> Iterator[tuple[str, xr.DataArray]]:
    seen: set[str] = set()
    for key, level, field in _flat(dataset):
        known = lexicon.identify(key, parameter=_parameter(key, field), level=level)
        name = _name(key, level, known)
        if wanted is not None and name not in wanted:
            continue
        if name in seen:
            raise DecodeError(f"two fields are {name!r}, agreed one: drop one of them")
        if known is None and not _worth_keeping(name, field):
            continue
        seen.add(name)
        yield name, _marked(field, known, accumulation)


def _name(key: str, level: int | None, known: Variable | None) -> str:
    if known is not None:
        return known.name
    return key if level is None else lexicon.flattened(key, level)


def held(raw: xr.Dataset) -> set[str]:
    """The names `labelled` would give to the fields of a raw dataset, those without units with them.

    Raises
    ------
    DecodeError
        No time axis.
    """
    dataset = _axes_named(_time_named(raw))
    found = ((k, n, lexicon.identify(k, parameter=_parameter(k, f), level=n)) for k, n, f in _flat(dataset))
    return {_name(key, level, known) for key, level, known in found}


def _flat(dataset: xr.Dataset) -> Iterator[tuple[str, int | None, xr.DataArray]]:
    """Every field on the grid, one for each pressure level [hPa]; all lazy, without coordinates."""
    plain = dataset.drop_vars(list(dataset.coords))
    for key, field in plain.data_vars.items():
        if not set(GRID) <= set(field.dims):
            continue
        for level, flat in _by_level(field, dataset):
            yield str(key), level, flat.transpose("time", ..., "latitude", "longitude")


def _by_level(field: xr.DataArray, dataset: xr.Dataset) -> Iterator[tuple[int | None, xr.DataArray]]:
    if "level" in field.dims:
        yield from ((level, field.isel(level=i)) for i, level in enumerate(_levels(dataset)))
    else:
        yield (_levels(dataset)[0] if "level" in set(dataset.coords) - set(dataset.dims) else None), field


def _levels(dataset: xr.Dataset) -> list[int]:
    unit = spelled(str(dataset["level"].attrs.get("units", "hPa")))
    if unit not in {"hPa", "Pa"}:
        raise DecodeError(f"levels are in {unit!r}, agreed pressure in 'hPa': model levels are not read")
    return [round(float(level) / (100 if unit == "Pa" else 1)) for level in np.atleast_1d(dataset["level"])]


def _parameter(key: str, field: xr.DataArray) -> int | None:
    """The ECMWF paramId; not of a field somebody made of another and that kept its attributes."""
    parameter = field.attrs.get("GRIB_paramId")
    own = field.attrs.get("GRIB_cfVarName", key) in {key, "unknown"}
    return int(parameter) if parameter is not None and own else None


def _worth_keeping(name: str, field: xr.DataArray) -> bool:
    unit = field.attrs.get("units")
    kept = "kept as it is" if unit else "left out, it has no units"
    warnings.warn(f"{name!r} [{unit}] is not in the lexicon: {kept}", Era5Warning, stacklevel=2)
    return bool(unit)


def _marked(field: xr.DataArray, known: Variable | None, accumulation: Accumulation) -> xr.DataArray:
    if field.attrs.get("GRIB_stepType") == "avgad":
        raise DecodeError(f"{field.name!r} is a monthly mean of daily sums, agreed hourly values")
    if known is None or known.kind is not Kind.ACCUMULATED:
        return field
    # our own files are in our own unit, which no other dialect uses for what accumulates
    over = "hour" if spelled(str(field.attrs.get("units", ""))) == known.unit else accumulation
    return field.assign_attrs(accumulation=over)


def _accumulation(dataset: xr.Dataset) -> Accumulation:
    """By the class of the GRIB messages, or else by the step of the grid."""
    attributes = [field.attrs for field in dataset.data_vars.values()]
    if any(a.get("GRIB_marsClass") == "l5" for a in attributes):
        return "day"
    steps = [float(a[k]) for a in attributes if (k := "GRIB_iDirectionIncrementInDegrees") in a]
    axes = (dataset[name].values.astype("float64") for name in ("latitude", "longitude"))
    steps += [float(np.abs(np.diff(axis)).min()) for axis in axes if axis.size > 1]
    return "day" if any(abs(step - LAND_STEP) < 1e-3 for step in steps) else "hour"


def _preliminary(dataset: xr.Dataset) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Which hours are ERA5T; None when the file does not tell."""
    hours = dataset.sizes["time"]
    if "preliminary" in dataset.variables:
        return np.broadcast_to(dataset["preliminary"].values.astype(bool), hours)
    if "expver" not in dataset.variables:
        return None
    if "expver" in dataset.dims:
        return _filled_by_preliminary(dataset)
    return np.broadcast_to([v == PRELIMINARY for v in _versions(dataset)], hours)


def _versions(dataset: xr.Dataset) -> list[str]:
    """The `expver`s as the old netCDF writes them: 1 and 5, not 0001 and 0005."""
    return [str(v).lstrip("0") for v in np.atleast_1d(dataset["expver"].values).astype(str)]


def _filled_by_preliminary(dataset: xr.Dataset) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Which hours only the preliminary half of an `expver` dimension holds, by its first field."""
    field = next((f for f in dataset.data_vars.values() if {*GRID, "expver"} <= set(f.dims)), None)
    if field is None:
        return None
    held = field.notnull().any([d for d in field.dims if d not in {"time", "expver"}])
    preliminary = np.array([v == PRELIMINARY for v in _versions(dataset)])
    return (held.isel(expver=preliminary).any("expver") & ~held.isel(expver=~preliminary).any("expver")).values
