"""Reader of an archive that ``tianbang ingest`` wrote: see ``pipeline.archive``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pipeline.contracts import Observed
from pipeline.stations.options import PathOptions
from pipeline.stations.spans import Spans


class Options(PathOptions):
    """``observations: {reader: archive, path: FILE.zarr}``."""

    reader: Literal["archive"]


def inputs(options: Options) -> list[Path]:
    """The archive's ledger, which says all that is held."""
    from pipeline.archive.ledger import existing

    return [existing(options.path)]


def read(
    options: Options,
    *,
    pollutants: Sequence[str],
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> Observed:
    """Observations; see the package's contract. Times are those of the archive's own readers."""
    from pipeline.archive.reading import read_period

    return read_period(options.path, pollutants=pollutants, period=period)


def spans(options: Options, *, pollutants: Sequence[str], period: tuple[datetime.date, datetime.date]) -> Spans:
    """The same a calendar year at a time: an archive of many years is never in memory at once."""
    from pipeline.archive.reading import read_spans

    return read_spans(options.path, pollutants=pollutants, period=period)
