"""Places over the years in a small Zarr, filled a file at a time.

A store is a Zarr 3 group with the arrays `(time, place)` of the variables, float32, NaN where there is none; `time` in
the order in which hours came; `preliminary(time)`; and `standing/<variable>(time)`, how good each hour is
(`combine`). Its attribute `files` is the journal: the files that are in it, with size and time of change, and for how
many places of which variables. A file is entered there when all of it is written, and writes no hour anywhere but in
that hour's row: whatever was cut short is done again, and nothing is there twice.

What accumulates over the day (ERA5-Land) stays so in the store, and packing's negatives stay as they are:
`PlaceStore.open` gives the canonical form, as `extraction.extract` does of the files.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, BloscShuffle

from era5_fetch.accumulation import HOUR
from era5_fetch.combine import ABSENT, PRELIMINARY, UNKNOWN, box, ordered, standing_of, with_standing
from era5_fetch.container import opened
from era5_fetch.decode import CONVENTIONS, finished, naming
from era5_fetch.dialect import labelled
from era5_fetch.errors import BusyError, DecodeError, FileError, GridError, PeriodError, VariableError
from era5_fetch.extraction import paths, places_reduction
from era5_fetch.period import hours
from era5_fetch.places import Points
from era5_fetch.stream import bounding, canonical_name, pieces, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    from era5_fetch.dialect import Accumulation
    from era5_fetch.grid import Integers, Method
    from era5_fetch.period import Period
    from era5_fetch.places import Places
    from era5_fetch.stream import Reduction

HOURS_A_CHUNK, PLACES_A_CHUNK = 744, 128
"""A month, so that a monthly file rewrites no more than the chunk it ends and the one it begins."""
CHUNKS_AT_ONCE = 1
"""Chunks that are packed at a time: memory grows with them, and on one core nothing is won."""
MADE_BY = "era5_fetch"
STANDING = "standing"
_COMMENT = "open with era5_fetch.open: sums over the day are undone, and packing's negatives clipped, on reading"
_DAILY = "time: sum (comment: since 00 UTC of the day)"
_SECOND = 1_000_000_000
_OVER_PLACES = {
    "latitude": {"standard_name": "latitude", "units": "degrees_north"},
    "longitude": {"standard_name": "longitude", "units": "degrees_east"},
}


@dataclass(frozen=True)
class Updated:
    """What an update did: the files that were read, and those that were in the store already."""

    read: tuple[Path, ...]
    known: tuple[Path, ...]


def is_store(path: str | PathLike[str]) -> bool:
    """Whether a path is a store that this module made."""
    try:
        found = json.loads((Path(path) / "zarr.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("attributes", {}).get("made_by") == MADE_BY


@dataclass(frozen=True)
class PlaceStore:
    """A store in a folder, by custom called `NAME.zarr`; a source to open, and what `update` fills."""

    path: str | PathLike[str]
    name: ClassVar[str] = "store"

    # -- filling ------------------------------------------------------------------------------------------------------

    def update(
        self,
        files: Iterable[str | PathLike[str]],
        variables: Sequence[str],
        places: Places,
        *,
        period: Period | None = None,
        accumulation: Accumulation | None = None,
        extend: bool = False,
    ) -> Updated:
        """Take files to places, each once, and into the store, which is made when it is not there.

        `variables` by any dialect's names, or what is taken of the cells around (t2m_mean_5x5); those that
        came before stay. Files are taken whole; with `period` only those that reach into it. A file that has
        changed since is read again: of an hour held twice the final stays, or else the later to come. New
        variables and, with `extend`, new places are read from the files in which they are lacking; with
        `extend` from all that are in the store. In memory is one file's part.

        Raises
        ------
        GridError
            The places or the method are not the store's; or as in `extraction.extract`.
        VariableError
            A variable is in none of the files.
        BusyError
            Another process fills the store.
        FileError, DecodeError, PackageError
            As in `decode.open_file`; a folder that is no store; a file gone that new places need.
        """
        names = list(dict.fromkeys(canonical_name(name) for name in variables))
        span = None if period is None else hours(period)
        with self._locked():
            filling = _Filling(Path(self.path), places, extend=extend)
            filled: dict[bool, list[Path]] = {True: [], False: []}
            for path in dict.fromkeys([*filling.behind, *paths(files)]):
                left = filling.left(path, names)
                if left and span is not None and not _reaches(path, span):
                    continue
                filling.take(path, left, accumulation)
                filled[bool(left)].append(path)
            filling.require(names)
        return Updated(tuple(filled[True]), tuple(filled[False]))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        path = Path(self.path)
        if path.exists() and not is_store(path) and not _is_hardly_begun(path):
            raise FileError(f"{path}: is there and is no store of {MADE_BY}, agreed one or nothing: name another")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
            with lock, zarr.config.set({"async.concurrency": CHUNKS_AT_ONCE}):
                yield
        except Timeout:
            raise BusyError(f"{path}: another process fills it: wait for its end") from None

    # -- opening ------------------------------------------------------------------------------------------------------

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset `(time, place)` over a period, in memory; of all places, or of some points.

        Points are told by name, and must lie where the store's do. Hours that are not there are absent.

        Raises
        ------
        VariableError, PeriodError
            A variable, or any hour of it in the period, is not there.
        GridError
            An area; or points that are not the store's.
        FileError
            There is no store.
        """
        if area is not None:
            raise GridError(f"{self.path}: holds places, not a grid: give points, or none for all of them")
        root, names, span = self._root(), [canonical_name(name) for name in variables], hours(period)
        held = sorted(name for name, _ in root.arrays() if f"{STANDING}/{name}" in root)
        if lacking := [name for name in names if name not in held]:
            raise VariableError(f"no {', '.join(lacking)} in {self.path}; found: {', '.join(held) or 'nothing'}")
        columns = self._columns(root, points, method)
        times = _times(root)
        order = np.argsort(times.values)
        inside = order[(times[order] >= span[0] - HOUR) & (times[order] <= span[-1])]
        read = {name: _Field.of(root, name) for name in dict.fromkeys(names)}
        standing = np.stack([field.standing_at(inside) for field in read.values()])
        if empty := [n for n, s in zip(read, standing, strict=True) if not s[times[inside] >= span[0]].any()]:
            asked = f"from {span[0]:%Y-%m-%d %H:%M} to {span[-1]:%Y-%m-%d %H:%M}"
            raise PeriodError(f"no hour of {', '.join(empty)} {asked} in {self.path}: fetch and extract them first")
        kept = (standing != ABSENT).any(axis=0)
        standing, inside = standing[:, kept], inside[kept]
        fields = {name: field.values_at(inside, columns) for name, field in read.items()}
        whole = xr.Dataset(fields, coords={"time": times[inside], **_coordinates(root, columns)})
        told = np.isin(standing, [ABSENT, UNKNOWN], invert=True).any()
        return trimmed(finished(with_standing(whole, standing) if told else whole), span)

    def _root(self) -> zarr.Group:
        if not is_store(self.path):
            raise FileError(f"{self.path}: no store of {MADE_BY}: make it with `era5-fetch extract --out`")
        root = zarr.open_group(self.path, mode="r", zarr_format=3)
        if "places" not in root.attrs:
            raise FileError(f"{self.path}: cut short when it was made: run `era5-fetch extract` again")
        return root

    def _columns(self, root: zarr.Group, points: pd.DataFrame | None, method: Method) -> Integers:
        names, definitions = _held_places(root)
        if points is None:
            return np.arange(len(names))
        asked = Points(points, method)
        if root.attrs["method"] != method:
            raise GridError(f"{self.path}: holds {root.attrs['method']!r}, asked {method!r}: ask for what it holds")
        where = {name: number for number, name in enumerate(names)}
        for name, definition in zip(asked.names.tolist(), asked.definitions, strict=True):
            if name not in where:
                raise GridError(f"{self.path}: lacks {name!r}: extract it with `era5-fetch extract --extend`")
            if definitions[where[name]] != definition:
                raise GridError(_moved(Path(self.path), name, definitions[where[name]], definition))
        return np.array([where[name] for name in asked.names.tolist()])


