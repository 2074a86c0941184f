"""Drivers of a day: known humidities, sums over the local day, memory that only looks back, groups of every name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.vocabulary import GROUPS, WEATHER, group_of
from pipeline.weather.features import (
    AFTERNOON_DRIVERS,
    base_drivers,
    completed,
    daily,
    relative_humidity,
    with_memory,
)

# Saturation vapour pressure over water [hPa], Smithsonian Meteorological Tables (List 1951)
SATURATION = {0: 6.1078, 5: 8.7192, 10: 12.272, 15: 17.044, 20: 23.373, 25: 31.671, 30: 42.430, 35: 56.236}
BOLTON = 0.001  # Bolton (1980): his formula is within 0.1 % of the tables from -30 to 35 degC
ROUNDING = 24 * 2.0**-52
HOURS = hnp.arrays(float, 72, elements=st.floats(0, 50) | st.just(np.nan))


def hourly(**values: np.ndarray) -> xr.Dataset:
    """One station's hours from 01:00 of the first of January, local time."""
    length = len(next(iter(values.values())))
    time = pd.date_range("2020-01-01 01:00", periods=length, freq="h")
    arrays = {name: (("station", "time"), array[None]) for name, array in values.items()}
    return xr.Dataset(arrays, {"station": ["A"], "time": time}, {"resolution": "hour"})


def everything(days: int = 30, seed: int = 0) -> xr.Dataset:
    """Hours of every quantity of the vocabulary, each somewhere in its range."""
    rng = np.random.default_rng(seed)
    ranges = {name: known.valid_range for name, known in WEATHER.items()}
    return hourly(**{name: rng.uniform(*ends, 24 * days) for name, ends in ranges.items()})


def drivers(weather: xr.Dataset) -> pd.DataFrame:
    of_days = daily(weather).isel(station=0)
    return with_memory(base_drivers(of_days.drop_vars("station").to_dataframe()))


# --- humidity


@pytest.mark.parametrize(("temperature", "dew_point"), [(20, 10), (30, 20), (35, 5), (10, 0), (25, 25), (15, 10)])
def test_humidity_is_that_of_the_tables(temperature: int, dew_point: int) -> None:
    expected = 100 * SATURATION[dew_point] / SATURATION[temperature]
    found = relative_humidity(xr.DataArray(temperature + 273.15), xr.DataArray(dew_point + 273.15))
    assert float(found) == pytest.approx(expected, rel=2 * BOLTON)  # one for each of the two pressures


@given(temperature=st.floats(230, 320), spread=st.floats(0, 40), drier=st.floats(0.1, 5))
def test_air_is_saturated_at_its_dew_point_and_drier_below(temperature: float, spread: float, drier: float) -> None:
    def humidity(dew_point: float) -> float:
        return float(relative_humidity(xr.DataArray(temperature), xr.DataArray(dew_point)))

    assert humidity(temperature) == pytest.approx(100, rel=1e-12)
    assert 0 <= humidity(temperature - spread - drier) < humidity(temperature - spread) <= 100
    assert humidity(temperature + drier) == 100


@given(speed=st.floats(0.1, 50), direction=st.floats(0, 360))
def test_a_wind_of_speed_and_direction_is_the_wind_of_its_components(speed: float, direction: float) -> None:
    hours = completed(hourly(wind_speed=np.full(24, speed), wind_direction=np.full(24, direction)))
    back = completed(hours[["u10", "v10"]])
    np.testing.assert_allclose(back["wind_speed"], speed, rtol=1e-12)
    assert "wind_direction" not in hours


def test_winds_from_either_side_of_north_are_a_north_wind() -> None:
    # the mean of the angles 350 and 10 would be a wind from the south
    direction = np.tile([350.0, 10.0], 12)
    found = daily(hourly(wind_speed=np.full(24, 2.0), wind_direction=direction))
    assert found["u10"].item() == pytest.approx(0, abs=1e-15)
    assert found["v10"].item() == pytest.approx(-2 * np.cos(np.deg2rad(10)))


