"""Days by grade of the AQI, good and heavily polluted days, primary pollutants (HJ 633)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.assessment import AQI_DAYS
from pipeline.assessment.network import Network
from pipeline.assessment.options import AssessmentOptions, Panel
from pipeline.assessment.statistics import CITIES_FOR_REGION, valid_windows
from pipeline.assessment.windows import Window
from pipeline.standards.air_quality_index import (
    GRADES,
    MISSING,
    air_quality_index,
    grade,
    individual_index,
    primary_pollutants,
)
from pipeline.standards.versions import IN_FORCE, IndexTable, standard_for, standards

PRIMARY = ("pm25", "pm10", "o3", "no2", "so2", "co")
SHARES = ("good_days_percent", "heavy_days_percent", "heavy_days_pm25_percent")


def aqi_days(network: Network, options: AssessmentOptions) -> pd.DataFrame:
    """Days of each grade, of regions and cities; columns ``AQI_DAYS``.

    A city day is judged when all ``indicators`` are known: those of HJ 633 that the run has. ``good_days_percent`` are
    days with AQI up to 100, ``heavy_days_percent`` above 200, ``heavy_days_pm25_percent`` above 200 by PM2.5 alone
    (its rounded day above 150), all of the days judged; missing where the window is not valid. A region counts the days
    of its cities; its percentages are the mean of theirs. Primary pollutants are counted for each day they share.

    Dust ``kept`` is the official ratio (CNEMC keeps dust days in ratios); ``excluded`` takes the events' days out of
    numerator and denominator, and a window is valid by the days left. No row when the run has no indicator.
    """
    frames = list(_frames(network, options))
    return pd.concat(frames, ignore_index=True)[list(AQI_DAYS)] if frames else pd.DataFrame(columns=list(AQI_DAYS))


def _frames(network: Network, options: AssessmentOptions) -> Iterator[pd.DataFrame]:
    chosen = network.windows(options)
    for panel in options.panels:
        counted = judged_days(network, options, panel)
        if counted is None:
            continue
        about = {"panel": panel, "standard": options.standard, "indicators": str(counted.attrs["indicators"])}
        yield from _both_levels(counted, network, chosen, {**about, "dust": "kept"})
        if options.dust:
            names = [str(name) for name in counted["place"].to_numpy()]
            without = counted & ~network.dust(options.dust, names)
            yield from _both_levels(without.assign_attrs(counted.attrs), network, chosen, {**about, "dust": "excluded"})


def judged_days(network: Network, options: AssessmentOptions, panel: Panel) -> xr.DataArray | None:
    """Which city days are of which ``kind``: grades, ``heavy_pm25``, ``primary_...``; dims (kind, place, time), bool.

    None when the run has no indicator of HJ 633. Only cities that the panel has for every indicator are there.
    """
    indicators = [name for name in PRIMARY if name in network.pollutants]
    if not indicators:
        return None
    extra = ["o3_1h"] if "o3_1h" in network.pollutants and "o3" in indicators else []
    days = {name: network.of_cities(name, panel) for name in [*indicators, *extra]}
    names = [city for city in network.cities if all(city in values.get_index("place") for values in days.values())]
    values = {name: found.sel(place=names).to_numpy() for name, found in days.items()}
    kinds = np.zeros((len(GRADES) + 1 + len(PRIMARY), len(names), len(network.time)), dtype=bool)
    for first, last, table in _tables(network.time, options.standard):
        kinds[..., first:last] = _kinds({name: found[:, first:last] for name, found in values.items()}, table)
    labels = [*GRADES, "heavy_pm25", *(f"primary_{name}" for name in PRIMARY)]
    coordinates = {"kind": labels, "place": np.array(names, dtype=object), "time": network.time}
    return xr.DataArray(kinds, coordinates, ("kind", "place", "time"), attrs={"indicators": " ".join(indicators)})


def _tables(time: pd.DatetimeIndex, judged_by: str) -> Iterator[tuple[int, int, IndexTable]]:
    """The stretches of ``time`` and the index table that judges each."""
    dates = [pd.Timestamp(version.since) for version in standards().values()][1:] if judged_by == IN_FORCE else []
    bounds = [0, *(int(time.searchsorted(date)) for date in dates), len(time)]
    for first, last in pairwise(bounds):
        if last > first:
            yield first, last, standard_for(time[first].date(), judged_by=judged_by).index


def _kinds(values: dict[str, np.ndarray], table: IndexTable) -> np.ndarray:
    indices = {name: individual_index(found, name, table) for name, found in values.items() if name in table.indicators}
    index = air_quality_index(indices)
    grades = grade(index)
    heavy = (indices["pm25"] > GRADES["moderate"]) & (index != MISSING) if "pm25" in indices else np.zeros_like(index)
    primary = primary_pollutants(indices)
    if "o3_1h" in primary:
        primary["o3"] |= primary["o3_1h"]
    of_each = [primary.get(name, np.zeros_like(index)) for name in PRIMARY]
    return np.array([*(grades == number for number in range(len(GRADES))), heavy, *of_each], dtype=bool)


def _both_levels(
    kinds: xr.DataArray, network: Network, dated: Sequence[Window], about: dict[str, str]
) -> Iterator[pd.DataFrame]:
    cities = _counted(kinds, dated)
    columns: dict[str, Any] = {
        **about,
        "window": [window.kind for window in dated],
        "period": [window.label for window in dated],
        "start": [f"{window.start:%Y-%m-%d}" for window in dated],
        "end": [f"{window.end:%Y-%m-%d}" for window in dated],
    }
    for region, members in network.regions.items():
        yield _of_region(cities, members).assign(**{**columns, "level": "region", "name": region})
    for city in cities["place"].to_numpy():
        yield _columns(cities.sel(place=city)).assign(**{**columns, "level": "city", "name": str(city)})


def _counted(kinds: xr.DataArray, dated: Sequence[Window]) -> xr.Dataset:
    """Days of each kind, ``days`` judged, ``valid`` and the three percentages of each city and window."""
    time = kinds.get_index("time")
    of_each = [
        kinds[..., time.searchsorted(window.start) : time.searchsorted(window.end, side="right")].sum("time")
        for window in dated
    ]
    counts = xr.concat(of_each, dim="window")
    days = counts.sel(kind=list(GRADES)).sum("kind")
    judged = kinds.sel(kind=list(GRADES)).any("kind")
    valid = valid_windows(xr.where(judged, 1.0, np.nan), dated) & (days > 0)
    share = 100 / days.where(valid)
    good, heavy = (counts.sel(kind=names).sum("kind") for names in (["excellent", "good"], ["heavy", "severe"]))
    percent = dict(
        zip(SHARES, (good * share, heavy * share, counts.sel(kind="heavy_pm25", drop=True) * share), strict=True)
    )
    if "pm25" not in kinds.attrs["indicators"].split():
        percent["heavy_days_pm25_percent"] = xr.full_like(share, np.nan)
    of_kind = {str(kind): counts.sel(kind=kind, drop=True) for kind in counts["kind"].to_numpy()}
    return xr.Dataset({**of_kind, "days": days, "valid": valid, "members": xr.ones_like(days), **percent})


def _of_region(cities: xr.Dataset, members: Sequence[str]) -> pd.DataFrame:
    there = cities.sel(place=[name for name in members if name in cities.get_index("place")])
    count = there["valid"].sum("place")
    enough = (count >= CITIES_FOR_REGION * len(members)) & (count > 0)
    region = there.sum("place")
    for name in SHARES:
        region[name] = (region[name] / np.maximum(count, 1)).where(enough & there[name].notnull().any("place"))
    return _columns(region.assign(valid=enough, members=count))


def _columns(counted: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame({str(name): values.to_numpy() for name, values in counted.data_vars.items()})
