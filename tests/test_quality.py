"""Screening takes away what cannot be, says so, and makes nothing up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.quality import screened
from pipeline.vocabulary import POLLUTANTS, WEATHER, pollutant, weather_variable

ANYTHING = st.floats(-1e7, 1e7) | st.just(np.nan) | st.sampled_from([np.inf, -np.inf, 0.0, -0.0])


def of(name: str, values: np.ndarray, units: str = "ug m-3") -> xr.Dataset:
    time = pd.date_range("2020-01-01", periods=len(values), freq="D")
    data = xr.DataArray(values[None], {"station": ["A"], "time": time}, ("station", "time"), attrs={"units": units})
    return xr.Dataset({name: data}, attrs={"resolution": "day"})


@given(values=hnp.arrays(float, 12, elements=ANYTHING), name=st.sampled_from(sorted(POLLUTANTS)))
def test_what_is_left_is_what_was_there_and_plausible(values: np.ndarray, name: str) -> None:
    low, high = POLLUTANTS[name].valid_range
    kept, notes = screened(of(name, values), pollutant)
    plausible = (values >= low) & (values <= high)
    np.testing.assert_array_equal(kept[name][0], np.where(plausible, values, np.nan))
    rejected = int((~np.isnan(values) & ~plausible).sum())
    assert len(notes) == (rejected > 0)
    assert all(note.startswith(f"quality: {rejected} values of {name} outside {low:g} to {high:g}") for note in notes)


@given(values=hnp.arrays(float, 12, elements=ANYTHING), name=st.sampled_from([*sorted(WEATHER), "fog"]))
def test_screening_twice_is_screening_once(values: np.ndarray, name: str) -> None:
    once, _ = screened(of(name, values), weather_variable)
    twice, notes = screened(once, weather_variable)
    xr.testing.assert_identical(twice, once)
    assert notes == []


@pytest.mark.parametrize("name", [*POLLUTANTS, "benzene"])
def test_the_ends_of_the_range_are_plausible(name: str) -> None:
    low, high = pollutant(name).valid_range
    kept, notes = screened(of(name, np.array([low, high])), pollutant)
    assert np.isfinite(kept[name]).all()
    assert notes == []


def test_a_note_says_how_many_and_how_far() -> None:
    _, notes = screened(of("pm25", np.array([-4.0, 10.0, 2001.0, 553405.0, np.nan])), pollutant)
    assert notes == ["quality: 3 values of pm25 outside 0 to 2000 ug m-3 rejected (from -4 to 553405)"]


def test_an_unknown_pollutant_is_a_concentration_and_an_unknown_driver_any_number() -> None:
    values = np.array([-3.0, 3.0, 1e9])
    np.testing.assert_array_equal(screened(of("benzene", values), pollutant)[0]["benzene"][0], [np.nan, 3, np.nan])
    kept, notes = screened(of("fog", values, "unknown"), weather_variable)
    np.testing.assert_array_equal(kept["fog"][0], values)
    assert notes == []


def test_units_resolution_and_coordinates_are_kept() -> None:
    data = of("pm25", np.array([1.0, 1e6]))
    kept, _ = screened(data, pollutant)
    assert kept.attrs == data.attrs
    assert kept["pm25"].attrs == data["pm25"].attrs
    assert kept["time"].identical(data["time"])