def test_humidity_and_wind_speed_are_derived_unless_they_are_given() -> None:
    given_both = hourly(t2m=np.full(24, 293.15), d2m=np.full(24, 283.15), u10=np.full(24, 3.0), v10=np.full(24, -4.0))
    derived = completed(given_both)
    np.testing.assert_allclose(derived["wind_speed"], 5.0)
    np.testing.assert_allclose(derived["rh"], 52.5, rtol=2 * BOLTON)  # 12.272 / 23.373
    measured = given_both.assign(rh=given_both["t2m"] * 0 + 40, wind_speed=given_both["t2m"] * 0 + 6)
    xr.testing.assert_identical(completed(measured), measured)


# --- from hours to local days


@given(values=HOURS)
def test_sums_means_and_extremes_are_those_of_a_slow_loop(values: np.ndarray) -> None:
    found = daily(hourly(tp=values, t2m=values + 250, fog=values)).isel(station=0)
    for day in range(3):
        valid = [hour for hour in values[24 * day : 24 * day + 24] if not np.isnan(hour)]
        expected = dict.fromkeys(("tp", "t2m", "tmax", "tmin", "fog"), np.nan)
        if len(valid) >= 18:
            mean = sum(valid) / len(valid)
            # a sum stands for 24 hours: what a few missing hours held is taken to be the mean of the rest
            expected = {"tp": 24 * mean, "t2m": mean + 250, "tmax": max(valid) + 250, "tmin": min(valid) + 250}
            expected["fog"] = mean
        for name, value in expected.items():
            np.testing.assert_allclose(found[name][day], value, rtol=2 * ROUNDING, atol=24 * 300 * 2.0**-52)


def test_rain_is_summed_over_the_local_day_whose_24th_hour_is_midnight() -> None:
    rain = np.zeros(48)
    rain[23], rain[24] = 5.0, 7.0  # the hour that ends at midnight, and the one after it
    np.testing.assert_array_equal(daily(hourly(tp=rain))["tp"][0], [5.0, 7.0])


@pytest.mark.parametrize(("hours", "known"), [(24, True), (18, True), (17, False), (0, False)])
def test_a_day_of_weather_needs_18_hours(hours: int, known: bool) -> None:
    values = np.where(np.arange(24) < hours, 280.0, np.nan)
    found = daily(hourly(t2m=values))
    assert all(np.isfinite(found[name]).item() == known for name in ("t2m", "tmax", "tmin", "t2m_afternoon"))


def test_the_afternoon_is_the_hours_that_end_at_10_to_18() -> None:
    labels = np.arange(1.0, 25.0)
    found = daily(hourly(t2m=250 + labels))
    assert found["t2m_afternoon"].item() == 250 + 14  # (10 + ... + 18) / 9
    few = np.where((labels >= 10) & (labels <= 13), np.nan, 250 + labels)  # 5 of its 9 hours are left
    assert daily(hourly(t2m=few))["t2m_afternoon"].item() == daily(hourly(t2m=few))["t2m"].item()


def test_days_that_are_days_already_only_gain_what_can_be_derived() -> None:
    days = hourly(u10=np.full(3, 3.0), v10=np.full(3, 4.0)).assign_attrs(resolution="day")
    xr.testing.assert_identical(daily(days).drop_vars("wind_speed"), days)