def _is_hardly_begun(path: Path) -> bool:
    """Whether a path is a folder without a file, but for one that was cut short."""
    return path.is_dir() and all(file.suffix == ".partial" for file in path.iterdir())


def _reaches(path: Path, span: pd.DatetimeIndex) -> bool:
    """Whether a file holds an hour of a span."""
    with opened(path) as cubes, naming(path):
        times = [labelled(cube, wanted=()).indexes["time"] for cube in cubes]
    return any(((t >= span[0]) & (t <= span[-1])).any() for t in times)


class _Filling:
    """A store open for writing by the one process that may, and the places in its order."""

    def __init__(self, path: Path, places: Places, *, extend: bool) -> None:
        self._path = path
        self._root = zarr.open_group(path, mode="a", zarr_format=3, attributes={"made_by": MADE_BY})
        if "places" not in self._root.attrs:
            self._root = _made(path, places)
        self._times = _times(self._root)
        self._fields: dict[str, _Field] = {}
        self._places = self._agreed(places, extend=extend)
        self._count = len(self._places.names)
        self._reductions: dict[tuple[int, tuple[str, ...]], Reduction] = {}
        self.behind = self._behind(every=extend)
        if self._count > len(_held_places(self._root)[0]):
            _write_places(self._root, self._places)

    def _agreed(self, places: Places, *, extend: bool) -> Places:
        """The places in the order of the store, those that are new behind."""
        root, given, now = self._root, places.names.tolist(), places.definitions
        if root.attrs["method"] != places.method:
            raise GridError(
                f"{self._path}: was made with {root.attrs['method']!r}, asked {places.method!r}: name another store"
            )
        names, definitions = _held_places(root)
        where = {name: number for number, name in enumerate(given)}
        if gone := [name for name in names if name not in where]:
            raise GridError(f"{self._path}: also holds {_listed(gone)}: give all its places, or name another store")
        for name, definition in zip(names, definitions, strict=True):
            if now[where[name]] != definition:
                raise GridError(_moved(self._path, name, definition, now[where[name]]))
        new = [name for name in given if name not in set(names)]
        if new and not extend:
            raise GridError(
                f"{self._path}: lacks {_listed(new)}: extend it (extend=True, --extend) from its files,"
                " or name another store"
            )
        return places.only([where[name] for name in [*names, *new]])

    def _behind(self, *, every: bool) -> list[Path]:
        """The files of the journal that lack places; all of them, or those that are still there."""
        files = self._journal()
        behind = [Path(name) for name, entry in files.items() if min(entry["done"].values(), default=0) < self._count]
        gone = [path for path in behind if not path.exists()]
        if gone and every:
            raise FileError(f"{gone[0]}: is gone, and new places need it: fetch it again, or name another store")
        return [path for path in behind if path not in gone]

    def _journal(self) -> dict[str, Any]:
        found: Any = self._root.attrs.get("files", {})
        return dict(found)

    def left(self, path: Path, names: Sequence[str]) -> dict[str, int]:
        """The variables still to be taken from a file, and how many places of each are there."""
        entry = self._journal().get(str(path.resolve()), {})
        same = entry and {k: entry[k] for k in ("size", "modified")} == _identity(path)
        done = entry["done"] if same else {}
        every = dict.fromkeys([*done, *names]) if path in self.behind else dict.fromkeys(names)
        return {name: done.get(name, 0) for name in every if done.get(name, 0) < self._count}

    def take(self, path: Path, left: Mapping[str, int], accumulation: Accumulation | None) -> None:
        """Write what is left of a file, then enter it in the journal."""
        if not left:
            return
        identity = _identity(path)
        together: defaultdict[int, list[str]] = defaultdict(list)
        for name, done in left.items():
            together[done].append(name)
        flagged: list[Integers] = []
        for done, names in together.items():
            reduction = self._reduction(done, tuple(names))
            for piece in map(ordered, pieces(path, names, reduction, accumulation=accumulation, singly=True)):
                rows = self._write(piece, slice(done, self._count))
                if "preliminary" in piece.coords:
                    flagged.append(rows)
                del piece  # before the next is read
        if flagged:
            self._flag(np.unique(np.concatenate(flagged)))
        files = self._journal()
        entry = files.get(str(path.resolve()), {})
        before = entry["done"] if {k: entry.get(k) for k in identity} == identity else {}
        files[str(path.resolve())] = {**identity, "done": before | dict.fromkeys(left, self._count)}
        self._root.attrs["files"] = files

    def _reduction(self, done: int, names: tuple[str, ...]) -> Reduction:
        """What takes cubes to the places from number `done` on; the weights are noted in the store."""
        if (done, names) not in self._reductions:
            plain = places_reduction(self._places.only(range(done, self._count)), names)

            def reduction(cube: xr.Dataset) -> xr.Dataset:
                if cube.data_vars:
                    self._note(cube)
                return plain(cube)

            self._reductions[done, names] = reduction
        return self._reductions[done, names]

    def _note(self, grid: xr.Dataset) -> None:
        noted: Any = self._root.attrs.get("weights", {})
        digest = weights_digest(grid, self._places)
        if noted.get(box(grid)) != digest:
            self._root.attrs["weights"] = {**noted, box(grid): digest}

    def _write(self, piece: xr.Dataset, columns: slice) -> Integers:
        """The rows of a piece's hours, which are then in the store."""
        rows = self._rows(pd.DatetimeIndex(piece.indexes["time"]))
        found = standing_of(piece)
        for name in map(str, piece.data_vars):
            field = self._field(name, piece[name].attrs)
            better = found >= field.standing_at(rows)
            values = piece[name].transpose("time", "place").values
            _lay(field.array, rows[better], values[better], columns)
            _lay(field.standing, rows[better], found[better].astype("int8"))
        return rows

    def _rows(self, times: pd.DatetimeIndex) -> Integers:
        """The rows of some hours; new ones are added behind."""
        new = times.difference(self._times, sort=True)
        if new.size:
            _array(self._root, "time").append(new.as_unit("ns").asi8 // _SECOND)
            self._times = pd.DatetimeIndex(self._times.append(new))
        return np.asarray(self._times.get_indexer(times))

    def _field(self, name: str, attributes: Mapping[str, Any]) -> _Field:
        root, length = self._root, self._times.size
        if name not in self._fields:
            if f"{STANDING}/{name}" not in root:
                _make(root, name, (length, self._count), "float32", np.nan, _stored(attributes))
                _make(root, f"{STANDING}/{name}", (length,), "int8", ABSENT)
            self._fields[name] = _Field.of(root, name)
        field = self._fields[name]
        if field.array.attrs.get("accumulation") != attributes.get("accumulation"):
            raise DecodeError(f"{name!r} accumulates over the hour and over the day: part ERA5 from ERA5-Land")
        _fit(field.array, (length, self._count))
        _fit(field.standing, (length,))
        return field

    def _flag(self, rows: Integers) -> None:
        """Which of some hours are preliminary, in any variable."""
        root, length = self._root, self._times.size
        if "preliminary" not in root:
            about = {"long_name": "of ERA5T, which the final ERA5 replaces"}
            _make(root, "preliminary", (length,), "bool", False, about)
        flags = _array(root, "preliminary")
        _fit(flags, (length,))
        names = [name for name, _ in zarr.open_group(root.store_path / STANDING, mode="r").arrays()]
        late = [_Field.of(root, name).standing_at(rows) == PRELIMINARY for name in names]
        _lay(flags, rows, np.any(late, axis=0))

    def require(self, names: Sequence[str]) -> None:
        """Raises a VariableError unless every variable came from some file."""
        if lacking := [name for name in names if f"{STANDING}/{name}" not in self._root]:
            held = sorted(name for name, _ in self._root.arrays() if f"{STANDING}/{name}" in self._root)
            raise VariableError(
                f"no {', '.join(lacking)} in the files; {self._path} holds: {', '.join(held) or 'nothing'}"
            )


# -- arrays -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """A variable's arrays. Either may be shorter than the axis of time: beyond its end there is nothing."""

    array: zarr.Array[Any]
    standing: zarr.Array[Any]

    @classmethod
    def of(cls, root: zarr.Group, name: str) -> _Field:
        return cls(_array(root, name), _array(root, f"{STANDING}/{name}"))

    def standing_at(self, rows: Integers) -> np.ndarray[Any, np.dtype[np.int8]]:
        found = np.full(rows.size, ABSENT, dtype="int8")
        there = rows < self.standing.shape[0]
        found[there] = np.asarray(self.standing[:])[rows[there]]
        return found

    def values_at(self, rows: Integers, columns: Integers) -> xr.Variable:
        """Values (time, place), float32; NaN where there is nothing."""
        run, values = bounding(_mask(rows)), np.full((rows.size, columns.size), np.nan, dtype="float32")
        there = (rows < self.array.shape[0]) & (self.standing_at(rows) != ABSENT)
        wide = columns < self.array.shape[1]
        block = np.asarray(self.array[run])
        values[np.ix_(there, wide)] = block[np.ix_(rows[there] - run.start, columns[wide])]
        return xr.Variable(("time", "place"), values, _canonical_attributes(dict(self.array.attrs)))


def _mask(rows: Integers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros(int(rows.max(initial=-1)) + 1, dtype=bool)
    mask[rows] = True
    return mask


def _array(root: zarr.Group, name: str) -> zarr.Array[Any]:
    found = root[name]
    assert isinstance(found, zarr.Array)
    return found


def _make(
    root: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    kind: Any,
    fill: Any,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    chunks, dims = (HOURS_A_CHUNK, PLACES_A_CHUNK), ("time", "place")
    root.create_array(
        name,
        shape=shape,
        chunks=chunks[: len(shape)],
        dtype=kind,
        fill_value=fill,
        dimension_names=dims[: len(shape)],
        attributes=dict(attributes or {}),
        compressors=[BloscCodec(cname="lz4", clevel=5, shuffle=BloscShuffle.bitshuffle)],
    )


def _fit(array: zarr.Array[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        array.resize(shape)


def _lay(array: zarr.Array[Any], rows: Integers, values: np.ndarray[Any, Any], columns: slice | None = None) -> None:
    if not rows.size:
        return
    run = slice(int(rows[0]), int(rows[-1]) + 1)
    together = run.stop - run.start == rows.size and bool((np.diff(rows) == 1).all())
    if columns is None:
        array.oindex[run if together else rows] = values
    else:
        array.oindex[run if together else rows, columns] = values


def _times(root: zarr.Group) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(_array(root, "time")[:]) * _SECOND, name="time")


def _stored(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A field's attributes as they are true of the store."""
    found = {k: v for k, v in attributes.items() if k != "negatives_clipped"}
    if found.get("accumulation") != "day":
        return found
    return found | {"cell_methods": _DAILY, "cell_methods_by_hour": found.get("cell_methods", "")}


def _canonical_attributes(stored: dict[str, Any]) -> dict[str, Any]:
    by_hour = stored.pop("cell_methods_by_hour", None)
    return stored if by_hour is None else stored | {"cell_methods": by_hour}


# -- places -----------------------------------------------------------------------------------------------------------


def weights_digest(grid: xr.Dataset, places: Places) -> str:
    """The SHA-256 of what the weights come from: the axes of the grid, the method, and what the places are."""
    axes = b"".join(grid[name].values.astype("<f8").tobytes() for name in ("latitude", "longitude"))
    definitions = json.dumps([places.method, *places.definitions]).encode()
    return hashlib.sha256(axes + definitions).hexdigest()


def _made(path: Path, places: Places) -> zarr.Group:
    """A new store of some places, without an hour; the number of places is written last."""
    about = {"made_by": MADE_BY, "Conventions": CONVENTIONS, "comment": _COMMENT, "method": places.method}
    root = zarr.create_group(path, zarr_format=3, overwrite=True, attributes=about)
    units = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian", "standard_name": "time"}
    _make(root, "time", (0,), "int64", 0, units)
    _write_places(root, places)
    return root


def _write_places(root: zarr.Group, places: Places) -> None:
    columns = {"definition": ("place", np.array(places.definitions))} | places.coordinates
    for name, column in columns.items():
        values = column[1] if isinstance(column, tuple) else column
        if name not in root:
            kind: Any = str if values.dtype.kind in "UO" else values.dtype
            about: dict[str, Any] = dict(_OVER_PLACES.get(name, {}))
            root.create_array(
                name, shape=(0,), chunks=(PLACES_A_CHUNK,), dtype=kind, dimension_names=["place"], attributes=about
            )
        array = _array(root, name)
        _fit(array, (values.size,))
        array[:] = values.astype(object) if values.dtype.kind == "U" else values
    root.attrs["places"] = len(places.names)


def _held_places(root: zarr.Group) -> tuple[list[Any], list[str]]:
    count: Any = root.attrs["places"]
    names, definitions = (np.asarray(_array(root, name)[:count]).tolist() for name in ("place", "definition"))
    return names, definitions


def _coordinates(root: zarr.Group, columns: Integers) -> dict[str, Any]:
    found: dict[str, Any] = {"place": np.array(np.asarray(_array(root, "place")[:]).tolist())[columns]}
    degrees = (name for name in _OVER_PLACES if name in root)
    return found | {name: ("place", np.asarray(_array(root, name)[:])[columns]) for name in degrees}


def _identity(path: Path) -> dict[str, int]:
    """The size of a file and when it was changed [ns since 1970]."""
    try:
        found = path.stat()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}, agreed a file") from None
    return {"size": found.st_size, "modified": found.st_mtime_ns}


def _listed(names: Sequence[Any]) -> str:
    return f"{names[0]!r}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _moved(path: Path, name: Any, was: str, now: str) -> str:
    return f"{path}: {name!r} was {was} and is {now}: give it another name, or name another store"
