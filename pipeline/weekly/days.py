"""The days of one city and pollutant: those its model was fitted to, and those that came after.

New days have the weather's part by the frozen model, the emissions' part at its last level (season and weekend of the
day), and a kind that says how far their weather may still change. Whoever has more days, such as forecasts, appends
them to the new ones with their kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from models.separation import Separation
from pipeline.errors import InputError
from pipeline.weather.features import base_drivers, with_memory

Kind = Literal["final", "preliminary", "emulated", "forecast"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""How far a day's weather may still change, the surest first; a window is of the kind of its least sure day."""
SPIN_UP = 60
"""Days before the new ones from which their weather's part is computed: what is carried over fades within a month."""
LONGEST_MEMORY = 7
"""Days of the longest mean among the drivers (``pipeline.weather.features.with_memory``)."""


@dataclass(frozen=True)
class NewDays:
    """What came after the record: daily ``weather`` and ``observations`` (station, time) on the same consecutive days.

    ``kinds`` names the kind of days that are not final, of the record or after it. ``observations`` is NaN where
    nothing was observed, and may lack pollutants.
    """

    weather: xr.Dataset
    observations: xr.Dataset = field(default_factory=xr.Dataset)
    kinds: Mapping[pd.Timestamp, Kind] = field(default_factory=dict)

    def followed_by(self, weather: xr.Dataset, kind: Kind) -> NewDays:
        """These days and further ones of one kind, such as forecasts; of days in both, the further ones' weather."""
        further = pd.DatetimeIndex(weather.get_index("time"))
        own = self.weather.sel(time=self.weather.get_index("time") < further[0])
        joined = xr.concat([own, weather], "time", join="outer", combine_attrs="override")
        kinds = {day: other for day, other in self.kinds.items() if day < further[0]} | dict.fromkeys(further, kind)
        return replace(self, weather=joined, kinds=kinds)

    def weather_of(self, stations: Sequence[str]) -> pd.DataFrame:
        """The daily weather of a city: the mean of its stations, index day."""
        mean = self.weather.sel(station=list(stations)).mean("station")
        days = pd.DatetimeIndex(mean.get_index("time"))
        return pd.DataFrame({str(name): mean[name].to_numpy() for name in mean.data_vars}, index=days)


def extended(kept: Separation, weather: pd.DataFrame, *, place: str, observed: pd.Series | None = None) -> Separation:
    """A kept separation with the days of ``weather`` (daily weather of the city, consecutive days) after its record.

    Days of the record from the first new one on are replaced. The drivers of new days remember the record's; their
    ``ratio`` is NaN and their emissions stand at the last level of the model. A new day that lacks a driver is NaN.
    ``observed`` is looked up by day. InputError when the new weather lacks a quantity altogether.
    """
    if kept.fitted is None:
        raise ValueError("days after the record need the fitted model, and this separation was made without one")
    if weather.empty:
        return kept
    record = np.asarray(kept.days < weather.index[0])
    days = pd.date_range(kept.days[0], weather.index[-1], name=kept.days.name)
    new = days[int(record.sum()) :]
    table = _drivers(kept.fitted.drivers[record], weather, days, place=place)
    run = table.iloc[-min(len(new) + SPIN_UP, len(table)) :]
    effects = kept.fitted.weather.effects(run)[:, -len(new) :]
    later = np.full(len(new), np.nan) if observed is None else observed.reindex(new).to_numpy(dtype=float)
    return Separation(
        days,
        np.concatenate([kept.observed[record], later]),
        np.hstack([kept.emissions[:, record], kept.fitted.emissions.effects(new)]),
        np.hstack([kept.weather[:, record], effects]),
        np.concatenate([kept.ratio[record], np.full(len(new), np.nan)]),
        replace(kept.fitted, drivers=table),
    )


def _drivers(record: pd.DataFrame, weather: pd.DataFrame, days: pd.DatetimeIndex, *, place: str) -> pd.DataFrame:
    """The table of drivers on all ``days``: the record's own rows, and new ones with their memory."""
    base = [name for name in record if f"{name}_lag1" in record]
    derived = base_drivers(weather)
    found = derived.join(weather[[name for name in weather if name not in derived]])
    if lacking := [name for name in base if name not in found]:
        raise InputError(
            f"weather: {place}: days from {weather.index[0]:%Y-%m-%d} on lack {lacking[0]!r}, which its model was "
            f"fitted with (found {', '.join(map(str, found)) or 'nothing'}); add it, or fit again by `tianbang run`"
        )
    joined = pd.concat([record[base], found[base]]).reindex(days)
    new = len(days) - len(record)
    behind = min(LONGEST_MEMORY, len(record))
    with_new = with_memory(joined.iloc[len(joined) - new - behind :]).iloc[behind:]
    return pd.concat([record, with_new[list(record)]]).set_axis(days)


def kinds_of(days: pd.DatetimeIndex, kinds: Mapping[pd.Timestamp, Kind]) -> np.ndarray:
    """The kind of each day as its place in ``KINDS``, (n,)."""
    return np.array([KINDS.index(kinds.get(day, "final")) for day in days], dtype=int)
