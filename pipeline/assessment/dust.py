"""Dust and other events that an assessment leaves out: declared, never guessed from concentrations.

The official mask is made by CNEMC from satellites, the dust network and weather reports (环办监测〔2016〕120号, in
force 2017-01-01; HJ 663-2026 speaks of exceptional events, 例外事件), so it is a list in the config.

CNEMC deducts dust from the concentrations of PM10 and PM2.5 and keeps dust days in the ratios of good and of heavily
polluted days. Both tables are therefore printed both ways, column ``dust``: the official concentration is ``excluded``,
the official ratio is ``kept``. In the ratios ``excluded`` takes the day out of numerator and denominator.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict, model_validator

from pipeline.errors import ConfigError

Dust = Literal["kept", "excluded"]
DEDUCTED = ("pm10", "pm25")


class DustEvent(BaseModel):
    """An event left out, from ``start`` to ``end`` (both included), in cities or regions named; in all when none is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    start: datetime.date
    end: datetime.date
    places: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> DustEvent:
        if self.end < self.start:
            raise ValueError(f"starts {self.start} after it ends {self.end}; allowed: start <= end")
        return self


def dust_days(
    events: Sequence[DustEvent],
    *,
    cities: Sequence[str],
    regions: Mapping[str, Sequence[str]],
    days: pd.DatetimeIndex,
) -> xr.DataArray:
    """Which city days an event covers; dims (place, time), bool.

    A place that is neither a city nor a region of the run is a ConfigError that names it.
    """
    mask = np.zeros((len(cities), len(days)), dtype=bool)
    for event in events:
        touched = np.isin(np.array(cities, dtype=object), _cities_of(event, cities, regions))
        mask |= touched[:, None] & ((days >= pd.Timestamp(event.start)) & (days <= pd.Timestamp(event.end)))[None]
    return xr.DataArray(mask, {"place": np.array(cities, dtype=object), "time": days}, ("place", "time"))


def _cities_of(event: DustEvent, cities: Sequence[str], regions: Mapping[str, Sequence[str]]) -> list[str]:
    if unknown := [place for place in event.places if place not in regions and place not in cities]:
        raise ConfigError(
            f"dust: event {event.name!r} names {unknown[0]!r}; allowed: a city or region of the run, such as "
            f"{', '.join([*regions][:3] + [*cities][:3])}"
        )
    if not event.places:
        return list(cities)
    return [city for place in event.places for city in regions.get(place, (place,))]
