"""A forecast's bias, known from past forecasts and the analysis that came after them, taken out by lead day.

For each station, quantity and lead day, over the newest past outlooks: what may be of either sign, or far from zero, is
shifted by the mean difference and its departures are stretched by the ratio of the spreads; what starts at zero
(rain, wind speed, heights, radiation, humidity, cloud) is multiplied by the ratio of the means: no rain stays no rain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.vocabulary import weather_variable

NEWEST = 90
"""Past outlooks that are looked at: a season, since biases have seasons."""
LARGEST_RATIO, LARGEST_STRETCH = 3.0, 2.0
"""How far a correction may go, and its inverse: beyond it a few days say more of chance than of bias."""


@dataclass(frozen=True)
class Correction:
    """``shift``, ``scale`` and ``centre`` (quantity, lead, station): corrected = centre + scale (x - centre) + shift.

    ``count`` (quantity, lead, station) are the past days behind it; with too few nothing is changed.
    """

    shift: xr.DataArray
    scale: xr.DataArray
    centre: xr.DataArray
    count: xr.DataArray
    needed: int

    @property
    def leads(self) -> list[int]:
        """The lead days that are corrected in any quantity and station."""
        enough = (self.count >= self.needed).any(("quantity", "station"))
        return [int(lead) for lead in self.count["lead"].to_numpy()[enough.to_numpy()]]


def learned(past: Iterable[xr.Dataset], analysis: xr.Dataset, *, needed: int) -> Correction | None:
    """The correction from past forecasts (station, time; coordinate ``lead``) and the ``analysis`` (station, time).

    Days and quantities that both know count. None without any past forecast.
    """
    sums: xr.Dataset | None = None
    for forecast in past:
        names = [str(name) for name in forecast.data_vars if name in analysis]
        days = pd.DatetimeIndex(forecast.get_index("time"))
        days = days[days.isin(analysis.get_index("time"))]
        stations = [name for name in forecast["station"].to_numpy() if name in analysis.get_index("station")]
        if not names or not len(days) or not stations:
            continue
        at = {"time": days, "station": stations}
        own = _sums(forecast[names].sel(at), analysis[names].sel(at))
        if sums is None:
            sums = own
        else:
            one, other = xr.align(sums, own, join="outer", fill_value=0.0)
            sums = one + other
    return None if sums is None else _correction(sums, needed)


def _sums(forecast: xr.Dataset, analysis: xr.Dataset) -> xr.Dataset:
    """Counts and sums of both and their squares, (quantity, lead, station)."""
    lead = forecast["lead"].to_numpy()
    f, a = (
        data.drop_vars("lead", errors="ignore").to_dataarray("quantity").transpose("quantity", "time", "station")
        for data in (forecast, analysis)
    )
    both = (f.notnull() & a.notnull()).astype(float)
    f, a = f.where(both > 0, 0.0), a.where(both > 0, 0.0)
    parts = {"count": both, "f": f, "a": a, "ff": f**2, "aa": a**2}
    return xr.Dataset(parts).assign_coords(time=lead).rename(time="lead")


def _correction(sums: xr.Dataset, needed: int) -> Correction:
    count = sums["count"]
    n = count.where(count >= needed)
    mean_f, mean_a = sums["f"] / n, sums["a"] / n
    spread_f = ((sums["ff"] / n - mean_f**2).clip(min=0)) ** 0.5
    spread_a = ((sums["aa"] / n - mean_a**2).clip(min=0)) ** 0.5
    positive = xr.DataArray(
        [weather_variable(_stem(str(name))).valid_range[0] == 0 for name in count["quantity"].to_numpy()],
        {"quantity": count["quantity"]},
        ("quantity",),
    )
    ratio = _limited(mean_a / mean_f, LARGEST_RATIO)
    stretch = _limited(spread_a / spread_f, LARGEST_STRETCH)
    return Correction(
        shift=xr.where(positive, 0.0, (mean_a - mean_f).fillna(0.0)),
        scale=xr.where(positive, ratio, stretch),
        centre=xr.where(positive, 0.0, mean_f.fillna(0.0)),
        count=count,
        needed=needed,
    )


def _stem(quantity: str) -> str:
    return quantity.removesuffix("_afternoon")


def _limited(ratio: xr.DataArray, most: float) -> xr.DataArray:
    """A ratio within ``1 / most`` and ``most``; 1 where it is not known."""
    return ratio.where(np.isfinite(ratio), 1.0).clip(1 / most, most)


def corrected(forecast: xr.Dataset, correction: Correction | None) -> xr.Dataset:
    """A forecast (station, time; coordinate ``lead``) without its bias, within the vocabulary's ranges.

    Leads, stations and quantities that the correction does not know stay as they are; NaN stays NaN.
    """
    if correction is None:
        return forecast
    found = {}
    for name in map(str, forecast.data_vars):
        values = forecast[name]
        if name in correction.count["quantity"]:
            shift, scale, centre = (
                part.sel(quantity=name, drop=True)
                .reindex(lead=forecast["lead"].to_numpy(), station=forecast["station"].to_numpy(), fill_value=fill)
                .rename(lead="time")
                .assign_coords(time=forecast["time"])
                .transpose(*values.dims)
                for part, fill in ((correction.shift, 0.0), (correction.scale, 1.0), (correction.centre, 0.0))
            )
            low, high = weather_variable(_stem(name)).valid_range
            values = (centre + scale * (values - centre) + shift).clip(low, high)
        found[name] = values
    return forecast.assign(found)
