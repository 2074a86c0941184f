"""The state concentrations are printed at: 273.15 K until 2018-08-31; 298.15 K (gases), ambient (particles) since.

MEE announcement 29 of 2018 (amendment of GB 3095-2012); GB 3095-2026, 3.14 and 4.3.
"""

from __future__ import annotations

import datetime
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.standards.versions import content

CHANGED: datetime.date = content()["reference_state"]["changed"]
"""First day of the new reference states."""
PARTICLES = ("pm25", "pm10")
ParticulateReference = Literal["as_reported", "ambient"]
"""Particles as the archive has them; or days before ``CHANGED`` taken from standard to ambient state."""


def gas_factor(date: datetime.date) -> float:
    """What takes a gas printed on ``date`` to 298.15 K: 273.15/298.15 before ``CHANGED``, 1 since."""
    state = content()["reference_state"]
    return float(state["kelvin_before"] / state["kelvin"]) if date < CHANGED else 1.0


def ambient_factor(temperature: xr.DataArray, pressure: xr.DataArray) -> xr.DataArray:
    """C_ambient / C_standard of particles, p/1013.25 hPa · 273.15 K/T; ``temperature`` [K], ``pressure`` [Pa]."""
    state = content()["reference_state"]
    standard = state["kelvin_before"] / (100 * state["hectopascal"])
    return pressure / temperature * float(standard)


def before_change(time: pd.DatetimeIndex, *, resolution: str) -> np.ndarray:
    """Which labels were made in the old state: days before ``CHANGED``; hours labelled to its 00:00, which end then."""
    changed = pd.Timestamp(CHANGED)
    return np.asarray(time <= changed if resolution == "hour" else time < changed)


def particles_in_ambient_state(observations: xr.Dataset, weather: xr.Dataset) -> xr.Dataset:
    """``observations`` (station, time) with particles before ``CHANGED`` taken to ambient state by ``t2m`` and ``sp``.

    ``weather`` holds t2m [K] and sp [Pa] with the same dims; where either is not known the particles are NaN: what
    cannot be converted is not mixed in. Gases and later labels are unchanged.
    """
    axes = {name: observations.get_index(name) for name in ("station", "time")}
    factor = ambient_factor(weather["t2m"], weather["sp"]).reindex(axes)
    old = xr.DataArray(
        before_change(pd.DatetimeIndex(observations.get_index("time")), resolution=observations.attrs["resolution"]),
        {"time": observations["time"]},
        ("time",),
    )
    particles = [name for name in PARTICLES if name in observations]
    with xr.set_options(keep_attrs=True):
        converted = {name: observations[name] * xr.where(old, factor, 1.0) for name in particles}
    return observations.assign({name: values.transpose("station", "time") for name, values in converted.items()})
