"""What is assessed: days of stations, the cities they add up to, and the regions of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from pipeline.assessment.cities import city_days, constant_stations, only
from pipeline.assessment.dust import DEDUCTED, Dust, DustEvent, dust_days
from pipeline.assessment.options import AssessmentOptions, Panel
from pipeline.assessment.windows import Window, custom, windows


@dataclass(frozen=True)
class Network:
    """Assessed days (station, time) of all pollutants; city -> its stations; region -> its cities."""

    days: xr.Dataset
    cities: Mapping[str, Sequence[str]]
    regions: Mapping[str, Sequence[str]]
    year_start: str = "01-01"

    @property
    def time(self) -> pd.DatetimeIndex:
        """The days, in order."""
        index = self.days.get_index("time")
        assert isinstance(index, pd.DatetimeIndex)
        return index

    @property
    def pollutants(self) -> list[str]:
        """Names of the pollutants, in their order."""
        return [str(name) for name in self.days.data_vars]

    def windows(self, options: AssessmentOptions) -> list[Window]:
        """The windows that ``options`` ask for, in the days there are."""
        found = windows((self.time[0], self.time[-1]), kinds=options.windows, year_start=self.year_start)
        return [*found, *(custom(pd.Timestamp(start), pd.Timestamp(end)) for start, end in options.periods)]

    def panel(self, pollutant: str, panel: Panel) -> dict[str, list[str]]:
        """City -> stations of a panel: all, or those whose days of ``pollutant`` are valid in every year."""
        if panel == "all":
            return {city: list(members) for city, members in self.cities.items()}
        years = windows((self.time[0], self.time[-1]), kinds=("year",), year_start=self.year_start)
        members = [name for stations in self.cities.values() for name in stations]
        return only(self.cities, constant_stations(self.days[pollutant].sel(station=members), years))

    def of_cities(self, pollutant: str, panel: Panel) -> xr.DataArray:
        """Days of the cities of a panel; dims (place, time)."""
        return city_days(self.days[pollutant], self.panel(pollutant, panel))

    def dust(self, events: Sequence[DustEvent], cities: Sequence[str]) -> xr.DataArray:
        """Which days of ``cities`` an event covers; dims (place, time)."""
        known = list(self.cities)
        return dust_days(events, cities=known, regions=self.regions, days=self.time).sel(place=list(cities))


def both_ways(
    network: Network, measured: xr.DataArray, events: Sequence[DustEvent]
) -> Iterator[tuple[Dust, xr.DataArray]]:
    """City days (place, time) with dust kept and, of particles when there are events, with its days missing."""
    yield "kept", measured
    if events and measured.name in DEDUCTED:
        names = [str(name) for name in measured["place"].to_numpy()]
        yield "excluded", measured.where(~network.dust(events, names))
