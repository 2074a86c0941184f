"""Readers of station observations, one small module a network.

A reader is a module with ``Options`` (its config keys), ``inputs(options)`` (the files a run depends on) and
``read(options, *, pollutants, period, utc_offset)`` -> Observed: data of dims (station, time), local standard time,
hourly values labelled by the end of the hour (daily values by their day), units of the vocabulary, gases at
298.15 K, NaN where nothing was observed, ``attrs['resolution']`` 'hour' or 'day'; and what was rejected.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.contracts import Observed
from pipeline.stations import prsa, sample_world, table


class Reader(Protocol):
    """What every reader module offers."""

    Options: Any

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


ObservationOptions = prsa.Options | table.Options | sample_world.Options

READERS: dict[str, Reader] = {"prsa": prsa, "table": table, "sample_world": sample_world}
