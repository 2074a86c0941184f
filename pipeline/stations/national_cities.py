"""Reader of the national archive's daily files of cities, ``china_cities_YYYYMMDD.csv[.gz]``, in both layouts.

Wide, with the cities' Chinese names as columns (see ``wide``), or long: ``date,hour,城市,AQI,PM2.5,...``. The place is
the city's name. Gases: see ``reference_state``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from pipeline.contracts import Batch, Observed
from pipeline.stations import tidy, wide
from pipeline.stations.batches import by_day, require_known
from pipeline.stations.blocks import Block, union
from pipeline.stations.contents import lines_of
from pipeline.stations.options import PathOptions, files_of
from pipeline.stations.reference_state import observed
from pipeline.stations.rejections import Row, absent_hours
from pipeline.stations.wide import TYPES

CITY = "城市"


class Options(PathOptions):
    """``observations: {reader: national_cities, path: FOLDER}``."""

    reader: Literal["national_cities"]


def batches(options: Options) -> list[Batch]:
    """A batch for each day."""
    return by_day(files_of(options.path, "**/china_cities_*.csv", "**/china_cities_*.csv.gz"))


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """A day's file; see the package's contract. Beijing time, whatever ``utc_offset``."""
    require_known(pollutants, TYPES, where=options.path)
    read = [read_file(file, pollutants) for file in batch.files]
    rows = [row for _, told in read for row in told]
    return observed([block for block, _ in read], list(pollutants), rows, files=batch.files)


def read_file(path: Path, names: Sequence[str]) -> tuple[Block, list[Row]]:
    """A file in either layout, as printed, and what was rejected."""
    lines, rows = lines_of(path)
    if not lines or lines[0].split(",")[2:3] != [CITY]:
        return wide.read_file(path, names)
    columns = {name: TYPES[name] for name in names}
    frame, told = tidy.read_lines(lines, needed=["date", "hour", CITY, *columns.values()], file=path.name)
    if frame is None:
        return wide.nothing(), [*rows, *told]
    labels = [wide.label_of(str(date), str(hour)) for date, hour in zip(frame["date"], frame["hour"], strict=True)]
    frame = frame.assign(station=frame[CITY], time=pd.to_datetime(pd.Series(labels, dtype="datetime64[ns]")))
    block, more = tidy.block_of(frame, columns, file=path.name)
    days = block.labels.normalize().unique()
    absent = union([pd.date_range(day, periods=24, freq="h") for day in days]).difference(block.labels)
    others = wide.of_other_days(block.labels, file=path.name)
    return block, [*rows, *more, *others, *absent_hours(path.name, absent)]
