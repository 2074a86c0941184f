"""Readers of station observations, one small module a network.

A reader of an archive is a module with ``Options`` (its config keys), ``batches(options)`` (files that belong together,
such as a day's) and ``read_batch(batch, options, *, pollutants, utc_offset)`` -> Observed, which never raises for a bad
file: it lists it. ``Batched`` makes a reader of it. A reader of files made by hand has ``inputs(options)`` (the files a
run depends on) and ``read(options, *, pollutants, period, utc_offset)`` itself, and refuses a wrong file.

Observed is data of dims (station, time), local standard time, hourly values labelled by the end of the hour (daily
values by their day), units of the vocabulary, gases at 298.15 K, NaN where nothing was observed and
``attrs['resolution']`` 'hour' or 'day'; and what was rejected.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.contracts import Observed
from pipeline.stations import (
    archive,
    beijing,
    eea,
    epa_aqs,
    hourly_files,
    national,
    national_cities,
    openaq,
    prsa,
    table,
)
from pipeline.stations.batches import Batched, ReaderOfBatches
from pipeline.stations.spans import Spans


class Reader(Protocol):
    """What every entry of the registry offers."""

    @property
    def Options(self) -> Any:
        """The class of its config keys."""
        ...

    def inputs(self, options: Any) -> list[Path]:
        """The files the reader would read."""
        ...

    def read(
        self,
        options: Any,
        *,
        pollutants: Sequence[str],
        period: tuple[datetime.date, datetime.date],
        utc_offset: float,
    ) -> Observed:
        """The data, as the package's contract says."""
        ...


class StreamedReader(Protocol):
    """What a reader offers that hands over a calendar year at a time."""

    def spans(self, options: Any, *, pollutants: Sequence[str], period: tuple[datetime.date, datetime.date]) -> Spans:
        """What ``read`` would give, as spans."""
        ...


ObservationOptions = (
    prsa.Options
    | table.Options
    | archive.Options
    | national.Options
    | national_cities.Options
    | beijing.Options
    | hourly_files.Options
    | openaq.Options
    | epa_aqs.Options
    | eea.Options
)

BATCH_READERS: dict[str, ReaderOfBatches] = {
    "national": national,
    "national_cities": national_cities,
    "beijing": beijing,
    "hourly_files": hourly_files,
    "openaq": openaq,
    "epa_aqs": epa_aqs,
    "eea": eea,
    "table": table,
}
"""Readers whose files ``tianbang ingest`` can append to an archive."""

READERS: dict[str, Reader] = {
    "prsa": prsa,
    "table": table,
    "archive": archive,
    **{name: Batched(reader) for name, reader in BATCH_READERS.items() if name != "table"},
}

STREAMED: dict[str, StreamedReader] = {"archive": archive}
"""Readers of more than may be in memory at once."""
