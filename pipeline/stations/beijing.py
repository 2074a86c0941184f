"""Reader of Beijing's daily files: ``beijing_all_YYYYMMDD.csv`` (particulate matter), ``beijing_extra_...`` (gases).

The layout is the national one (see ``wide``), the columns are 35 stations named in Chinese; both files of a day are one
batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.contracts import Batch, Observed
from pipeline.stations.batches import by_day, require_known
from pipeline.stations.options import PathOptions, files_of
from pipeline.stations.reference_state import observed
from pipeline.stations.wide import TYPES, read_file

HELD = {"beijing_all": ("pm25", "pm10"), "beijing_extra": ("so2", "no2", "o3", "co")}
"""Which pollutants each of the two files holds."""


class Options(PathOptions):
    """``observations: {reader: beijing, path: FOLDER}``."""

    reader: Literal["beijing"]


def batches(options: Options) -> list[Batch]:
    """A batch for each day."""
    return by_day(files_of(options.path, *(f"**/{kind}_*.csv{packed}" for kind in HELD for packed in ("", ".gz"))))


def read_batch(batch: Batch, options: Options, *, pollutants: Sequence[str], utc_offset: float) -> Observed:
    """A day's two files; see the package's contract. Beijing time, whatever ``utc_offset``."""
    require_known(pollutants, TYPES, where=options.path)
    read = []
    for file in batch.files:
        held = next((names for kind, names in HELD.items() if file.name.startswith(kind)), tuple(TYPES))
        if asked := [name for name in pollutants if name in held]:
            read.append(read_file(file, asked))
    rows = [row for _, told in read for row in told]
    return observed([block for block, _ in read], list(pollutants), rows, files=batch.files)
