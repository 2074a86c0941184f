"""Reader of archives with one file for each hour, ``YYYY-MM-DDTHH.csv[.gz]``: ``timepoint,stationcode,...,pm2_5,...``.

``timepoint`` is the hour's end in Beijing time as the clock shows it, whatever zone is printed behind. Units and gases
as in the national archive (see ``reference_state``). A day's files are one batch.
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

COLUMNS = {"pm25": "pm2_5", "pm10": "pm10", "so2": "so2", "no2": "no2", "o3": "o3", "co": "co"}
CLOCK = r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)"
"""Date and time of day at the beginning of a time point."""
NAME = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]"


class Options(PathOptions):
    """``observations: {reader: hourly_files, path: FOLDER}``."""

    reader: Literal["hourly_files"]


def batches(options: Options) -> list[Batch]:
    """A batch for each day."""
    return by_day(files_of(options.path, f"**/{NAME}*.csv", f"**/{NAME}*.csv.gz"))


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """A day's files; see the package's contract. Beijing time, whatever ``utc_offset``."""
    require_known(pollutants, COLUMNS, where=options.path)
    read = [read_file(file, pollutants) for file in batch.files]
    rows = [row for _, told in read for row in told]
    found = union([block.labels for block, _ in read])
    days = found.normalize().unique()
    absent = union([pd.date_range(day, periods=24, freq="h") for day in days]).difference(found)
    return observed(
        [block for block, _ in read], list(pollutants), [*rows, *absent_hours(batch.key, absent)], files=batch.files
    )


def read_file(path: Path, names: Sequence[str]) -> tuple[Block, list[Row]]:
    """An hour's file, as printed, and what was rejected."""
    lines, rows = lines_of(path)
    if not lines:
        return wide.nothing(), rows
    columns = {name: COLUMNS[name] for name in names}
    frame, told = tidy.read_lines(lines, needed=["timepoint", "stationcode", *columns.values()], file=path.name)
    if frame is None:
        return wide.nothing(), [*rows, *told]
    clock = frame["timepoint"].str.extract(CLOCK, expand=False).str.replace("T", " ")
    time = pd.to_datetime(clock, format="ISO8601", errors="coerce").astype("datetime64[ns]")
    frame = frame.assign(station=frame["stationcode"], time=time.where(time == time.dt.floor("h")))
    block, more = tidy.block_of(frame, columns, file=path.name)
    return block, [*rows, *more]
