"""The arrays of an archive: a group for each year, values and who gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import zarr
from zarr.errors import NodeNotFoundError

from pipeline.archive.ledger import Claim, Ledger, hours
from pipeline.errors import InputError

HOURS_A_CHUNK = 24
STATIONS_A_CHUNK = 2048
"""The nation's network, some 1,700 stations, is one chunk wide."""
GIVEN_BY = "given_by"
NOBODY = 0

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Written:
    """A batch about to be written: its number, labels, the positions of its stations, values (time, station)."""

    number: int
    labels: pd.DatetimeIndex
    positions: npt.NDArray[np.int64]
    values: dict[str, Floats]


@dataclass(frozen=True)
class Year:
    """The labels of a calendar year, YYYY-01-01 00:00 to YYYY-12-31 23:00."""

    number: int

    @cached_property
    def labels(self) -> pd.DatetimeIndex:
        """All of them."""
        return pd.date_range(f"{self.number}-01-01", f"{self.number + 1}-01-01", freq="h", inclusive="left", unit="ns")

    @cached_property
    def first(self) -> int:
        """The first label in hours since 1970."""
        return int(hours(self.labels[:1])[0])


class Store:
    """The arrays in ``folder``; made when they are not there and ``write``."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        try:
            self.root = zarr.open_group(folder, mode="a" if write else "r", zarr_format=3)
        except (NodeNotFoundError, FileNotFoundError, ValueError) as error:
            raise InputError(f"{folder}: not a Zarr archive ({' '.join(str(error).split())}); ingest anew") from None

    def array(self, year: Year, name: str, *, given_by: bool = False) -> zarr.Array[Any] | None:
        """The array of a year and variable; None when there is none."""
        found = self.root.get(f"{year.number}/{GIVEN_BY}/{name}" if given_by else f"{year.number}/{name}")
        return found if isinstance(found, zarr.Array) else None

    def block(self, year: Year, name: str, rows: slice, counts: npt.NDArray[np.bool_]) -> tuple[Floats, Numbers]:
        """Values (time, station) that count, NaN elsewhere, and the number of the batch that gave each, 0 elsewhere."""
        found, numbers = self._stored(year, name, rows)
        count = _counted(numbers, counts)
        return np.where(count, found, np.float32(np.nan)), np.where(count, numbers, np.int32(NOBODY))

    def values(self, year: Year, name: str, rows: slice, counts: npt.NDArray[np.bool_]) -> Floats:
        """The values (time, station) of ``block`` alone."""
        found, numbers = self._stored(year, name, rows)
        found[~_counted(numbers, counts)] = np.nan
        return found

    def _stored(self, year: Year, name: str, rows: slice) -> tuple[Floats, Numbers]:
        """Both arrays as they are stored, as wide as both; of no station when there are none."""
        values, given_by = self.array(year, name), self.array(year, name, given_by=True)
        if values is None or given_by is None:
            length = len(year.labels[rows])
            return np.full((length, 0), np.nan, np.float32), np.zeros((length, 0), np.int32)
        found, numbers = np.asarray(values[rows]), np.asarray(given_by[rows])
        width = min(found.shape[1], numbers.shape[1])
        return found[:, :width], numbers[:, :width]

    def write(self, batches: Sequence[Written], ledger: Ledger) -> list[Claim]:
        """Writes batches of new numbers, nothing of what is held being touched; the claims they make besides."""
        counts = ledger.counts()
        names = sorted({name for batch in batches for name in batch.values})
        years = sorted({int(year) for batch in batches for year in batch.labels.year.unique()})
        claims: list[Claim] = []
        for year in map(Year, years):
            for name in names:
                claims += self._write(year, name, batches, counts, ledger)
        return claims

    def _write(
        self, year: Year, name: str, batches: Sequence[Written], counts: npt.NDArray[np.bool_], ledger: Ledger
    ) -> list[Claim]:
        concerned = [batch for batch in batches if name in batch.values and (batch.labels.year == year.number).any()]
        if not concerned:
            return []
        indexes = np.concatenate([year.labels.get_indexer(batch.labels) for batch in concerned])
        inside = indexes[indexes >= 0]
        rows = slice(
            int(inside.min()) // HOURS_A_CHUNK * HOURS_A_CHUNK,
            min((int(inside.max()) // HOURS_A_CHUNK + 1) * HOURS_A_CHUNK, len(year.labels)),
        )
        width = max(int(batch.positions.max(initial=-1)) + 1 for batch in concerned)
        arrays = self._arrays(year, name, width)
        values, numbers = self.block(year, name, rows, counts)
        old = ledger.claims(year.first + rows.start, year.first + rows.stop - 1, name)
        claimed = {(claim.label - year.first - rows.start, claim.position) for claim in old}
        claims: list[Claim] = []
        for batch in concerned:
            found = year.labels.get_indexer(batch.labels)
            here = found >= 0
            cells = np.ix_(found[here] - rows.start, batch.positions)
            claims += _lay(
                batch, batch.values[name][here], cells, values, numbers, claimed, name, year.first + rows.start
            )
        for array, content in zip(arrays, (values, numbers), strict=True):
            array[rows] = content
        return claims

    def _arrays(self, year: Year, name: str, width: int) -> tuple[zarr.Array[Any], zarr.Array[Any]]:
        """Both arrays of a year and variable, at least so wide."""
        group = self.root.require_group(str(year.number))
        if "time" not in group:
            time = group.create_array("time", data=hours(year.labels), dimension_names=["time"])
            time.attrs.update({"units": "hours since 1970-01-01", "calendar": "proleptic_gregorian"})
        wide = max(-(-width // STATIONS_A_CHUNK), 1) * STATIONS_A_CHUNK
        kinds = ((group, "float32", np.nan), (group.require_group(GIVEN_BY), "int32", NOBODY))
        arrays = []
        for place, kind, fill in kinds:
            if name in place:
                array = place[name]
                assert isinstance(array, zarr.Array)
                if array.shape[1] < wide:
                    array.resize((array.shape[0], wide))
            else:
                array = place.create_array(
                    name,
                    shape=(len(year.labels), wide),
                    chunks=(HOURS_A_CHUNK, STATIONS_A_CHUNK),
                    dtype=kind,
                    fill_value=fill,
                    dimension_names=["time", "station"],
                )
            arrays.append(array)
        return arrays[0], arrays[1]


def _counted(numbers: Numbers, counts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where the batch of a number counts; ``counts`` is by number, and no other number does."""
    if counts[NOBODY + 1 :].all():
        return (numbers > NOBODY) & (numbers < len(counts))
    counted: npt.NDArray[np.bool_] = np.append(counts, False)[np.minimum(numbers, len(counts))]
    return counted


def _lay(
    batch: Written,
    new: Floats,
    cells: tuple[npt.NDArray[Any], ...],
    values: Floats,
    numbers: Numbers,
    claimed: set[tuple[int, int]],
    name: str,
    first: int,
) -> list[Claim]:
    """Puts a batch's values where no other's stand, in place; where one stands, both become claims."""
    given = np.isfinite(new)
    taken = given & (numbers[cells] != NOBODY)
    free = given & ~taken
    values[cells] = np.where(free, new, values[cells])
    numbers[cells] = np.where(free, np.int32(batch.number), numbers[cells])
    contested = taken.copy()
    if claimed:
        rows, columns = np.broadcast_arrays(*cells)
        pairs = zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True)
        contested |= given & np.array([pair in claimed for pair in pairs]).reshape(given.shape)
    claims = []
    for row, column in zip(*np.nonzero(contested), strict=True):
        place = (int(cells[0][row, 0]), int(cells[1][0, column]))
        claimed.add(place)
        if taken[row, column]:
            holder = int(numbers[place])
            claims.append(Claim(name, first + place[0], place[1], holder, float(values[place])))
        claims.append(Claim(name, first + place[0], place[1], batch.number, float(new[row, column])))
    return claims
