"""What came after a run's record: weather and observations from the sources of its config, assessed as a run does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.config import Config
from pipeline.daily import period_of, weather_of_days
from pipeline.errors import InputError
from pipeline.observed_days import observed_days, spans_of
from pipeline.standards.reference_state import particles_in_ambient_state
from pipeline.store import Run
from pipeline.weekly.days import Kind, NewDays
from pipeline.weekly.windows import DAY
from pipeline.weekly.wording import say

DAYS_AT_ONCE: Mapping[str, int] = {"era5": 31}
"""Days of weather read at a time, by source: hours of many stations are large. A table is read whole in any case."""
CONTEXT = 31
"""Days of the record before the new ones that the rules of quality and of city means see too."""


@dataclass(frozen=True)
class Newest:
    """The days after the record, whose weather starts and ends where told, and notes; ``days`` is None without any."""

    record_start: pd.Timestamp
    record_end: pd.Timestamp
    days: NewDays | None
    kinds: Mapping[pd.Timestamp, Kind]
    notes: tuple[str, ...]

    @property
    def end(self) -> pd.Timestamp:
        """The last day with weather."""
        return self.record_end if self.days is None else pd.Timestamp(self.days.weather.get_index("time")[-1])

    def until(self, last: pd.Timestamp) -> Newest:
        """These without the new days after ``last``."""
        if self.days is None or self.end <= last:
            return self
        kinds = {day: kind for day, kind in self.kinds.items() if day <= max(last, self.record_end)}
        weather, observations = (
            data.sel(time=data.get_index("time") <= last) if "time" in data.dims else data
            for data in (self.days.weather, self.days.observations)
        )
        days = NewDays(weather, observations, kinds) if weather.sizes["time"] else None
        return replace(self, days=days, kinds=kinds)


def newest(config: Config, run: Run, stations: Mapping[str, Mapping[str, Any]], *, last: pd.Timestamp) -> Newest:
    """Weather and observations of ``stations`` from the end of the run's weather up to ``last``.

    A source that has nothing there is a note, not an error: the record is what it was. ``kinds`` names the days, of the
    record too, that are not final.
    """
    places = pd.DataFrame.from_dict(dict(stations), orient="index")
    with xr.open_dataset(run.path("daily/weather.nc"), cache=False) as weather:
        known = weather.notnull().any("station").to_dataarray().any("variable").to_numpy()
        record_end = pd.Timestamp(weather.get_index("time")[np.flatnonzero(known)[-1]])
        record_start = pd.Timestamp(weather.get_index("time")[0])
        kinds = _preliminary(weather)
    found: list[xr.Dataset] = []
    notes: list[str] = []
    for days in _spans(record_end + DAY, last, DAYS_AT_ONCE.get(config.weather.source)):
        span, why = _tried(partial(_weather, config, places, days), "weather")
        notes += why
        if span is None:
            break
        found.append(span)
    if not found:
        return Newest(record_start, record_end, None, kinds, tuple(notes))
    joined = found[0] if len(found) == 1 else xr.concat(found, "time", join="outer", combine_attrs="override")
    there = joined.notnull().any("station").to_dataarray().any("variable").to_numpy()
    new = joined.isel(time=slice(0, int(np.flatnonzero(there)[-1]) + 1))
    kinds |= _preliminary(new)
    observations, why = _observations(config, run, places, new)
    days_found = NewDays(new.drop_vars("preliminary", errors="ignore"), observations, kinds)
    return Newest(record_start, record_end, days_found, kinds, (*notes, *why))


def _weather(config: Config, places: pd.DataFrame, days: pd.DatetimeIndex) -> xr.Dataset:
    return weather_of_days(config, places, days)[0]


def _preliminary(weather: xr.Dataset) -> dict[pd.Timestamp, Kind]:
    if "preliminary" not in weather.coords:
        return {}
    flagged = weather["preliminary"].fillna(False).astype(bool).to_numpy()
    return dict.fromkeys(pd.DatetimeIndex(weather.get_index("time"))[flagged], "preliminary")


def _spans(first: pd.Timestamp, last: pd.Timestamp, length: int | None) -> Iterator[pd.DatetimeIndex]:
    while first <= last:
        end = last if length is None else min(last, first + (length - 1) * DAY)
        yield pd.date_range(first, end, name="time", unit="ns")
        first = end + DAY


def _tried(read: Callable[[], xr.Dataset], what: str) -> tuple[xr.Dataset | None, list[str]]:
    try:
        return read(), []
    except InputError as error:
        return None, [say(f"note_{what}", "en", told=error)]


def _observations(config: Config, run: Run, places: pd.DataFrame, weather: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Daily observations on the days of ``weather`` and the record's last days before them; empty where none came."""
    days = pd.DatetimeIndex(weather.get_index("time"))

    def read() -> xr.Dataset:
        with xr.open_dataset(run.path("daily/observations.nc")) as record:
            axis = pd.DatetimeIndex(record.get_index("time"))
            before = record.isel(time=(axis < days[0]) & (axis >= days[0] - CONTEXT * DAY)).load()
        asked = config.model_copy(update={"period": period_of(days)})
        found = observed_days(spans_of(asked), asked, {}).days
        found = found.reindex(station=list(places.index))
        if config.assessment.particulate_reference == "ambient":
            found = particles_in_ambient_state(found, weather)
        names = [name for name in config.pollutants if name in before]
        return xr.concat([before[names], found[names]], "time", join="outer", combine_attrs="override")

    found, notes = _tried(read, "observations")
    return (xr.Dataset() if found is None else found), notes
