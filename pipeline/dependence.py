"""How a place's concentration depends on its main drivers: what the readings keep, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from models import dependence
from models.counterfactual import interval
from models.dependence import Days
from models.separation import Separation
from pipeline.vocabulary import WEATHER
from pipeline.weather.features import CALM

DEPENDENCE = (
    "level", "name", "pollutant", "driver", "value", "value_units", "concentration", "concentration_low",
    "concentration_high", "units",
)  # fmt: skip
JOINT_DEPENDENCE = (
    "level", "name", "pollutant", "first_driver", "first_value", "first_units", "second_driver", "second_value",
    "second_units", "days", "concentration", "units",
)  # fmt: skip
DIMS = ("driver", "grid", "first_grid", "second_grid")
"""Dims of the dependence among the readings of a place; grids of two cities differ and have no mean."""


def quantity_of(driver: str) -> str:
    """The weather quantity that a main driver is a scale of: ``blh`` for ``log_blh``."""
    return driver.removeprefix("log_")


def natural(driver: str, values: np.ndarray) -> np.ndarray:
    """Values of a main driver in the units of its quantity: logarithms are undone (``pipeline.weather.features``)."""
    if not driver.startswith("log_"):
        return np.asarray(values, dtype=float)
    if quantity_of(driver) == "tp":
        return np.asarray(np.expm1(values))
    return np.asarray(np.exp(values) - (CALM if quantity_of(driver) == "wind_speed" else 0.0))


def units_of(driver: str) -> str:
    """The units of a main driver's quantity; ``unknown`` for what the vocabulary does not know."""
    quantity = quantity_of(driver)
    if quantity == "diurnal_range":
        return "K"
    return WEATHER[quantity].units if quantity in WEATHER else "unknown"


def dependence_of(separation: Separation) -> xr.Dataset:
    """One-way dependence on every main driver, two-way on the pair with the strongest joint effect.

    ``dependence`` (driver, grid, member), the estimate first, at ``dependence_value`` (driver, grid) in the units of
    the quantity, with ``dependence_days`` (driver, grid) near each value; ``joint`` and ``joint_days`` (first_grid,
    second_grid) at ``joint_first`` and ``joint_second``, whose attribute ``driver`` names them. The afternoon moves
    with the day. Nothing for a separation that came without its model.
    """
    if separation.fitted is None:
        return xr.Dataset()
    table = separation.fitted.drivers
    companions = {name: [f"{name}_afternoon"] for name in map(str, table) if f"{name}_afternoon" in table}
    grids = dependence.grids_of(separation)
    if not grids:
        return xr.Dataset()
    days = Days(separation, companions)
    curves = {name: dependence.curve(days, name, grid) for name, grid in grids.items()}
    found = xr.Dataset(
        {
            "dependence": (("driver", "grid", "member"), np.stack([values.T for values in curves.values()])),
            "dependence_value": (("driver", "grid"), np.stack([natural(*item) for item in grids.items()])),
            "dependence_days": (
                ("driver", "grid"),
                np.stack([dependence.days_near(table, {name: grid}) for name, grid in grids.items()]),
            ),
        },
        coords={"driver": np.array(list(grids), dtype=object)},
    )
    estimates = Days(dependence.estimate_of(separation), companions)
    pair = dependence.strongest_pair(estimates, grids, {name: values[0] for name, values in curves.items()})
    return found if pair is None else found.merge(_joint(estimates, pair, (grids[pair[0]], grids[pair[1]])))


def _joint(days: Days, pair: tuple[str, str], grids: tuple[np.ndarray, np.ndarray]) -> xr.Dataset:
    table, (first, second) = days.model.drivers, pair
    dims = ("first_grid", "second_grid")
    return xr.Dataset(
        {
            "joint": (dims, dependence.surface(days, pair, grids)),
            "joint_days": (dims, dependence.days_near(table, dict(zip(pair, grids, strict=True)))),
            "joint_first": ("first_grid", natural(first, grids[0]), {"driver": first}),
            "joint_second": ("second_grid", natural(second, grids[1]), {"driver": second}),
        }
    )


def bounds(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of the 90 % interval of concentrations (..., member), found for the logarithm: never below zero."""
    low, high = interval(np.log(members))
    return np.exp(low), np.exp(high)


def dependence_rows(place: xr.Dataset) -> pd.DataFrame:
    """The one-way dependence of a place's readings in long form; columns ``DEPENDENCE``, empty where there is none."""
    if "dependence" not in place:
        return pd.DataFrame(columns=list(DEPENDENCE))
    members = place["dependence"].transpose("driver", "grid", "member").to_numpy()
    low, high = bounds(members)
    drivers = [str(name) for name in place["driver"].to_numpy()]
    points = members.shape[1]
    frame = pd.DataFrame(
        {
            **{key: str(place.attrs[key]) for key in ("level", "name", "pollutant")},
            "driver": np.repeat([quantity_of(name) for name in drivers], points),
            "value": place["dependence_value"].transpose("driver", "grid").to_numpy().ravel(),
            "value_units": np.repeat([units_of(name) for name in drivers], points),
            "concentration": members[..., 0].ravel(),
            "concentration_low": low.ravel(),
            "concentration_high": high.ravel(),
            "units": str(place.attrs["units"]),
        }
    )
    return frame[list(DEPENDENCE)]


def dependence_table(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """``dependence_rows`` of every place that has them; columns ``DEPENDENCE``."""
    frames = [rows for place in readings if not (rows := dependence_rows(place)).empty]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(DEPENDENCE))


def joint_dependence_table(readings: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The two-way dependence of every place that has one; columns ``JOINT_DEPENDENCE``.

    ``days`` counts those near the pair of values: an answer without any is the model's extrapolation.
    """
    frames = [_joint_rows(place) for place in readings if "joint" in place]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(JOINT_DEPENDENCE))


def _joint_rows(place: xr.Dataset) -> pd.DataFrame:
    long = place[["joint", "joint_days", "joint_first", "joint_second"]].to_dataframe(
        dim_order=["first_grid", "second_grid"]
    )
    first, second = (str(place[name].attrs["driver"]) for name in ("joint_first", "joint_second"))
    frame = pd.DataFrame(
        {
            **{key: str(place.attrs[key]) for key in ("level", "name", "pollutant")},
            "first_driver": quantity_of(first),
            "first_value": long["joint_first"].to_numpy(),
            "first_units": units_of(first),
            "second_driver": quantity_of(second),
            "second_value": long["joint_second"].to_numpy(),
            "second_units": units_of(second),
            "days": long["joint_days"].to_numpy(),
            "concentration": long["joint"].to_numpy(),
            "units": str(place.attrs["units"]),
        }
    )
    return frame[list(JOINT_DEPENDENCE)]
