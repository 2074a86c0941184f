"""Days by HJ 663: the rules by hand, and a slow reading of the same rules against the fast one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.standards import by_day, daily, daily_mean, maximum_daily_8h

# a float64 sum of at most 24 values is off by less than 24 half-units in the last place of the sum
ROUNDING = 24 * 2.0**-52
HOUR = st.none() | st.floats(0, 1000)
DAY = st.lists(HOUR, min_size=24, max_size=24)
CHOSEN = st.lists(st.booleans(), min_size=24, max_size=24)


def array(hours: list[float | None]) -> np.ndarray:
    return np.array([np.nan if hour is None else hour for hour in hours])


def slow_mean(hours: list[float | None], at_least: int) -> float | None:
    """The mean as the standard words it: of the valid hours, if there are enough."""
    valid = [hour for hour in hours if hour is not None]
    return sum(valid) / len(valid) if len(valid) >= at_least else None


def slow_mda8(hours: list[float | None], limit: float = 160) -> float | None:
    """The maximum as the standard words it: window by window, hour by hour."""
    windows = [slow_mean(hours[end - 8 : end], 6) for end in range(8, 25)]
    valid = [window for window in windows if window is not None]
    if not valid or (len(valid) < 14 and max(valid) <= limit):
        return None
    return max(valid)


def same(fast: np.ndarray, slow: float | None) -> bool:
    return bool(np.isnan(fast)) if slow is None else bool(np.isclose(fast, slow, rtol=ROUNDING, atol=0))


def hourly(values: np.ndarray, start: str, *, name: str = "pm25") -> xr.Dataset:
    """One station's hours, the first of them labelled ``start``."""
    time = pd.date_range(start, periods=len(values), freq="h")
    data = xr.DataArray(values[None], {"station": ["A"], "time": time}, ("station", "time"), attrs={"units": "ug m-3"})
    return xr.Dataset({name: data}, attrs={"resolution": "hour"})


# --- two ways agree


@given(hours=DAY)
def test_the_fast_daily_mean_is_the_slow_one(hours: list[float | None]) -> None:
    assert same(daily_mean(array(hours)), slow_mean(hours, 20))


@given(hours=DAY)
def test_the_fast_highest_8_hours_are_the_slow_ones(hours: list[float | None]) -> None:
    # a window that equals the limit but for rounding may be judged either way
    fast, slow = maximum_daily_8h(array(hours)), slow_mda8(hours)
    edge = [w for end in range(8, 25) if (w := slow_mean(hours[end - 8 : end], 6)) is not None and abs(w - 160) < 1e-9]
    assert same(fast, slow) or edge


@given(present=CHOSEN, high=st.booleans())
def test_holes_are_judged_the_same_in_both_ways(present: list[bool], high: bool) -> None:
    hours = [(200.0 if high else 100.0) if there else None for there in present]
    assert same(daily_mean(array(hours)), slow_mean(hours, 20))
    assert same(maximum_daily_8h(array(hours)), slow_mda8(hours))


@given(values=hnp.arrays(float, (2, 3, 24), elements=st.floats(0, 1000) | st.just(np.nan)))
def test_days_and_stations_are_assessed_each_on_its_own(values: np.ndarray) -> None:
    for assess in (daily_mean, maximum_daily_8h):
        alone = [[assess(values[station, day]) for day in range(3)] for station in range(2)]
        np.testing.assert_allclose(assess(values), alone, rtol=ROUNDING)


# --- laws


@given(hours=st.lists(st.floats(0, 1000), min_size=24, max_size=24))
def test_the_highest_8_hours_lie_between_the_mean_of_their_thirds_and_the_highest_hour(hours: list[float]) -> None:
    found, thirds = float(maximum_daily_8h(np.array(hours))), np.array(hours).reshape(3, 8).mean(axis=1)
    assert thirds.max() * (1 - ROUNDING) <= found <= max(hours) * (1 + ROUNDING)
    assert found >= float(daily_mean(np.array(hours))) * (1 - ROUNDING)


@given(hours=st.lists(st.floats(0, 1000), min_size=24, max_size=24), order=st.permutations(range(24)))
def test_a_daily_mean_does_not_care_for_the_order_of_hours(hours: list[float], order: list[int]) -> None:
    shuffled = np.array(hours)[list(order)]
    np.testing.assert_allclose(daily_mean(shuffled), daily_mean(np.array(hours)), rtol=ROUNDING)


# --- known answers, worked by hand


@pytest.mark.parametrize(("hours", "valid"), [(24, True), (20, True), (19, False), (0, False)])
def test_a_daily_mean_needs_20_hours(hours: int, valid: bool) -> None:
    day = np.where(np.arange(24) < hours, 30.0, np.nan)
    assert daily_mean(day) == pytest.approx(30.0 if valid else np.nan, nan_ok=True)


