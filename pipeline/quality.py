"""The only maker of NaN: values outside the vocabulary's plausible range are rejected, counted and told."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from pipeline.vocabulary import Pollutant, WeatherVariable

Entry = Callable[[str], Pollutant | WeatherVariable]
"""The vocabulary's entry for a name: ``vocabulary.pollutant`` or ``vocabulary.weather_variable``."""


def screened(data: xr.Dataset, entry: Entry) -> tuple[xr.Dataset, list[str]]:
    """``data`` without implausible values, and one note for each variable that lost some.

    A value is implausible outside ``valid_range`` of its vocabulary ``entry``; it becomes NaN, nothing is imputed.
    """
    notes, kept = [], {}
    for name in map(str, data.data_vars):
        low, high = entry(name).valid_range
        plausible = (data[name] >= low) & (data[name] <= high)
        rejected = int((data[name].notnull() & ~plausible).sum())
        kept[name] = data[name].where(plausible)
        if rejected:
            found = data[name].where(~plausible)
            notes.append(
                f"quality: {rejected} values of {name} outside {low:g} to {high:g} {data[name].attrs['units']} "
                f"rejected (from {float(found.min()):g} to {float(found.max()):g})"
            )
    return data.assign(kept), notes
