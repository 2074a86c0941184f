"""Files on disk -> one canonical Dataset over a period."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from era5_fetch.decode import decoded
from era5_fetch.errors import FileError, GridError
from era5_fetch.extraction import points_reduction
from era5_fetch.grid import within
from era5_fetch.stream import bounding, gathered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd
    import xarray as xr

    from era5_fetch.dialect import Accumulation
    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.stream import Reduction

SUFFIXES = frozenset({".nc", ".nc4", ".cdf", ".netcdf", ".zip", ".grib", ".grib1", ".grib2", ".grb", ".grb2"})
"""Which files of a folder are meant; what they are, their first bytes say."""


@dataclass(frozen=True)
class Folder:
    """A source: the files of a folder, one file, or a glob such as `era5/**/*.nc`."""

    path: str | PathLike[str]
    accumulation: Accumulation | None = None
    name: ClassVar[str] = "folder"

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset of what the files hold; see `sources.open`."""
        return read(
            files_of(self.path),
            variables,
            period,
            area=area,
            points=points,
            method=method,
            accumulation=self.accumulation,
        )


def read(
    files: Sequence[Path],
    variables: Sequence[str],
    period: Period,
    *,
    area: Sequence[float] | None = None,
    points: pd.DataFrame | None = None,
    method: Method = "bilinear",
    accumulation: Accumulation | None = None,
) -> xr.Dataset:
    """The canonical Dataset of some files, in memory, cut to an area or taken to points.

    Files may hold any hours and variables: of hours held twice the final one stays (preliminary gives way),
    and of two alike that of the later file. Errors as in `sources.open`.
    """
    if area is not None and points is not None:
        raise GridError("an area and points, agreed one of them: points need no area")
    reduction = _cut_to(area) if points is None else points_reduction(points, variables, method=method)
    return gathered(files, variables, reduction, period=period, accumulation=accumulation)


def _cut_to(area: Sequence[float] | None) -> Reduction:
    def reduction(cube: xr.Dataset) -> xr.Dataset:
        if area is None:
            return decoded(cube).load()
        inside = within(cube, area)
        window = {name: bounding(mask) for name, mask in inside.items()}
        # a run is read at once, then thinned: across the date line it holds what lies between
        return decoded(cube.isel(window)).isel({n: m[window[n]] for n, m in inside.items()}).load()

    return reduction


def files_of(source: str | PathLike[str]) -> list[Path]:
    """The files of a folder, a glob or a path, sorted by path; of a folder those with known suffixes.

    Raises
    ------
    FileError
        There are none.
    """
    path = Path(source)
    if path.is_dir():
        found = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    else:
        found = sorted(Path(f) for f in glob.glob(str(source), recursive=True))  # noqa: PTH207 - may be absolute
    if not found:
        raise FileError(f"no file in {source}, agreed a folder or a glob of {', '.join(sorted(SUFFIXES))}")
    return found
