"""What the dialects call things: any raw dataset, relabelled lazily, its values untouched."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.container import HOURS_COVERED
from era5_fetch.errors import DecodeError, Era5Warning
from era5_fetch.lexicon import Kind
from era5_fetch.units import is_rate, spelled

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
    "level": ("pressure_level", "isobaricInhPa", "isobaricInPa", "level", "plev", "pressure"),
}
_TIMES = ("valid_time", "time")
_STANDARD_NAMES = {"latitude": "latitude", "longitude": "longitude", "air_pressure": "level", "time": "time"}
"""How CF tells axes whose names are others; dims or scalars, as a field may have these names too."""
PASCALS_FROM = 1100.0
"""A level without a unit that is higher than any in hPa is in Pa."""
_NOT_HOURLY = {
    "month": "is a monthly mean of daily sums, agreed hourly values",
    "run": "is a sum over several hours or since the start of a forecast, agreed one hour: fetch ERA5's hourly values, "
    "or forecasts by the source 'opendata'",
}


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
    dataset = _raised(_axes_named(_time_named(raw)))
    coordinates: dict[str, Any] = {
        "time": _times(dataset),
        "latitude": np.round(_axis(dataset, "latitude"), 5),
        "longitude": _wrapped(_axis(dataset, "longitude")),
    }
    if wanted is None and coordinates["time"].empty:
        raise DecodeError("no time axis: 'time' holds nothing, agreed one time at least")
    dataset = _squeezed(dataset)
    over = accumulation or _accumulation(dataset, coordinates["time"])
    fields = dict(_fields(dataset, wanted, over))
    if wanted is None and not any(True for _ in _flat(dataset)):
        raise DecodeError(f"no field on {', '.join(GRID)}: found {_listed(dataset)}")
    if "expver" in dataset.dims:
        coordinates["expver"] = _versions(dataset)
    if (preliminary := _preliminary(dataset)) is not None:
        coordinates["preliminary"] = ("time", preliminary)
    return xr.Dataset(fields, coords=coordinates)


def _time_named(raw: xr.Dataset) -> xr.Dataset:
    name = next((n for n in _TIMES if n in raw.variables), None) or _called(raw, "time", _TIMES)
    if name is not None and raw[name].ndim > 1:
        raw = raw.squeeze([d for d in raw[name].dims if raw.sizes[d] == 1], drop=True)
    if name is not None and raw[name].ndim == 2:  # runs and their steps
        if np.unique(raw[name].values).size < raw[name].size:
            raise DecodeError("no time axis: two runs forecast the same hour, agreed one: choose runs or steps first")
        raw = raw.stack({"moment": raw[name].dims}, create_index=False)
    if name is None or raw[name].ndim > 1:
        raise DecodeError(f"no time axis: found {_listed(raw)}, agreed one of {', '.join(_TIMES)}")
    return _as_dimension(raw, name)


def _as_dimension(raw: xr.Dataset, name: str) -> xr.Dataset:
    """Make `name` the dimension `time`, of length one if it is a scalar."""
    axis = raw[name].variable
    rest = raw.drop_vars([n for n in {name, *_TIMES} if n in raw.variables])
    if axis.ndim == 0:
        return rest.expand_dims("time").assign_coords(time=("time", np.atleast_1d(axis.values)))
    return rest.rename({axis.dims[0]: "time"}).assign_coords(time=("time", axis.values))


def _axes_named(dataset: xr.Dataset) -> xr.Dataset:
    known = {*dataset.dims, *dataset.variables}
    found = {alias: name for name, aliases in _AXES.items() for alias in aliases if alias in known}
    for name, aliases in _AXES.items():
        if name not in found.values() and (called := _called(dataset, name, aliases)):
            found[called] = name
    flat = {alias: name for alias, name in found.items() if alias not in dataset.variables or dataset[alias].ndim < 2}
    return dataset.rename({alias: name for alias, name in flat.items() if alias != name})


def _called(dataset: xr.Dataset, name: str, aliases: Collection[str]) -> str | None:
    """What an axis is called that has none of its names: by other capitals, CF's standard name, dates or units."""
    for other, axis in dataset.variables.items():
        if axis.dims not in ((), (other,)):
            continue
        standard = _STANDARD_NAMES.get(str(axis.attrs.get("standard_name")))
        dates = name == "time" and axis.dims and np.issubdtype(axis.dtype, np.datetime64)
        pressures = name == "level" and axis.dims and spelled(str(axis.attrs.get("units"))) in {"hPa", "Pa"}
        if str(other).lower() in aliases or standard == name or dates or pressures:
            return str(other)
    return None


def _raised(dataset: xr.Dataset) -> xr.Dataset:
    """With the latitude and longitude of one point, that are numbers, as dimensions."""
    for name in ("latitude", "longitude"):
        if name in dataset.variables and dataset[name].ndim == 0 and name not in dataset.dims:
            dataset = dataset.drop_vars(name).expand_dims({name: [float(dataset[name])]})
    return dataset


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
    times = pd.DatetimeIndex(values.astype("datetime64[ns]"), name="time").round("s")
    if times.hasnans:
        raise DecodeError(
            f"no time axis: {int(np.isnat(times.values).sum())} of {times.size} times are missing, agreed none"
        )
    return times


def _axis(dataset: xr.Dataset, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name not in dataset.variables or dataset[name].ndim > 1:
        raise DecodeError(f"no {name} axis: found {_listed(dataset)}, agreed a regular grid")
    values = np.atleast_1d(dataset[name].values).astype("float64")
    if not np.isfinite(values).all():
        raise DecodeError(f"no {name} axis: it holds NaN, agreed degrees throughout")
    return values


def _wrapped(longitude: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Longitudes [degrees east] in -180 <= x < 180, to 5 decimals."""
    turned = np.round((np.round(longitude, 5) + 180) % 360 - 180, 5)
    return np.where(turned == 180, -180.0, turned) + 0.0


def _listed(dataset: xr.Dataset) -> str:
    return ", ".join(f"{name}{dataset[name].dims}" for name in map(str, dataset.variables)) or "nothing"


def _fields(
    dataset: xr.Dataset, wanted: Collection[str] | None, accumulation: str
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
    dataset = _raised(_axes_named(_time_named(raw)))
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
    highest = float(np.max(dataset["level"].values))
    unit = spelled(str(dataset["level"].attrs.get("units", "Pa" if highest > PASCALS_FROM else "hPa")))
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


def _marked(field: xr.DataArray, known: Variable | None, accumulation: str) -> xr.DataArray:
    if field.attrs.get("GRIB_stepType") == "avgad":
        raise DecodeError(f"{field.name!r} {_NOT_HOURLY['month']}")
    if known is None or known.kind is not Kind.ACCUMULATED:
        return field
    # our own files are in our own unit, which no other dialect uses for what accumulates
    unit = str(field.attrs.get("units", ""))
    over = "hour" if spelled(unit) == known.unit or is_rate(unit) else accumulation
    if over in _NOT_HOURLY:
        raise DecodeError(f"{field.name!r} {_NOT_HOURLY[over]}")
    return field.assign_attrs(accumulation=over)


def _accumulation(dataset: xr.Dataset, times: pd.DatetimeIndex) -> str:
    """By the class of the GRIB messages, or else by the times and the step of the grid."""
    attributes = [field.attrs for field in dataset.data_vars.values()]
    if any(a.get("GRIB_marsClass") != "l5" and a.get(HOURS_COVERED, 0) > 1 for a in attributes):
        return "run"
    if times.size > 1 and (times == times.to_period("M").to_timestamp()).all():
        return "month"
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
