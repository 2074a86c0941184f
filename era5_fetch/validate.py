"""Is a file what was asked for? The server says "successful" of less than that too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from era5_fetch import lexicon
from era5_fetch.combine import box
from era5_fetch.container import opened
from era5_fetch.decode import decoded
from era5_fetch.dialect import labelled
from era5_fetch.errors import ContentError
from era5_fetch.request import STEP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from era5_fetch.request import Request

BLOCK = 4_000_000
"""Values looked at together: 16 MB in float32."""
TOLERANCE = 1e-3
"""Coordinates closer than this [degrees] are the same cell of a grid of 0.25."""
SHOWN = 3


class Unpublished(ContentError):
    """None of the hours is there, and none is sure to be published yet."""


@dataclass(frozen=True)
class Report:
    """What a file holds of its request."""

    hours: pd.DatetimeIndex
    """There, of every variable."""
    pending: pd.DatetimeIndex
    """Asked for, not there, and not published for sure: the newest."""
    preliminary: pd.DatetimeIndex
    """Of ERA5T."""
    missing_share: Mapping[str, float]
    """Of each variable's values, the share that is NaN."""
    out_of_range: Mapping[str, int]
    """Of each variable, the values outside its plausible range; none of a variable is not listed."""

    @property
    def span(self) -> tuple[pd.Timestamp, ...]:
        """First and last hour, and the last preliminary one if there is any."""
        return (self.hours[0], self.hours[-1], *self.preliminary[-1:])

    @property
    def note(self) -> str:
        """What is odd and no reason to refuse the file, in a line; empty where nothing is."""
        outside = [
            f"{count} values of {name} outside {'..'.join(f'{bound:g}' for bound in lexicon.variable(name).plausible)}"
            for name, count in self.out_of_range.items()
        ]
        absent = [
            f"{share:.1%} of {name} absent"
            for name, share in self.missing_share.items()
            if share and lexicon.variable(name).absent_in_places
        ]
        pending = [f"{self.pending.size} hours not published yet"] if self.pending.size else []
        return "; ".join(outside + absent + pending)