@given(order=st.permutations(range(3)))
def test_the_order_of_stations_changes_no_weather(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    coordinates = {"station": ["A", "B", "C"], "time": pd.date_range("2020-01-01 01:00", periods=48, freq="h")}
    values = xr.DataArray(rng.uniform(250, 300, (3, 48)), coordinates, ("station", "time"))
    data = xr.Dataset({"t2m": values}, attrs={"resolution": "hour"})
    xr.testing.assert_identical(daily(data.isel(station=order)), daily(data).isel(station=order))


# --- the scales on which drivers act


def test_heights_winds_and_rain_act_by_their_logarithm() -> None:
    days = pd.DataFrame({"blh": [1000.0, 2.0], "wind_speed": [2.7, 0.0], "tp": [0.0, 19.0], "t2m_afternoon": 290.0})
    found = base_drivers(days)
    np.testing.assert_allclose(found["log_blh"], np.log([1000.0, 10.0]))
    np.testing.assert_allclose(found["log_wind_speed"], np.log([3.0, 0.3]))
    np.testing.assert_allclose(found["log_tp"], np.log([1.0, 20.0]))
    assert set(found) == {"log_blh", "log_wind_speed", "log_tp", "t2m_afternoon"}


@pytest.mark.parametrize(
    ("given_names", "expected"),
    [
        (("t2m", "tmax", "tmin"), {"t2m", "diurnal_range"}),
        (("tmax", "tmin"), {"tmax", "tmin", "diurnal_range"}),
        (("t2m", "tmax"), {"t2m", "tmax"}),
        (("tmin",), {"tmin"}),
    ],
)
def test_no_temperature_is_lost(given_names: tuple[str, ...], expected: set[str]) -> None:
    days = pd.DataFrame({name: [280.0, 290.0] for name in given_names})
    assert set(base_drivers(days)) == expected


@given(values=hnp.arrays(float, (8, 4), elements=st.floats(0, 300) | st.just(np.nan)))
def test_missing_weather_stays_missing(values: np.ndarray) -> None:
    days = pd.DataFrame(values, columns=["blh", "wind_speed", "tp", "fog"])
    np.testing.assert_array_equal(base_drivers(days).isna(), days.isna())


# --- memory


@given(values=hnp.arrays(float, st.integers(1, 20), elements=st.floats(-100, 100) | st.just(np.nan)))
def test_memory_is_that_of_a_slow_loop(values: np.ndarray) -> None:
    found = with_memory(pd.DataFrame({"t2m": values}))
    for day in range(len(values)):
        np.testing.assert_array_equal(found["t2m_lag1"][day], values[max(day - 1, 0)])
        for length in (3, 7):
            window = [value for value in values[max(day - length + 1, 0) : day + 1] if not np.isnan(value)]
            expected = sum(window) / len(window) if window else np.nan
            # pandas adds and takes away in turn: what has left the window leaves its rounding
            np.testing.assert_allclose(found[f"t2m_mean{length}"][day], expected, rtol=1e-9, atol=100 * 20 * 2.0**-50)


@given(later=st.integers(1, 29), seed=st.integers(0, 100))
def test_memory_never_looks_ahead(later: int, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(size=(30, 2))
    before = with_memory(pd.DataFrame(values, columns=["t2m", "fog"]))
    values[later:] = 1e6
    after = with_memory(pd.DataFrame(values, columns=["t2m", "fog"]))
    pd.testing.assert_frame_equal(after[:later], before[:later])


def test_each_driver_has_its_yesterday_and_two_means() -> None:
    found = with_memory(pd.DataFrame({"t2m": [1.0, 2.0], "fog": [3.0, 4.0]}))
    assert list(found) == [f"{name}{suffix}" for suffix in ("", "_lag1", "_mean3", "_mean7") for name in ("t2m", "fog")]


# --- groups


def test_every_derived_name_belongs_to_the_group_of_what_it_is_made_of() -> None:
    found = {str(name) for name in drivers(everything())}
    # tmax and tmin become the diurnal range; the direction says no more than the components
    assert len(found) == 4 * (len(WEATHER) - 2 + len(AFTERNOON_DRIVERS))
    for name in sorted(found):
        made_of = [known for known in sorted(WEATHER, key=len) if known in name]
        expected = "temperature" if name.startswith("diurnal_range") else WEATHER[made_of[-1]].group
        assert group_of(name) == expected, name
    assert {group_of(name) for name in found} == set(GROUPS) - {"other"}


@given(name=st.sampled_from(["fog", "visibility", "t2m.1", "log", "lag1"]), suffix=st.sampled_from(["", "_lag1"]))
def test_what_the_vocabulary_does_not_know_is_other(name: str, suffix: str) -> None:
    assert group_of(name + suffix) == "other"


def test_an_unknown_quantity_becomes_a_driver_as_it_is() -> None:
    fog = np.repeat(np.arange(30.0) - 15, 24)
    found = drivers(hourly(fog=fog))
    np.testing.assert_array_equal(found["fog"], np.arange(30.0) - 15)
    assert set(found) == {"fog", "fog_lag1", "fog_mean3", "fog_mean7"}
