"""Observations go in with what a reader found and come out with what the rules leave, and a list of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.contracts import REJECTED, nothing_rejected
from pipeline.quality import value_rules
from pipeline.quality.rules import Options
from pipeline.quality.value_rules import Flags, Values
from pipeline.vocabulary import Pollutant, WeatherVariable

Entry = Callable[[str], Pollutant | WeatherVariable]
"""The vocabulary's entry for a name: ``vocabulary.pollutant`` or ``vocabulary.weather_variable``."""

Judge = Callable[[Values], Flags]
"""Where a rule rejects what is left of a variable."""

PM_RULE = "pm25_above_pm10"
PARTICLES = ("pm25", "pm10")
DEFAULT = Options()


@dataclass(frozen=True)
class Found:
    """Where a rule rejects values of a variable: their stations and times by number, in that order, and the values."""

    variable: str
    rule: str
    station: np.ndarray
    time: np.ndarray
    values: Values


def plausible(data: xr.Dataset, entry: Entry) -> tuple[xr.Dataset, list[str]]:
    """``data`` without values outside their ``entry``'s ``valid_range``, and a note for each variable that lost some.

    For weather, whose values no other rule judges. They become NaN, nothing is imputed.
    """
    notes, kept = [], {}
    for name in map(str, data.data_vars):
        low, high = entry(name).valid_range
        within = (data[name] >= low) & (data[name] <= high)
        rejected = int((data[name].notnull() & ~within).sum())
        kept[name] = data[name].where(within)
        if rejected:
            found = data[name].where(~within)
            notes.append(
                f"quality: {rejected} values of {name} outside {low:g} to {high:g} {data[name].attrs['units']} "
                f"rejected (from {float(found.min()):g} to {float(found.max()):g})"
            )
    return data.assign(kept), notes


def judged_together(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The variables in groups that no rule compares with one another: ``screened`` may be asked of each by itself."""
    particles = tuple(name for name in names if name in PARTICLES)
    alone: list[tuple[str, ...]] = [(name,) for name in names if name not in PARTICLES]
    return [particles, *alone] if particles else alone


def screened(
    data: xr.Dataset, entry: Entry, options: Options = DEFAULT, *, within: pd.DatetimeIndex | None = None
) -> tuple[xr.Dataset, pd.DataFrame]:
    """``data`` (station, time) without the values that a rule rejects, and what was rejected (columns ``REJECTED``).

    A rejected value becomes NaN, nothing is imputed. Consecutive values of one station and variable that one rule
    rejects are one row. Of ``within``, consecutive labels, both are given alone; all of ``data`` is looked at.
    ``stuck`` and ``spike`` are asked of hours only; of what is negative by little, see ``Options.negative_floor``.
    """
    hourly = data.attrs.get("resolution") == "hour"
    given = {str(name): data[name].to_numpy() for name in data.data_vars}
    kept, found = {}, []
    for name, values in given.items():
        kept[name], of_variable = _screened_one(values, name, _rules(entry(name).valid_range, options, hourly=hourly))
        found += of_variable
    if PM_RULE in options.rules and set(PARTICLES) <= set(kept):
        slope, intercept = options.pm_slope, options.pm_intercept
        flags = value_rules.above(kept["pm25"], kept["pm10"], slope=slope, intercept=intercept)
        for name in PARTICLES:
            kept[name], of_variable = _screened_one(kept[name], name, {PM_RULE: lambda _: flags})
            found += of_variable
    changed = {name: data[name].copy(data=values) for name, values in kept.items() if values is not given[name]}
    kept_data = data.assign(changed)
    if within is None:
        return kept_data, _listed(found, data)
    inside = data.get_index("time").isin(within)
    return kept_data.sel(time=slice(within[0], within[-1])), _listed(
        [part for each in found if (part := _inside(each, inside))], data
    )


def _inside(found: Found, inside: np.ndarray) -> Found | None:
    """What of it is at the labels that are ``inside``; None when nothing is."""
    kept = inside[found.time]
    if not kept.any():
        return None
    return Found(found.variable, found.rule, found.station[kept], found.time[kept], found.values[kept])


def _rules(valid_range: tuple[float, float], options: Options, *, hourly: bool) -> dict[str, Judge]:
    """The rules that are asked of one variable alone, in their order."""
    low, high = valid_range

    def spike(values: Values) -> Flags:
        return value_rules.spike(values, times=options.spike_times, step=value_rules.resolution(values))

    def stuck(values: Values) -> Flags:
        return value_rules.stuck(values, hours=options.stuck_hours, step=value_rules.resolution(values))

    concentration = low == 0
    rules: dict[str, Judge] = {
        "implausible": lambda values: value_rules.outside(values, -np.inf if concentration else low, high),
        "negative": lambda values: value_rules.outside(values, options.negative_floor, np.inf),
    }
    if not concentration:
        del rules["negative"]
    if hourly:
        rules |= {"spike": spike, "stuck": stuck}
    return {name: rule for name, rule in rules.items() if name in options.rules}


def _screened_one(values: Values, name: str, rules: dict[str, Judge]) -> tuple[Values, list[Found]]:
    """What the rules leave of one variable, and what each took; every rule sees what those before it left."""
    kept, found = values, []
    for rule, judge in rules.items():
        flags = judge(kept)
        if flags.any():
            station, time = np.nonzero(flags)
            found.append(Found(name, rule, station, time, kept[station, time]))
            kept = kept.copy() if kept is values else kept
            kept[station, time] = np.nan
    return kept, found


def _listed(found: list[Found], data: xr.Dataset) -> pd.DataFrame:
    """One row for consecutive values that one rule rejects, sorted by variable, station and start."""
    rows = [_runs(part, data) for part in found]
    if not rows:
        return nothing_rejected()
    frame = pd.concat(rows, ignore_index=True)
    return frame.sort_values(["variable", "station", "start"], kind="stable", ignore_index=True)


def _runs(found: Found, data: xr.Dataset) -> pd.DataFrame:
    begins = np.ones(len(found.time), dtype=bool)
    begins[1:] = (found.station[1:] != found.station[:-1]) | (found.time[1:] != found.time[:-1] + 1)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(begins)) - 1
    times = data.get_index("time")
    columns = {
        "file": "",
        "station": data["station"].to_numpy()[found.station[first]].astype(str),
        "variable": found.variable,
        "rule": found.rule,
        "start": times[found.time[first]],
        "end": times[found.time[last]],
        "values": last - first + 1,
        "lowest": np.minimum.reduceat(found.values, first).astype(float),
        "highest": np.maximum.reduceat(found.values, first).astype(float),
        "detail": "",
    }
    return pd.DataFrame(columns, columns=list(REJECTED))