@dataclass
class _Field:
    """What was counted of one variable."""

    times: pd.DatetimeIndex
    missing: np.ndarray[Any, np.dtype[np.intp]]
    """Of each hour, the cells without a value."""
    cells: int
    outside: int

    @property
    def empty(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """The hours without any value."""
        return np.asarray(self.missing == self.cells)

    @property
    def values(self) -> int:
        return self.cells * self.missing.size

    @property
    def absent(self) -> int:
        return int(self.missing.sum())


def check(dataset: xr.Dataset, request: Request, *, published_until: pd.Timestamp | None = None) -> Report:
    """What a dataset of any dialect holds of a request; every value is looked at, a block at a time.

    The last hours may be missing if they are later than `published_until`. An hour that is NaN everywhere is a
    missing hour, and NaN at some of its cells is an error; but of variables that are absent in places by nature
    (`lexicon.Variable`) NaN is counted.

    Raises
    ------
    ContentError
        A variable, an hour, a part of the area or of an hour's values is missing, or a variable lies mostly
        outside its range.
    DecodeError
        The contents are not what was agreed.
    """
    return _judged([labelled(dataset, wanted=request.variables)], request, published_until)


def check_file(path: Path, request: Request, *, published_until: pd.Timestamp | None = None) -> Report:
    """As `check`, of a file of any agreed format; memory does not grow with its length.

    Raises
    ------
    ContentError, DecodeError
        As `check`.
    FileError
        Damaged, or not of these formats.
    """
    with opened(path) as cubes:
        parts = [labelled(cube, wanted=request.variables) for cube in cubes]
        return _judged(parts, request, published_until)


def _judged(cubes: Sequence[xr.Dataset], request: Request, published_until: pd.Timestamp | None) -> Report:
    fields: dict[str, list[_Field]] = {}
    preliminary = [pd.DatetimeIndex([])]
    for cube in cubes:
        if cube.data_vars:
            _require_grid(cube, request)
        for name in map(str, cube.data_vars):
            fields.setdefault(name, []).append(_counted(cube, name))
        if "preliminary" in cube.coords:
            preliminary.append(_times(cube)[cube["preliminary"].values.astype(bool)])
    _require_variables(request, fields)
    _require_range(request, fields)
    _require_values(request, fields)
    hours = _hours(request, fields)
    return Report(
        hours=hours,
        pending=_require_hours(request, hours, published_until),
        preliminary=_joined(preliminary).intersection(hours),
        missing_share={n: sum(f.absent for f in of) / max(sum(f.values for f in of), 1) for n, of in fields.items()},
        out_of_range={n: outside for n, of in fields.items() if (outside := sum(f.outside for f in of))},
    )


def _joined(parts: Sequence[pd.DatetimeIndex]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.unique(np.concatenate([p.to_numpy("datetime64[ns]") for p in parts])), name="time")


def _counted(cube: xr.Dataset, name: str) -> _Field:
    low, high = lexicon.variable(name).plausible
    tiny = lexicon.variable(name).tiny
    missing, outside, cells = [np.empty(0, dtype=np.intp)], 0, cube.sizes["latitude"] * cube.sizes["longitude"]
    for block in _blocks(cube):
        read = decoded(cube[[name]].isel(time=block))[name].values
        missing.append(np.isnan(read).reshape(read.shape[0], -1).sum(axis=1))
        outside += int(((read < low - tiny) | (read > high)).sum())
    return _Field(_times(cube), np.concatenate(missing), cells, outside)


def _times(cube: xr.Dataset) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(cube.indexes["time"])


def _blocks(cube: xr.Dataset) -> Iterator[slice]:
    hours = max(1, BLOCK // (cube.sizes["latitude"] * cube.sizes["longitude"]))
    yield from (slice(start, start + hours) for start in range(0, cube.sizes["time"], hours))


def _require_grid(cube: xr.Dataset, request: Request) -> None:
    """The cells asked for, and no others."""
    if request.area is None:
        wanted = "the globe"
        same = (cube.sizes["latitude"], cube.sizes["longitude"]) == request.shape
    else:
        north, west, south, east = request.area
        wanted = f"{south:g} to {north:g} N, {west:g} to {east:g} E"
        rows, columns = request.shape
        latitude = np.sort(cube["latitude"].values)[::-1]
        longitude = np.sort((cube["longitude"].values - west + TOLERANCE) % 360 - TOLERANCE)
        same = _close(latitude, north - STEP * np.arange(rows)) and _close(longitude, STEP * np.arange(columns))
    if not same:
        raise ContentError(f"{request.label}: the file covers {box(cube)}, asked for {wanted}: fetch it again")


def _close(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> bool:
    return found.shape == wanted.shape and bool((np.abs(found - wanted) < TOLERANCE).all())


def _require_variables(request: Request, fields: Mapping[str, object]) -> None:
    if lacking := [name for name in request.variables if name not in fields]:
        found = ", ".join(sorted(fields)) or "none of those asked for"
        raise ContentError(f"{request.label}: the file lacks {', '.join(lacking)}, it holds {found}: fetch it again")


def _require_range(request: Request, fields: Mapping[str, Sequence[_Field]]) -> None:
    for name, of in fields.items():
        outside, there = sum(f.outside for f in of), sum(f.values - f.absent for f in of)
        if outside > there / 2:
            known = lexicon.variable(name)
            agreed = "..".join(f"{bound:g}" for bound in known.plausible)
            raise ContentError(
                f"{request.label}: {outside} of {there} values of {name} lie outside {agreed} {known.unit}:"
                " the file is not what it says, fetch it again"
            )


def _require_values(request: Request, fields: Mapping[str, Sequence[_Field]]) -> None:
    """No holes in an hour that is there; those of a variable absent in places are none."""
    for name, of in fields.items():
        holed = [(f, (f.missing > 0) & ~f.empty) for f in of]
        if lexicon.variable(name).absent_in_places or not any(holes.any() for _, holes in holed):
            continue
        count = sum(int(f.missing[holes].sum()) for f, holes in holed)
        first = min(f.times[holes][0] for f, holes in holed if holes.any())
        raise ContentError(
            f"{request.label}: {count} of {sum(f.values for f in of)} values of {name} are missing from"
            f" {first:%Y-%m-%d %H:%M} on, agreed none in an hour that is there: ask again later"
        )


def _hours(request: Request, fields: Mapping[str, Sequence[_Field]]) -> pd.DatetimeIndex:
    """The hours asked for of which every variable has a value."""
    there = request.hours
    for name, of in fields.items():
        sometimes = lexicon.variable(name).absent_in_places
        held = _joined([f.times if sometimes else f.times[~f.empty] for f in of])
        there = there.intersection(held)
    return there


def _require_hours(request: Request, hours: pd.DatetimeIndex, published_until: pd.Timestamp | None) -> pd.DatetimeIndex:
    """The hours that are not there, if they are but the newest."""
    missing = request.hours.difference(hours)
    last = hours[-1] if hours.size else pd.Timestamp.min
    grave = missing[(missing < last) | (missing <= (published_until or pd.Timestamp.max))]
    if missing.size and not hours.size and not grave.size:
        raise Unpublished(f"{request.label}: none of its hours is published yet: ask again in some days")
    if grave.size:
        listed = ", ".join(f"{hour:%Y-%m-%d %H:%M}" for hour in missing[:SHOWN])
        more = f" and {missing.size - SHOWN} more" if missing.size > SHOWN else ""
        raise ContentError(
            f"{request.label}: {hours.size} of {request.hours.size} hours came, missing {listed}{more}:"
            " the server trimmed them; ask again later"
        )
    return missing
