"""The mean of a city: of its assessment stations, when enough of them report."""

from __future__ import annotations

from collections.abc import Collection

import xarray as xr

STATIONS_FOR_CITY = 0.75
STATIONS_FOR_SMALL_CITY = 0.5
"""Share of a city's stations that must report (HJ 663-2013): of four or more; of fewer than four."""


def city_mean(values: xr.DataArray, *, background: Collection[str] = ()) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over ``station`` and the number of stations behind it; dims (time,).

    NaN on days when fewer than 75 % of the city's stations in service report (50 % of fewer than four). A station
    is in service from its first value to its last. Stations named in ``background`` do not count: HJ 663 assesses a
    city by the assessment stations of its built-up area, not by the clean reference outside it (对照点).
    """
    if background:
        values = values.sel(station=~values["station"].isin(list(background)))
    observed = values.notnull()
    begun = observed.cumsum("time") > 0
    not_ended = observed.isel(time=slice(None, None, -1)).cumsum("time").isel(time=slice(None, None, -1)) > 0
    in_service = (begun & not_ended).sum("station")
    reporting = observed.sum("station")
    share = xr.where(in_service >= 4, STATIONS_FOR_CITY, STATIONS_FOR_SMALL_CITY)
    return values.mean("station").where((reporting >= share * in_service) & (reporting > 0)), reporting
