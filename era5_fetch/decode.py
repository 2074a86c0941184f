"""Any dialect of file or dataset -> the canonical Dataset.

The canonical Dataset: dims (time, latitude, longitude); UTC time; latitude descending; longitude -180 to
180, ascending; float32; the names and units of `lexicon`; NaN where the file has none. Accumulations are
over the hour that ends at their time: precipitation its depth [mm], radiation its mean [W m-2]. Where the
file tells, a coordinate `preliminary(time)` says which hours are ERA5T, to be replaced.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from era5_fetch import lexicon
from era5_fetch.accumulation import hourly
from era5_fetch.combine import combined, ordered
from era5_fetch.container import opened
from era5_fetch.dialect import PRELIMINARY, labelled
from era5_fetch.errors import DecodeError, GridError
from era5_fetch.lexicon import Kind
from era5_fetch.units import conversion, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from era5_fetch.dialect import Accumulation
    from era5_fetch.lexicon import Variable

CONVENTIONS = "CF-1.11"
_CELL_METHODS = {
    Kind.INSTANT: "time: point",
    Kind.ACCUMULATED: "time: sum",
    Kind.MEAN: "time: mean",
    Kind.MAXIMUM: "time: maximum",
    Kind.MINIMUM: "time: minimum",
}
_AXES = {
    "time": {"standard_name": "time", "long_name": "time (UTC)", "axis": "T"},
    "latitude": {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "longitude": {
        "standard_name": "longitude",
        "long_name": "longitude",
        "units": "degrees_east",
        "axis": "X",
    },
    "preliminary": {"long_name": "of ERA5T, which the final ERA5 replaces"},
}


def open_file(path: str | PathLike[str], *, accumulation: Accumulation | None = None) -> xr.Dataset:
    """The canonical Dataset of one file of any agreed format, in memory.

    netCDF of the old and the new CDS, GRIB (with the extra `tianbang[grib]`), CSV of the CDS's time series,
    or a ZIP of these, told by their first bytes. Pressure levels become variables such as t850. A variable
    the lexicon does not know keeps its name and unit, with a warning; without units it is left out, with a
    warning.

    Accumulations over the UTC day (ERA5-Land, known by its GRIB class or its 0.1 degree grid) become
    amounts of one hour, NaN where the hour before is not in the file; `accumulation` says "hour" or "day"
    where the metadata mislead. Packing's tiny negatives of what cannot be negative become zero; the
    attribute `negatives_clipped` counts them.

    Raises
    ------
    FileError
        Not of these formats, truncated, damaged, an unsafe ZIP.
    DecodeError
        The contents are not what was agreed.
    PackageError
        GRIB without its extra.
    """
    path = Path(path)
    with opened(path) as cubes, naming(path):
        pieces = [decoded(labelled(cube, accumulation=accumulation)) for cube in cubes]
        # a cube of which nothing is kept may lie on another grid: waves, beside the atmosphere
        return finished(combined([piece.load() for piece in pieces if piece.data_vars] or pieces))


def canonical(raw: xr.Dataset, *, accumulation: Accumulation | None = None) -> xr.Dataset:
    """The canonical Dataset of an opened dataset of any dialect; see `open_file`.

    Lazy in, lazy out: chunked values stay chunked, and their negatives are clipped without being counted.
    A canonical Dataset is given back as it is.

    Raises
    ------
    DecodeError
        The contents are not what was agreed.
    """
    return finished(combined([decoded(labelled(raw, accumulation=accumulation))]))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """A context in which the message of a DecodeError or GridError begins with the path it is about."""
    try:
        yield
    except (DecodeError, GridError) as error:
        raise type(error)(f"{path}: {error}") from error


def decoded(cube: xr.Dataset) -> xr.Dataset:
    """A labelled dataset with its values final, in canonical units and float32; accumulations still stand."""
    fields = {str(name): _field(cube[name]) for name in cube.data_vars}
    return xr.Dataset(fields, coords=cube.drop_vars("expver", errors="ignore").coords)


def _field(field: xr.DataArray) -> xr.DataArray:
    if "expver" in field.dims:
        field = _final_first(field)
    known = lexicon.identify(str(field.name))
    found = field.attrs.get("units")
    if found is None:
        raise DecodeError(f"{field.name!r} has no units, agreed {known.unit if known else 'some'!r}: set them")
    factor, offset = conversion(str(field.name), str(found), known.unit) if known else (1.0, 0.0)
    values = field if (factor, offset) == (1.0, 0.0) else field.astype("float64") * factor + offset
    return xr.DataArray(values.astype("float32", copy=False), attrs=_attributes(known, field.attrs)).drop_encoding()


def _final_first(field: xr.DataArray) -> xr.DataArray:
    """One field of the halves of an `expver` dimension: the final where it is, or else the preliminary."""
    halves = [field.sel(expver=version, drop=True) for version in field["expver"].values]
    last = [v == PRELIMINARY for v in field["expver"].values]
    best, *others = (half for _, half in sorted(zip(last, halves, strict=True), key=lambda pair: pair[0]))
    for other in others:
        best = best.where(best.notnull(), other)
    return best.assign_attrs(field.attrs)


def _attributes(known: Variable | None, found: dict[str, Any]) -> dict[str, Any]:
    carried = {k: found[k] for k in ("accumulation", "negatives_clipped") if k in found}
    if known is None:
        return {"units": spelled(str(found["units"])), "long_name": str(found.get("long_name", ""))} | carried
    named = {"standard_name": known.standard_name} if known.standard_name else {}
    return (
        named
        | {
            "long_name": known.long_name,
            "units": known.unit,
            "cell_methods": _cell_method(known),
        }
        | carried
    )


def _cell_method(known: Variable) -> str:
    method = "time: mean" if known.unit == "W m-2" else _CELL_METHODS[known.kind]
    return method if known.kind is Kind.INSTANT else f"{method} (interval: 1 hour)"


def finished(dataset: xr.Dataset) -> xr.Dataset:
    """A decoded dataset, whole in time, with its accumulations undone, negatives clipped, axes labelled."""
    dataset = ordered(dataset)
    fields = {str(name): _finished_field(dataset[name]) for name in dataset.data_vars}
    dataset = dataset.assign(fields).assign_attrs(Conventions=CONVENTIONS)
    for name, attributes in _AXES.items():
        if name in dataset.coords:
            dataset[name].attrs.update(attributes)
    return dataset.transpose("time", ...)


def _finished_field(field: xr.DataArray) -> xr.DataArray:
    known = lexicon.identify(str(field.name))
    positive = known is not None and known.plausible[0] == 0
    if field.attrs.get("accumulation") == "day":
        field = hourly(field, tiny=known.tiny if known and positive else None)
    field = field.copy(deep=False)
    field.attrs.pop("accumulation", None)
    return _clipped(field, known.tiny) if known and positive else field


def _clipped(field: xr.DataArray, tiny: float) -> xr.DataArray:
    """Zero where it is below zero by packing; what is further below stays, for the eye of quality control."""
    noise = (field < 0) & (field >= -tiny)
    clipped = field.where(~noise, 0).assign_attrs(field.attrs)
    if field.chunks is not None:
        return clipped
    return clipped.assign_attrs(negatives_clipped=int(field.attrs.get("negatives_clipped", 0)) + int(noise.sum()))
