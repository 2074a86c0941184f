"""Zarr stores: opened by their metadata, read by the chunks that are needed, audited for what is not there.

A store may answer for hours that it does not hold: its axis is padded, its chunks are absent and read as NaN.
Here that is missing, not data: an hour of which every value is NaN is absent, and one of which some are is an
error, but for what is absent in places by nature (`lexicon.Variable`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.decode import decoded, finished
from era5_fetch.dialect import held, labelled
from era5_fetch.errors import ContentError, GridError, PeriodError, RequestError, SourceError, VariableError
from era5_fetch.extraction import BLOCK, reading, taken
from era5_fetch.extras import package
from era5_fetch.grid import within
from era5_fetch.neighbourhood import parsed
from era5_fetch.period import hours
from era5_fetch.places import Points
from era5_fetch.stream import bounding, canonical_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from era5_fetch.credentials import Key
    from era5_fetch.extraction import Reading
    from era5_fetch.grid import Method
    from era5_fetch.neighbourhood import Around
    from era5_fetch.patience import Patience
    from era5_fetch.period import Period

READERS = 8
"""Reads under way at a time: most of their time is waiting."""


@dataclass(frozen=True)
class Store:
    """An opened store: what it is called, and what it holds, lazy and in its own dialect."""

    name: str
    raw: xr.Dataset

    def read(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset, in memory; with points only the chunks around them are read.

        Of points a variable may be one of the cells around them, such as t2m_mean_5x5 (`neighbourhood`).

        Memory grows with hours times places, and with the size of a chunk.

        Raises
        ------
        VariableError
            The store does not hold a variable, or one of the cells around points is asked for without points.
        PeriodError
            It holds no hour of a variable in the period.
        ContentError
            Of an hour that is there, values are missing.
        GridError
            As in `sources.open`.
        RequestError, SourceError
            The store refuses the key, or does not answer.
        """
        selection = self.select(variables, period, area=area, points=points, method=method)
        found = {name: selection.read(name) for name in taken(variables)}
        return finished(self._audited(selection, found))[[canonical_name(name) for name in variables]]

    def select(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> Selection:
        """What is to be read, decided from the metadata alone; errors as in `read`."""
        if area is not None and points is not None:
            raise GridError("an area and points, agreed one of them: points need no area")
        asked = taken(variables)
        if points is None and (around := [n for name in variables if parsed(n := canonical_name(name))[1]]):
            raise VariableError(f"{', '.join(around)}: around places, found a grid: give points")
        cube = self._within(self._cube(list(asked)), list(asked), hours(period))
        return InArea(cube, area) if points is None else AtPoints(cube, Points(points, method), asked)

    def _cube(self, names: Sequence[str]) -> xr.Dataset:
        cube = labelled(self.raw, wanted=names, accumulation="hour")
        if lacking := [name for name in names if name not in cube]:
            raise VariableError(f"no {', '.join(lacking)} in {self.name}; found: {self._listed()}")
        return cube

    def _listed(self) -> str:
        known = [v for v in map(lexicon.identify, sorted(held(self.raw))) if v is not None]
        levels = sum(v.level is not None for v in known)
        more = f", and {levels} on pressure levels" if levels else ""
        return (", ".join(v.name for v in known if v.level is None) or "nothing") + more

    def _within(self, cube: xr.Dataset, names: Sequence[str], span: pd.DatetimeIndex) -> xr.Dataset:
        times = cube.indexes["time"]
        inside = np.asarray((times >= span[0]) & (times <= span[-1]))
        if not inside.any():
            raise PeriodError(
                f"no hour of {', '.join(names)} from {span[0]:%Y-%m-%d %H:%M} to {span[-1]:%Y-%m-%d %H:%M}:"
                f" {self.name} goes from {times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}"
            )
        return cube.isel(time=bounding(inside))

    def _audited(self, selection: Selection, found: Mapping[str, Read]) -> xr.Dataset:
        """One Dataset of the hours that are there."""
        judged = {name: read for name, read in found.items() if not _in_places(name)} or found
        times = selection.cube.indexes["time"]
        for name, read in judged.items():
            self._require_held(name, read, times)
        there = np.any([read.held > 0 for read in judged.values()], axis=0)
        fields = {name: values for read in found.values() for name, values in read.values.items()}
        return selection.dataset(fields).isel(time=np.flatnonzero(there))

    def _require_held(self, name: str, read: Read, times: pd.Index) -> None:
        there = read.held > 0
        if not there.any():
            raise PeriodError(
                f"no hour of {name} from {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M}:"
                f" the axis of {self.name} goes on, its data do not"
            )
        gaps = there & (read.held < read.asked)
        if not _in_places(name) and gaps.any():
            cells, hour = int((read.asked - read.held[gaps]).sum()), times[int(np.argmax(gaps))]
            raise ContentError(
                f"{self.name}: {cells} values of {name} are missing in {int(gaps.sum())} hours from"
                f" {hour:%Y-%m-%d %H:%M} on, agreed none where an hour is there: ask again later, or another source"
            )


def _in_places(name: str) -> bool:
    return lexicon.variable(name).absent_in_places


@dataclass(frozen=True)
class Read:
    """One field read: what was taken of it by name, and of how many cells each hour has a value."""

    values: Mapping[str, xr.Variable]
    held: np.ndarray[Any, np.dtype[np.intp]]
    asked: int


class AtPoints:
    """What is read for points: the cells with weight, tile by tile."""

    def __init__(self, cube: xr.Dataset, places: Points, asked: Mapping[str, tuple[Around | None, ...]]) -> None:
        self.cube, self._places = cube, places
        known: dict[Hashable, Reading] = {}
        self._readings: dict[str, Reading] = {}
        for name, arounds in asked.items():
            tile = (_chunk(cube[name], "latitude"), _chunk(cube[name], "longitude"))
            if (arounds, tile) not in known:
                known[arounds, tile] = reading(places, cube, arounds, tile)
            self._readings[name] = known[arounds, tile]

    def tiles(self, name: str) -> tuple[slice, ...]:
        """The parts of the cells that lie in one chunk of the grid each."""
        return self._readings[name].tiles

    def read(self, name: str) -> Read:
        """One field at the points, (time, place), once for each thing taken of it."""
        field, places = self.cube[[name]], self._readings[name]
        cells = np.empty((field.sizes["time"], places.row.size), dtype="float32")
        attributes: dict[str, Any] = {}

        def fill(part: tuple[slice, slice]) -> None:
            tile, block = part
            made = places.tile(field.isel(time=block), name, tile)
            cells[block, tile] = made.values
            attributes.update(made.attrs)

        parts = [(tile, block) for tile in places.tiles for block in _blocks(field[name], places, tile)]
        with ThreadPoolExecutor(READERS) as readers:
            list(readers.map(fill, parts))
        values = places.room(len(cells))
        places.multiply(cells, values)
        return Read(places.named(values, name, attributes), np.isfinite(cells).sum(axis=1), cells.shape[1])

    def dataset(self, fields: Mapping[str, xr.Variable]) -> xr.Dataset:
        """Variables read, with their coordinates."""
        return xr.Dataset(fields, coords=self._places.coordinates | _over_time(self.cube))


class InArea:
    """What is read for an area, or for all of the grid: its rows, and one or two runs of its columns."""

    def __init__(self, cube: xr.Dataset, area: Sequence[float] | None) -> None:
        self.cube = cube
        every = {dim: np.ones(cube.sizes[dim], dtype=bool) for dim in ("latitude", "longitude")}
        self._inside = every if area is None else within(cube, area)
        self._rows, self._columns = bounding(self._inside["latitude"]), _runs(self._inside["longitude"])

    def tiles(self, name: str) -> list[tuple[int, int]]:
        """The chunks of the grid to be read."""
        tall, wide = (_chunk(self.cube[name], dim) for dim in ("latitude", "longitude"))
        rows = np.unique(np.flatnonzero(self._inside["latitude"]) // tall)
        columns = np.unique(np.flatnonzero(self._inside["longitude"]) // wide)
        return [(int(row), int(column)) for row in rows for column in columns]

    def read(self, name: str) -> Read:
        """One variable in the area, (time, latitude, longitude)."""
        windows = [self.cube[[name]].isel(latitude=self._rows, longitude=run) for run in self._columns]
        parts = [decoded(window.load())[name].variable for window in windows]
        variable = xr.Variable.concat(parts, "longitude") if len(parts) > 1 else parts[0]
        held = np.isfinite(variable.values).sum(axis=(1, 2))
        return Read({name: variable}, held, int(np.prod(variable.shape[1:])))

    def dataset(self, fields: Mapping[str, xr.Variable]) -> xr.Dataset:
        """Variables read, with their coordinates."""
        axes = {dim: self.cube[dim].values[self._inside[dim]] for dim in ("latitude", "longitude")}
        return xr.Dataset(fields, coords={**axes, **_over_time(self.cube)})


Selection = AtPoints | InArea


def _over_time(cube: xr.Dataset) -> dict[str, xr.DataArray]:
    return {str(k): v for k, v in cube.coords.items() if k in ("time", "preliminary")}


def _runs(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> list[slice]:
    """The slices of what is true: a store from 0 to 360 has both ends of an area around Greenwich."""
    where = np.flatnonzero(mask)
    parts = np.split(where, np.flatnonzero(np.diff(where) > 1) + 1)
    return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


def _chunk(field: xr.DataArray, dim: str) -> int:
    """The length of a chunk; all of the axis where the store does not tell."""
    lengths = field.encoding.get("preferred_chunks", {})
    return int(lengths.get(dim, lengths.get(f"valid_{dim}", field.sizes[dim])))


def _blocks(field: xr.DataArray, places: Reading, tile: slice) -> Iterator[slice]:
    """Runs of hours that end where chunks do, of about BLOCK values of the window around a tile's cells."""
    cells = int((np.ptp(places.row[tile]) + 1) * (np.ptp(places.column[tile]) + 1))
    chunk = _chunk(field, "time")
    length = chunk * max(1, BLOCK // (cells * chunk))
    yield from (slice(start, start + length) for start in range(0, field.sizes["time"], length))


# -- opening ------------------------------------------------------------------------------------------------------


def opened(name: str, url: str, patience: Patience, *, key: Key | None = None) -> Store:
    """A store of Zarr with consolidated metadata, at an http address or in a folder.

    The key goes into the header of every request, and nowhere else.

    Raises
    ------
    RequestError
        The store refuses the key.
    SourceError
        There is no store, or it does not answer.
    PackageError
        The package obstore is not installed (extra `arco`).
    """
    where = _guarded(name, url, patience, key) if "://" in url else url
    try:
        return Store(name, xr.open_zarr(where, chunks=None, consolidated=True))
    except (OSError, KeyError, ValueError):
        if getattr(where, "refused", False):
            raise RequestError(_refusal(name, 403, key)) from None
        raise SourceError(f"{name}: no Zarr store with consolidated metadata at {url}: is the address right?") from None


def _guarded(name: str, url: str, patience: Patience, secret: Key | None) -> Any:
    """A store over http whose every failure is one of ours.

    What is refused with 403 is absent: that is how object stores answer for what is not there.
    """
    package("obstore", extra="arco", needed_by=name)
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import HTTPStore
    from zarr.storage import ObjectStore, WrapperStore

    class Guarded(WrapperStore[Any]):
        refused = False

        async def get(self, key: str, *arguments: Any, **options: Any) -> Any:
            try:
                return await super().get(key, *arguments, **options)
            except UnauthenticatedError:
                # from None: the answer of a server may say the key back
                raise RequestError(_refusal(name, 401, secret)) from None
            except PermissionDeniedError:
                self.refused = True
                return None
            except BaseError as error:
                said = str(error).splitlines()[0]
                found = secret.redacted(said) if secret else said
                raise SourceError(f"{name}: {url} does not answer ({found}): try later") from None

    client, retry = _client_options(url, patience, secret), _retry_options(patience)
    return Guarded(ObjectStore(HTTPStore.from_url(url, client_options=client, retry_config=retry), read_only=True))


def _refusal(name: str, status: int, key: Key | None) -> str:
    if key is None:
        return f"{name}: the server refuses access ({status}), agreed a public store: is the address right?"
    return (
        f"{name}: the server refuses the key ({status}): is it yours of https://cds.climate.copernicus.eu/profile,"
        " and is the licence of ERA5 accepted there?"
    )


def _client_options(url: str, patience: Patience, key: Key | None) -> Any:
    connect, read = patience.timeout
    options = {
        "allow_http": url.startswith("http://"),
        "connect_timeout": timedelta(seconds=connect),
        "timeout": timedelta(seconds=read),
    }
    return options if key is None else options | {"default_headers": {"Authorization": f"Bearer {key.reveal()}"}}


def _retry_options(patience: Patience) -> Any:
    first, last = (timedelta(seconds=wait) for wait in (patience.retries[0], patience.retries[-1]))
    return {
        "max_retries": len(patience.retries),
        "backoff": {"init_backoff": first, "max_backoff": last, "base": 2},
        "retry_timeout": timedelta(seconds=2 * sum(patience.retries)),
    }
