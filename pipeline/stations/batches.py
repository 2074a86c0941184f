"""From a module that reads batches of files to a reader: what all archives share."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import xarray as xr

from pipeline.contracts import Batch, Observed
from pipeline.errors import InputError
from pipeline.stations import blocks, rejections
from pipeline.stations.frames import full_axis
from pipeline.stations.options import other_files

DAY = datetime.timedelta(days=1)
Period = tuple[datetime.date, datetime.date]


class ReaderOfBatches(Protocol):
    """What a module that reads an archive offers."""

    @property
    def Options(self) -> Any:
        """The class of its config keys."""
        ...

    def batches(self, options: Any) -> list[Batch]:
        """The files there are, in batches with stable keys, sorted by key; none at all is an InputError."""
        ...

    def read_batch(self, batch: Batch, options: Any, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
        """What the batch holds, on the labels found; a bad file is listed, and the others are read."""
        ...


@dataclass(frozen=True)
class Batched:
    """A reader made of a module that reads batches."""

    module: ReaderOfBatches

    @property
    def Options(self) -> Any:
        """The module's config keys."""
        return self.module.Options

    def inputs(self, options: Any) -> list[Path]:
        """All files of all batches."""
        return sorted({file for batch in self.module.batches(options) for file in batch.files})

    def read(self, options: Any, *, pollutants: Sequence[str], period: Period, utc_offset: float) -> Observed:
        """All batches that touch the period, joined on its full axis.

        What two batches say of one cell is kept when they agree and rejected when they differ, in whatever order
        they come. Nothing in the period is an InputError.
        """
        there = self.module.batches(options)
        touching = [batch for batch in there if touches(batch.key, period)]
        found = [
            self.module.read_batch(batch, options, pollutants=pollutants, utc_offset=utc_offset) for batch in touching
        ]
        joined = on_full_axis(found, pollutants, period, where=str(options.path), keys=[batch.key for batch in there])
        others = rejections.other_files(other_files(options.path, [file for batch in there for file in batch.files]))
        return Observed(joined.data, rejections.joined_tables([joined.rejected, rejections.table(others)]))


def touches(key: str, period: Period) -> bool:
    """Whether a batch may hold hours of the period; a key that is no day may hold any."""
    try:
        day = datetime.date.fromisoformat(key)
    except ValueError:
        return True
    return period[0] <= day <= period[1] + DAY


def on_full_axis(
    found: Sequence[Observed], names: Sequence[str], period: Period, *, where: str, keys: Sequence[str]
) -> Observed:
    """Observations joined on every hour (or day) of the period, with what was rejected in it."""
    filled = [each.data for each in found if each.data.sizes["station"] and each.data.sizes["time"]]
    rejected = rejections.joined_tables(each.rejected for each in found)
    resolution = str(filled[0].attrs["resolution"]) if filled else "hour"
    axis = full_axis(period, resolution)
    if not any(bool(data.get_index("time").isin(axis).any()) for data in filled):
        raise _nothing(filled, rejected, period, where=where, keys=keys)
    block, rows = blocks.joined([_block(data, names) for data in filled], names, axis=axis)
    outside = (rejected["end"] < axis[0]) | (rejected["start"] > axis[-1])
    data = blocks.dataset(block, resolution=resolution)
    for name in names:
        units = {str(each[name].attrs["units"]) for each in filled if name in each}
        data[name].attrs["units"] = units.pop() if len(units) == 1 else data[name].attrs["units"]
    return Observed(data, rejections.joined_tables([rejected[~outside], rejections.table(rows)]))


def _block(data: xr.Dataset, names: Sequence[str]) -> blocks.Block:
    stations = tuple(map(str, data["station"].to_numpy()))
    values = {name: data[name].transpose("station", "time").to_numpy() for name in names if name in data}
    return blocks.Block(stations, pd.DatetimeIndex(data.get_index("time")), values)


def _nothing(
    filled: Sequence[xr.Dataset], rejected: pd.DataFrame, period: Period, *, where: str, keys: Sequence[str]
) -> InputError:
    labels = blocks.union([pd.DatetimeIndex(data.get_index("time")) for data in filled])
    told = "".join(f"; {first['file']}: {first['rule']}, {first['detail']}" for _, first in rejected.head(1).iterrows())
    there = f"{labels[0]} to {labels[-1]}" if len(labels) else f"files of {keys[0]} to {keys[-1]}"
    return InputError(
        f"{where}: no row in the period {period[0]}/{period[1]}; found {there}{told}; correct `period`, "
        "`pollutants` or the path"
    )


def by_day(files: Iterable[Path], pattern: str = r"(\d{4})-?(\d\d)-?(\d\d)") -> list[Batch]:
    """Files in batches of the day their name says; a name that says none is a batch of its own."""
    days: dict[str, list[Path]] = {}
    for file in files:
        day = re.search(pattern, file.name)
        days.setdefault("-".join(day.groups()) if day else file.name, []).append(file)
    return [Batch(key, tuple(sorted(days[key]))) for key in sorted(days)]


def require_known(pollutants: Collection[str], known: Collection[str], *, where: Path) -> None:
    """Refuses a pollutant that an archive does not hold."""
    if unknown := sorted(set(pollutants) - set(known)):
        raise InputError(f"{where}: the files hold {list(known)}, not {unknown}; correct `pollutants`")
