"""What crosses a seam is checked, and a breach names the seam, what was found and what was agreed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import agreed_units, check, convert
from pipeline.errors import ContractError, InputError
from pipeline.vocabulary import POLLUTANTS, WEATHER, units_known_for


def kept() -> xr.Dataset:
    """A Dataset that keeps the contract."""
    coordinates = {"station": ["A", "B"], "time": pd.date_range("2020-01-01", periods=3)}
    values = xr.DataArray(np.ones((2, 3)), coordinates, ("station", "time"), attrs={"units": "ug m-3"})
    return xr.Dataset({"o3": values}, attrs={"resolution": "day"})


def in_units(units: str) -> xr.Dataset:
    data = kept()
    data["o3"].attrs["units"] = units
    return data


BREACHES: dict[str, tuple[Callable[[], xr.Dataset], str]] = {
    "no resolution": (lambda: kept().assign_attrs(resolution="week"), "resolution is 'week', agreed one of"),
    "a station twice": (lambda: kept().isel(station=[0, 1, 0]), "station 'A' is there twice, agreed once"),
    "a day twice": (lambda: kept().isel(time=[0, 1, 1]), "time Timestamp.* is there twice, agreed once"),
    "days out of order": (lambda: kept().isel(time=[1, 0, 2]), "time is not sorted, agreed ascending"),
    "nothing by that name": (lambda: kept().rename(o3="O3"), r"found \['O3'\], agreed 'o3' among them"),
    "dims out of order": (kept().transpose, r"'o3' has dims \('time', 'station'\), agreed \('station', 'time'\)"),
    "another unit": (lambda: in_units("ppb"), "'o3' is in 'ppb', agreed 'ug m-3'"),
    "no unit": (lambda: kept().drop_attrs().assign_attrs(resolution="day"), "'o3' is in 'nothing', agreed 'ug m-3'"),
}


def test_what_keeps_the_contract_passes_however_its_unit_is_spelled() -> None:
    check(kept(), ["o3"], seam="one -> other")
    check(in_units("µg/m³"), ["o3"], seam="one -> other")


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_refused_at_its_seam(breach: str) -> None:
    broken, line = BREACHES[breach]
    with pytest.raises(ContractError, match=f"^one -> other: {line}"):
        check(broken(), ["o3"], seam="one -> other")


@given(name=st.sampled_from([*POLLUTANTS, *WEATHER]), value=st.floats(-1e6, 1e6), data=st.data())
def test_conversion_is_linear_and_knows_every_unit_it_names(name: str, value: float, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(units_known_for(name)))
    at = convert(np.array([0.0, value, 2 * value]), name, unit, where="test")
    np.testing.assert_allclose(at[2] - at[1], at[1] - at[0], rtol=1e-9, atol=1e-9)
    if unit == agreed_units(name):
        np.testing.assert_array_equal(at, [0.0, value, 2 * value])


@pytest.mark.parametrize(
    ("name", "unit", "found", "agreed"),
    [
        # DOMAIN.md 3.2, from molar masses at 298.15 K and 1013.25 hPa
        ("o3", "ppb", 100.0, 196.20),
        ("no2", "ppb", 100.0, 188.05),
        ("so2", "ppb", 100.0, 261.87),
        ("co", "ppm", 1.0, 1.1449),
        ("t2m", "degC", 25.0, 298.15),
        ("t2m", "degF", 212.0, 373.15),
        ("wind_speed", "km h-1", 36.0, 10.0),
        ("ssrd", "J m-2", 3600.0, 1.0),
        ("tp", "m", 0.001, 1.0),
        ("msl", "hPa", 1013.25, 101325.0),
    ],
)
def test_known_conversions(name: str, unit: str, found: float, agreed: float) -> None:
    assert convert(np.array([found]), name, unit, where="test")[0] == pytest.approx(agreed, rel=1e-12)


@pytest.mark.parametrize(("name", "unit"), [("pm25", "ppb"), ("t2m", "m"), ("o3", "furlong")])
def test_a_unit_that_cannot_be_is_refused_with_those_that_can(name: str, unit: str) -> None:
    with pytest.raises(InputError, match=f"test: '{name}' is in '{unit}'; known units: {agreed_units(name)}"):
        convert(np.array([1.0]), name, unit, where="test")
