"""Reader of the national archive's wide daily files of sites, ``china_sites_YYYYMMDD.csv[.gz]``.

Hourly since May 2014; see ``wide`` for the layout and ``reference_state`` for the gases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.contracts import Batch, Observed
from pipeline.stations.batches import by_day, require_known
from pipeline.stations.options import PathOptions, files_of
from pipeline.stations.reference_state import observed
from pipeline.stations.wide import TYPES, read_file


class Options(PathOptions):
    """``observations: {reader: national, path: FOLDER}``."""

    reader: Literal["national"]


def batches(options: Options) -> list[Batch]:
    """A batch for each day."""
    return by_day(files_of(options.path, "**/china_sites_*.csv", "**/china_sites_*.csv.gz"))


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """A day's file; see the package's contract. Beijing time, whatever ``utc_offset``."""
    require_known(pollutants, TYPES, where=options.path)
    read = [read_file(file, pollutants) for file in batch.files]
    rows = [row for _, told in read for row in told]
    return observed([block for block, _ in read], list(pollutants), rows, files=batch.files)
