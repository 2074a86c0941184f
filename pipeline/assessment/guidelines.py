"""Years against the guidelines of WHO (2021): means, 99th percentiles of days, the peak season of O3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.assessment import GUIDELINES
from pipeline.assessment.network import Network
from pipeline.assessment.options import AssessmentOptions
from pipeline.assessment.statistics import over_windows
from pipeline.assessment.tables import of_regions
from pipeline.assessment.windows import Window, windows
from pipeline.standards.rounding import at_most
from pipeline.standards.versions import guideline

STATISTICS = {"year": "mean", "day": "p99", "mda8": "p99", "season": "peak_season"}
"""Which statistic meets the levels of an average (WHO 2021, table 0.1)."""
MONTHS_OF_SEASON = 6


def guidelines(network: Network, options: AssessmentOptions) -> pd.DataFrame:
    """The statistics that WHO has levels for, of regions and cities, year by year; columns ``GUIDELINES``.

    ``reached`` is the strictest level that the value, which is not rounded, does not exceed: ``aqg``, ``it4`` ...
    ``it1``; ``none`` above all. A year that is not valid (HJ 663) has no value and reaches nothing.
    """
    years = windows((network.time[0], network.time[-1]), kinds=("year",), year_start=network.year_start)
    frames = [
        frame
        for pollutant in network.pollutants
        if levels_of(pollutant)
        for panel in options.panels
        for frame in _both_levels(
            _of_years(network.of_cities(pollutant, panel), years), network, {"pollutant": pollutant, "panel": panel}
        )
    ]
    return _table(frames, years, network) if frames else pd.DataFrame(columns=list(GUIDELINES))


def levels_of(pollutant: str) -> dict[str, dict[str, float]]:
    """Statistic -> level -> concentration; empty for a pollutant without guideline."""
    return {name: levels for average, name in STATISTICS.items() if (levels := guideline(pollutant, average))}


def _of_years(days: xr.DataArray, years: Sequence[Window]) -> xr.Dataset:
    names = list(levels_of(str(days.name)))
    found = over_windows(days, years, [name for name in names if name != "peak_season"])
    if "peak_season" in names:
        peaks = np.stack([peak_season(days, year) for year in years], axis=-1)
        peak = xr.DataArray(peaks, {"place": days["place"]}, ("place", "window")).where(found["valid"])
        value = xr.concat([found["value"], peak.expand_dims(statistic=["peak_season"])], dim="statistic")
        found = found.drop_vars("value").drop_dims("statistic").assign(value=value)
    return found.assign(members=xr.ones_like(found["days"]))


def peak_season(days: xr.DataArray, year: Window) -> np.ndarray:
    """The highest mean of the days (place, time) of six months in a row that lie within ``year``; (place,).

    Where the warm months lie on both sides of the New Year, let years begin in July (``year_start``). NaN where no day
    is; whether the year is valid is the caller's to ask.
    """
    starts = pd.date_range(year.start, year.end, freq=pd.DateOffset(months=1))
    time = days.get_index("time")
    bounds = [*time.searchsorted(starts), time.searchsorted(year.end, side="right")]
    values = days.transpose("place", "time").to_numpy()
    means = []
    for first, last in zip(bounds, bounds[MONTHS_OF_SEASON:], strict=False):
        season = values[:, first:last]
        count = np.isfinite(season).sum(axis=1)
        means.append(np.where(count > 0, np.nansum(season, axis=1) / np.maximum(count, 1), -np.inf))
    highest = np.max(means, axis=0)
    return np.where(np.isfinite(highest), highest, np.nan)


def _both_levels(cities: xr.Dataset, network: Network, about: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    for level, places in (("region", of_regions(cities, network.regions)), ("city", cities)):
        frame = places.to_dataframe().reset_index().rename(columns={"place": "name"})
        yield frame.assign(level=level, **about)


def _table(frames: Sequence[pd.DataFrame], years: Sequence[Window], network: Network) -> pd.DataFrame:
    found = pd.concat(frames, ignore_index=True)
    of_window = found["window"].map(dict(enumerate(years)))
    levels = [
        levels_of(pollutant)[name] for pollutant, name in zip(found["pollutant"], found["statistic"], strict=True)
    ]
    table = found.assign(
        period=[window.label for window in of_window],
        start=[f"{window.start:%Y-%m-%d}" for window in of_window],
        end=[f"{window.end:%Y-%m-%d}" for window in of_window],
        guideline=[each["aqg"] for each in levels],
        reached=[reached(value, each) for value, each in zip(found["value"], levels, strict=True)],
        units=[network.days[name].attrs["units"] for name in found["pollutant"]],
    )
    order = pd.Categorical(table["level"], ["region", "city"], ordered=True)
    return table.assign(order=order).sort_values(
        ["pollutant", "panel", "order", "name", "statistic", "period"], kind="stable", ignore_index=True
    )[list(GUIDELINES)]


def reached(value: float, levels: Mapping[str, float]) -> str:
    """The strictest of the levels that ``value`` does not exceed; ``none`` above all, empty for NaN."""
    if np.isnan(value):
        return ""
    met = [name for name, level in levels.items() if at_most(np.array(value), level)]
    return min(met, key=levels.__getitem__) if met else "none"
