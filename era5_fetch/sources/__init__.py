"""Where weather comes from: sources behind one protocol, by name, by path, or as an object."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from era5_fetch.errors import SourceError, VariableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import xarray as xr

    from era5_fetch.credentials import Key
    from era5_fetch.dialect import Accumulation
    from era5_fetch.emulator import Emulator
    from era5_fetch.grid import Method
    from era5_fetch.patience import Patience
    from era5_fetch.period import Period
    from era5_fetch.progress import Teller
    from era5_fetch.request import DataFormat


class Source(Protocol):
    """Something that gives variables over a period in the canonical form of `decode`."""

    @property
    def name(self) -> str:
        """What it is called."""

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset, on the grid or, with points, (time, place)."""


@dataclass(frozen=True)
class Settings:
    """What a source may be told; each takes what it knows."""

    cache: Path | None = None
    """The folder for what is fetched; by default ERA5_FETCH_CACHE or the user's cache folder."""
    key: str | Key | None = field(default=None, repr=False)
    url: str | None = None
    refresh: bool = False
    """Fetch again what was preliminary and is final by now."""
    emulator: str | PathLike[str] | Emulator | None = None
    """Of boundary-layer height, or the file it was saved to; forecasts need it."""
    data_format: DataFormat = "netcdf"
    patience: Patience | None = None
    teller: Teller | None = None
    wait: pd.Timedelta | None = None
    """How long the CDS's queue is waited for; None is as long as it takes. Jobs go on in the next run."""
    now: pd.Timestamp | None = None
    """The time (UTC) by which it is told what is published; None is now."""


SOURCES: Mapping[str, str] = MappingProxyType(
    {name: f"era5_fetch.sources.{name}" for name in ("cds", "arco", "google", "earthmover", "opendata")}
)
"""Modules of the sources by name; each has `source(settings)`."""


def open(  # noqa: A001 - era5_fetch.open, as xarray has open_dataset
    variables: str | Sequence[str],
    period: Period,
    *,
    source: str | PathLike[str] | Source = "cds",
    area: Sequence[float] | None = None,
    points: pd.DataFrame | None = None,
    method: Method = "bilinear",
    accumulation: Accumulation | None = None,
    cache: str | PathLike[str] | None = None,
    key: str | Key | None = None,
    url: str | None = None,
    refresh: bool = False,
    emulator: str | PathLike[str] | Emulator | None = None,
) -> xr.Dataset:
    """The canonical Dataset of `variables` over a period, in memory.

    `variables` by any dialect's names, one or several; `period` as in `period.Period`; `source` one of `SOURCES`,
    or a folder, a file, or a glob such as `era5/**/*.nc`, or a `Source`. What "cds" and "opendata" fetched stays in
    the folder `cache`: for what is there neither network nor key is needed. Of "arco", "google" and "earthmover"
    nothing is kept. `emulator` (`emulator.train`, `era5-fetch blh train`) makes the `blh` that forecasts lack.
    Hours that are not there (no file holds them, or they are not published yet) are absent, and a variable is NaN
    at those only others have; `missing_hours` lists both.

    With `area` [north, west, south, east; degrees] the grid is cut to it. With `points` the Dataset is
    `(time, place)`, as from `extraction.extract`, without ever holding the grid.

    Raises
    ------
    VariableError
        No variable, or one that no table knows or no file holds; the message names those found.
    PeriodError
        The period is empty, or there is no hour of a variable in it.
    GridError
        The area or a point reaches beyond the grid; files on different grids.
    FileError, DecodeError, PackageError
        No file, or a file is not what was agreed; as in `decode.open_file`.
    SourceError, RequestError, TransferError, ContentError
        A remote source does not answer, refuses, breaks off, or gives something else than was asked for.
    """
    names = [variables] if isinstance(variables, str) else list(variables)
    if not names:
        raise VariableError("no variables, agreed one at least, such as 't2m'")
    _require_extraction(points, method)
    settings = Settings(None if cache is None else Path(cache), key, url, refresh, emulator)
    chosen = source_of(source, settings, accumulation=accumulation)
    return chosen.open(names, period, area=area, points=points, method=method)


def _require_extraction(points: pd.DataFrame | None, method: Method) -> None:
    """Before anything is fetched, that places are places and the way to them is one."""
    from era5_fetch.grid import require_method, require_points

    require_method(method)
    if points is not None:
        require_points(points)


def source_of(
    source: str | PathLike[str] | Source, settings: Settings, *, accumulation: Accumulation | None = None
) -> Source:
    """The source behind a name or a path, or itself; a SourceError where a word is neither."""
    if isinstance(source, str) and source in SOURCES:
        made: Source = importlib.import_module(SOURCES[source]).source(settings)
        return made
    if isinstance(source, str | PathLike):
        from era5_fetch.store import PlaceStore, is_store

        if is_store(source):
            return PlaceStore(source)
        from era5_fetch.sources.folder import Folder

        if isinstance(source, str) and source.isidentifier() and not Path(source).exists():
            raise SourceError(f"source {source!r}, agreed {', '.join(SOURCES)}, or a folder, a file or a glob of files")
        return Folder(source, accumulation)
    return source
