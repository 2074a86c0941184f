"""Means and percentiles of days over windows, for all places at once; invalid is missing (HJ 663)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.assessment.windows import Window, needed_days, parts

CITIES_FOR_REGION = 0.75
"""Share of a region's cities that must be valid: as HJ 663 asks of a city's stations (a rule of ours)."""


def percentile(ascending: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    """The percentile of HJ 663 along the last axis: at k = 1 + (n - 1) · share, linear between neighbours.

    ``ascending`` is sorted with NaN last, ``counts`` its number of values; NaN where there is none.
    """
    k = np.maximum(counts - 1, 0) * share
    low = np.floor(k).astype(int)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    below, above = (np.take_along_axis(ascending, at[..., None], axis=-1)[..., 0] for at in (low, high))
    return np.asarray(below + (above - below) * (k - low))


def of_days(values: np.ndarray, statistics: Sequence[str]) -> np.ndarray:
    """Each statistic (``mean``, ``p90`` ...) over the last axis, of the days there are; first axis is the statistic."""
    counts = np.isfinite(values).sum(axis=-1)
    shares = {name: int(name[1:]) / 100 for name in statistics if name != "mean"}
    ascending = np.sort(values, axis=-1) if shares else values
    found = [
        percentile(ascending, counts, shares[name])
        if name in shares
        else np.where(counts > 0, np.nansum(values, axis=-1) / np.maximum(counts, 1), np.nan)
        for name in statistics
    ]
    return np.array(found)


def valid_windows(days: xr.DataArray, windows: Sequence[Window]) -> xr.DataArray:
    """Whether the days (place, time) suffice for each window, by its months and by its year; (place, window)."""
    time = pd.DatetimeIndex(days.get_index("time"))
    so_far = np.pad(np.isfinite(days.transpose("place", "time").to_numpy()).cumsum(axis=1), ((0, 0), (1, 0)))
    valid = np.ones((days.sizes["place"], len(windows)), dtype=bool)
    for w, window in enumerate(windows):
        for start, end, needed in _requirements(window):
            first, last = _range(time, start, end)
            valid[:, w] &= so_far[:, last] - so_far[:, first] >= needed
    return xr.DataArray(valid, {"place": days["place"]}, ("place", "window"))


def _requirements(window: Window) -> list[tuple[pd.Timestamp, pd.Timestamp, int]]:
    months = [(part.start, part.end, part.needed) for part in parts(window)]
    return [*months, (window.start, window.end, needed_days(window))]


def _range(time: pd.DatetimeIndex, start: pd.Timestamp, end: pd.Timestamp) -> tuple[int, int]:
    return int(time.searchsorted(start)), int(time.searchsorted(end, side="right"))


def over_windows(
    days: xr.DataArray, windows: Sequence[Window], statistics: Sequence[str], *, measured: xr.DataArray | None = None
) -> xr.Dataset:
    """``value`` (place, window, statistic), NaN where invalid; ``days`` behind it and ``valid`` (place, window).

    ``days`` has dims (place, time) with sorted time. Validity is that of ``measured``, the days before any were
    deducted; a window without any day left is invalid all the same.
    """
    days = days.transpose("place", "time")
    values, time = days.to_numpy(), pd.DatetimeIndex(days.get_index("time"))
    valid = valid_windows(days if measured is None else measured, windows).to_numpy()
    value = np.full((*valid.shape, len(statistics)), np.nan)
    counts = np.zeros(valid.shape, dtype=int)
    for w, window in enumerate(windows):
        first, last = _range(time, window.start, window.end)
        counts[:, w] = np.isfinite(values[:, first:last]).sum(axis=1)
        valid[:, w] &= counts[:, w] > 0
        chosen = np.flatnonzero(valid[:, w])
        if len(chosen):
            value[chosen, w] = of_days(values[chosen, first:last], statistics).T
    return xr.Dataset(
        {
            "value": (("place", "window", "statistic"), value),
            "days": (("place", "window"), counts),
            "valid": (("place", "window"), valid),
        },
        coords={"place": days["place"], "statistic": list(statistics)},
    )


def three_years(annual: xr.Dataset) -> xr.Dataset:
    """Moving means over three windows in a row, at the last of them; NaN where one of the three is.

    Of the windows' own unrounded values; ``days`` are those of all three, ``members`` the fewest of them.
    """
    three = [annual.isel(window=slice(shift, annual.sizes["window"] - 2 + shift)) for shift in range(3)]
    value = (three[0]["value"] + three[1]["value"] + three[2]["value"]) / 3
    valid = three[0]["valid"] & three[1]["valid"] & three[2]["valid"]
    days = three[0]["days"] + three[1]["days"] + three[2]["days"]
    members = np.minimum(np.minimum(three[0]["members"], three[1]["members"]), three[2]["members"])
    return xr.Dataset({"value": value, "days": days, "valid": valid, "members": members})


def mean_of_cities(cities: xr.Dataset, members: Sequence[str]) -> xr.Dataset:
    """A region: the mean of its cities' statistics, so of their percentiles; dims (window, ...), with ``members``.

    NaN, and not ``valid``, when fewer than 75 % of ``members`` are valid. ``days`` is the mean of the valid cities'.
    """
    there = [name for name in members if name in cities.get_index("place")]
    found = cities.sel(place=there)
    count = found["valid"].sum("place")
    valid = (count >= CITIES_FOR_REGION * len(members)) & (count > 0)
    behind = found["days"].where(found["valid"]).sum("place") / np.maximum(count, 1)
    total = found["value"].where(found["valid"]).sum("place") / np.maximum(count, 1)
    return xr.Dataset(
        {"value": total.where(valid), "days": behind.round().astype(int), "valid": valid, "members": count}
    )
