"""Forecasts in the canonical form: sums since the start of the run -> amounts of each step, or of each hour.

A forecast comes in steps of some hours, longer ones further ahead. A sum, a mean or an extreme covers the step
that ends at its time; the coordinate `step_hours(time)` says how many hours that is, and `lead(time)` [h] how
far ahead of the run it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.accumulation import HOUR, NEGATIVE_SHARE
from era5_fetch.errors import DecodeError
from era5_fetch.lexicon import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from era5_fetch.lexicon import Variable

PACKING = 2.0**-16
"""The step of a packed field as a share of its range; ECMWF packs open data in 16 bits."""
_METHODS = {Kind.ACCUMULATED: "sum", Kind.MEAN: "mean", Kind.MAXIMUM: "maximum", Kind.MINIMUM: "minimum"}


def leads(times: pd.Index, run: pd.Timestamp) -> np.ndarray[Any, np.dtype[np.int_]]:
    """How many hours after the start of a run times lie."""
    return np.asarray((pd.DatetimeIndex(times) - run) / HOUR).round().astype(int)


def stepped(totals: xr.Dataset, run: pd.Timestamp, steps: Sequence[int]) -> xr.Dataset:
    """A decoded forecast with its sums since the start of the run made amounts of each step.

    Dims `(time, ...)`; `steps` are all those of the run [hours after its start, from 0], of which some may be
    there. Depths [mm] become the depth of the step; radiation, of which a decoded total is in W m-2 h, its
    mean over the step [W m-2]. NaN at the start of the run, and where the step before is not there. What
    falls by no more than packing does becomes zero, and is counted in `negatives_clipped`.

    Raises
    ------
    DecodeError
        A total that may only rise falls: it is none since the start of this run.
    """
    lead = leads(totals.indexes["time"], run)
    before = np.array([max((s for s in steps if s < at), default=0) for at in lead])
    covered = (lead - before).astype("float64")
    axes = {
        "lead": ("time", lead, {"long_name": "time since the run began", "units": "h"}),
        "step_hours": ("time", covered, {"long_name": "hours that a sum, mean or extreme covers", "units": "h"}),
    }
    fields = {str(name): _by_step(totals[name], lead, before) for name in totals.data_vars}
    return totals.assign(fields).assign_coords(axes)


def _by_step(
    total: xr.DataArray, lead: np.ndarray[Any, np.dtype[np.int_]], before: np.ndarray[Any, np.dtype[np.int_]]
) -> xr.DataArray:
    known = lexicon.identify(str(total.name))
    if known is None or known.kind is Kind.INSTANT:
        return total
    covering = {"cell_methods": f"time: {_method(known)} (comment: over the step_hours that end at time)"}
    if known.kind is not Kind.ACCUMULATED:
        return total.assign_attrs(covering)
    position = pd.Index(lead).get_indexer(pd.Index(before))
    values = total.values.astype("float64")
    start = np.where(_along(position >= 0, values), values[position], np.nan)
    amount = values - np.where(_along(before == 0, values), 0.0, start)
    amount[lead == 0] = np.nan
    noise = known.plausible[1] * lead * PACKING if known.plausible[0] == 0 else None
    clipped = 0 if noise is None else _clip(str(total.name), amount, _along(noise, amount))
    if known.unit == "W m-2":
        amount /= _along(np.maximum(lead - before, 1), amount)
    counted = {"negatives_clipped": clipped + int(total.attrs.get("negatives_clipped", 0))} if noise is not None else {}
    return total.copy(data=amount.astype("float32")).assign_attrs(covering | counted)


def _method(known: Variable) -> str:
    return "mean" if known.unit == "W m-2" else _METHODS[known.kind]


def _along(flags: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """One value for each time, shaped to go with all places."""
    return flags.reshape((-1,) + (1,) * (values.ndim - 1))


def _clip(name: str, amount: np.ndarray[Any, Any], noise: np.ndarray[Any, Any]) -> int:
    """Set to zero, in place, what packing alone pushed below; how many values that were."""
    falling = amount < -noise
    share = falling.sum() / max(int(np.isfinite(amount).sum()), 1)
    if share > NEGATIVE_SHARE:
        raise DecodeError(f"{name!r} falls in {share:.1%} of the steps, agreed a sum since the start of one run")
    tiny = (amount < 0) & ~falling
    amount[tiny] = 0.0
    return int(tiny.sum())


def hourly(forecast: xr.Dataset) -> xr.Dataset:
    """A stepped forecast at every hour from its first time to its last.

    What is instantaneous is linear in time between steps; a sum is spread evenly over the hours of its step;
    a mean or an extreme of a step stands in each of its hours: the sums of days are kept, the course of the
    sun within a step is not. `step_hours` stays that of the step a value is made from; NaN stays NaN.
    """
    times = forecast.indexes["time"]
    every = pd.date_range(times[0], times[-1], freq="h", name="time", unit="ns")
    home = np.searchsorted(times, every)
    made = {str(name): _by_hour(forecast[name], every, home) for name in forecast.data_vars}
    lead = forecast["lead"].values[0] + np.arange(every.size)
    axes = {
        "lead": ("time", lead, forecast["lead"].attrs),
        "step_hours": ("time", forecast["step_hours"].values[home], forecast["step_hours"].attrs),
    }
    kept = {k: v for k, v in forecast.coords.items() if "time" not in v.dims}
    whole = xr.Dataset(made, coords=kept | {"time": every} | axes, attrs=forecast.attrs | {"hourly": "from steps"})
    whole["time"].attrs.update(forecast["time"].attrs)
    return whole


def _by_hour(field: xr.DataArray, every: pd.DatetimeIndex, home: np.ndarray[Any, np.dtype[np.intp]]) -> xr.Variable:
    known = lexicon.identify(str(field.name))
    if known is None or known.kind is Kind.INSTANT:
        return field.interp(time=every, assume_sorted=True).variable.astype("float32")
    values = field.values[home]
    if known.kind is Kind.ACCUMULATED and known.unit != "W m-2":
        values = values / _along(field["step_hours"].values[home], values)
    method = f"time: {_method(known)} (interval: 1 hour comment: from steps of step_hours)"
    return xr.Variable(field.dims, values.astype("float32"), field.attrs | {"cell_methods": method})