def test_a_daily_mean_of_the_numbers_1_to_24_is_12_and_a_half() -> None:
    assert daily_mean(np.arange(1.0, 25.0)) == 12.5
    # without the four highest: (1 + ... + 20) / 20
    assert daily_mean(np.where(np.arange(1.0, 25.0) <= 20, np.arange(1.0, 25.0), np.nan)) == 10.5


def test_the_highest_8_hours_of_the_numbers_1_to_24_are_the_last() -> None:
    assert maximum_daily_8h(np.arange(1.0, 25.0)) == 20.5  # (17 + ... + 24) / 8


def test_windows_do_not_reach_into_the_day_before() -> None:
    # a peak in the first hour stands in one window only, the one that ends at 08:00
    day = np.full(24, 10.0)
    day[0] = 90.0
    assert maximum_daily_8h(day) == 20.0  # (90 + 7 * 10) / 8


@pytest.mark.parametrize(("hours", "valid"), [(8, True), (6, True), (5, False)])
def test_an_8_hour_mean_needs_6_hours(hours: int, valid: bool) -> None:
    # the hours before 8 are missing but for the last `hours`; windows from 08:00 on count by what they hold
    day = np.full(24, np.nan)
    day[8 - hours : 8] = 200.0
    assert np.isfinite(maximum_daily_8h(day)) == valid


@pytest.mark.parametrize(
    ("missing", "windows", "valid"),
    [
        # hours 1 to n missing: the window that ends at 08:00 + k holds 8 - n + k hours and needs 6
        (2, 17, True),
        (5, 14, True),
        (6, 13, False),
        (24, 0, False),
    ],
)
def test_a_day_needs_14_windows(missing: int, windows: int, valid: bool) -> None:
    day = np.where(np.arange(24) < missing, np.nan, 100.0)
    counted = [end for end in range(8, 25) if np.isfinite(day[end - 8 : end]).sum() >= 6]
    assert len(counted) == windows
    assert np.isfinite(maximum_daily_8h(day)) == valid


@pytest.mark.parametrize(("level", "valid"), [(159.0, False), (160.0, False), (161.0, True)])
def test_fewer_windows_count_when_they_exceed_the_limit(level: float, valid: bool) -> None:
    day = np.where(np.arange(24) < 16, np.nan, level)  # the last 8 hours: 3 windows of at least 6
    assert maximum_daily_8h(day) == pytest.approx(level if valid else np.nan, nan_ok=True)
    assert maximum_daily_8h(day, limit=100.0) == level


# --- labels end their hour


def test_midnight_belongs_to_the_day_before() -> None:
    hours, days = by_day(hourly(np.arange(48.0), "2020-02-28 01:00")["pm25"])
    assert list(days.strftime("%m-%d")) == ["02-28", "02-29"]
    np.testing.assert_array_equal(hours, np.arange(48.0).reshape(1, 2, 24))


def test_the_first_label_00_00_is_the_last_hour_of_the_day_before() -> None:
    hours, days = by_day(hourly(np.array([5.0, 6.0]), "2020-03-01 00:00")["pm25"])
    assert list(days.strftime("%m-%d")) == ["02-29", "03-01"]
    assert hours[0, 0, 23] == 5.0
    assert hours[0, 1, 0] == 6.0
    assert np.isnan(hours).sum() == 46


@given(keep=st.lists(st.booleans(), min_size=72, max_size=72).filter(any))
def test_hours_absent_from_the_axis_are_hours_not_observed(keep: list[bool]) -> None:
    whole = hourly(np.arange(72.0), "2020-01-01 01:00")
    holes = whole.where(xr.DataArray(keep, dims="time"))
    dropped = whole.isel(time=np.flatnonzero(keep))
    xr.testing.assert_identical(daily(dropped), daily(holes).sel(time=daily(dropped)["time"]))


def test_each_pollutant_is_assessed_by_its_own_rule() -> None:
    values = np.arange(1.0, 25.0)
    both = xr.merge([hourly(values, "2020-01-01 01:00"), hourly(values, "2020-01-01 01:00", name="o3")])
    assessed = daily(both.assign_attrs(resolution="hour"))
    assert assessed["pm25"].item() == 12.5
    assert assessed["o3"].item() == 20.5
    assert assessed["o3"].attrs["units"] == "ug m-3"
    assert assessed.attrs["resolution"] == "day"
    assert list(assessed["time"].values) == [np.datetime64("2020-01-01")]


def test_days_that_are_days_already_stay_as_they_are() -> None:
    days = hourly(np.arange(3.0), "2020-01-01").assign_attrs(resolution="day")
    assert daily(days) is days


@given(order=st.permutations(range(3)))
def test_the_order_of_stations_changes_nothing(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    coordinates = {"station": ["A", "B", "C"], "time": pd.date_range("2020-01-01 01:00", periods=96, freq="h")}
    values = xr.DataArray(rng.uniform(0, 300, (3, 96)), coordinates, ("station", "time"))
    data = xr.Dataset({"o3": values, "pm25": values}, attrs={"resolution": "hour"})
    xr.testing.assert_identical(daily(data.isel(station=order)), daily(data).isel(station=order))
